package squall.ops;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One step: rows of (token, position, slot), grouped in segments. A segment is consecutive positions of one slot;
 * decode is a segment of one row, prefill one of many, and both may share a step. A slot has at most one segment.
 *
 * <p>Immutable; built by {@link Builder}. Positions of a slot must follow the ones it has already seen.
 */
public final class StepPlan {
    /** Rows [begin, end) belong to {@code slot}; row r is at position {@code start + r - begin}. */
    public record Segment(int slot, int begin, int end, int start) {
        public int rows() {
            return end - begin;
        }
    }

    private final int[] tokens;
    private final List<Segment> segments;
    private final int[] outputs;

    private StepPlan(int[] tokens, List<Segment> segments, int[] outputs) {
        this.tokens = tokens;
        this.segments = List.copyOf(segments);
        this.outputs = outputs;
    }

    public int rows() {
        return tokens.length;
    }

    /** Token ids, one a row. */
    public int[] tokens() {
        return tokens;
    }

    public List<Segment> segments() {
        return segments;
    }

    /** Rows whose logits are wanted, ascending. */
    public int[] outputs() {
        return outputs;
    }

    /** Which rows of a segment bring logits back. */
    public enum Want { NONE, LAST, ALL }

    public static final class Builder {
        private int[] tokens = new int[16];
        private int rows;
        private final List<Segment> segments = new ArrayList<>();
        private int[] outputs = new int[16];
        private int wanted;

        /** Appends {@code ids[from, to)} at positions start, start + 1, … of {@code slot}. */
        public Builder add(int slot, int start, int[] ids, int from, int to, Want want) {
            int n = to - from;
            if (n <= 0 || start < 0 || slot < 0) throw new IllegalArgumentException("empty segment or negative place");
            for (Segment s : segments)
                if (s.slot() == slot) throw new IllegalArgumentException("slot " + slot + " twice in one step");
            if (rows + n > tokens.length) tokens = Arrays.copyOf(tokens, Math.max(rows + n, 2 * tokens.length));
            System.arraycopy(ids, from, tokens, rows, n);
            segments.add(new Segment(slot, rows, rows + n, start));
            int first = switch (want) { case NONE -> n; case LAST -> n - 1; case ALL -> 0; };
            for (int i = first; i < n; i++) {
                if (wanted == outputs.length) outputs = Arrays.copyOf(outputs, 2 * wanted);
                outputs[wanted++] = rows + i;
            }
            rows += n;
            return this;
        }

        public StepPlan build() {
            if (rows == 0) throw new IllegalStateException("a step has at least one row");
            return new StepPlan(Arrays.copyOf(tokens, rows), segments, Arrays.copyOf(outputs, wanted));
        }
    }
}
