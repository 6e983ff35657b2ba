package squall.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import squall.model.Model;
import squall.ops.StepPlan;
import squall.ops.Tap;

/**
 * A model on several devices. The residual stream goes from one to the next where the {@link Placement} changes, as
 * {@code rows * dim} floats by way of the host; KV, states and weights stay where their block is. Owned by one thread.
 */
public final class SplitExecutor implements Executor {
    private final Model model;
    private final Placement placement;
    private final List<PartExecutor> parts;
    private float[] x = new float[0];

    /** parts: one for each device of the placement, each opened with {@link Placement#part}. */
    public SplitExecutor(Model model, Placement placement, List<PartExecutor> parts) {
        this.model = model;
        this.placement = placement;
        this.parts = List.copyOf(parts);
    }

    @Override public Logits step(StepPlan plan, Tap tap) {
        for (PartExecutor part : parts) part.begin(plan);
        int elements = Math.multiplyExact(plan.rows(), model.config().dim());
        if (x.length < elements) x = new float[elements];
        Logits logits = null;
        for (Placement.Piece piece : placement.pieces())
            logits = tap == null ? parts.get(piece.device()).play(piece.from(), piece.to(), x) : tapped(piece, plan.rows(), tap);
        for (PartExecutor part : parts) part.end(plan);
        return logits;
    }

    /** Layer by layer, so that the tap sees the stream after each. */
    private Logits tapped(Placement.Piece piece, int rows, Tap tap) {
        Logits logits = null;
        for (int from = piece.from(), to; from < piece.to(); from = to) {
            to = Math.min(piece.to(), from + 1 + from % 2);
            logits = parts.get(piece.device()).play(from, to, x);
            if (to % 2 == 0) continue;   // half a layer
            boolean last = to == placement.head();
            tap.at(to / 2, last ? normalised(rows) : x, rows, model.config().dim());
        }
        return logits;
    }

    /** The rows under the final norm, w * x / sqrt(mean(x^2) + eps). */
    private float[] normalised(int rows) {
        float[] y = Arrays.copyOf(x, rows * model.config().dim());
        model.head().norm().apply(y, rows);
        return y;
    }

    @Override public void clear(int slot) {
        for (PartExecutor part : parts) part.clear(slot);
    }

    @Override public Object saveState(int slot) {
        List<Object> saved = new ArrayList<>();
        for (PartExecutor part : parts) saved.add(part.saveState(slot));
        return saved.stream().allMatch(Objects::isNull) ? null : saved;
    }

    /** Parts with a recurrent state first: they are those that may refuse. */
    @Override public void restoreState(int slot, int length, Object saved) {
        for (int i = 0; i < parts.size(); i++)
            if (parts.get(i).stateBytes() > 0) parts.get(i).restoreState(slot, length, ofPart(saved, i));
        for (PartExecutor part : parts)
            if (part.stateBytes() == 0) part.restoreState(slot, length, null);
    }

    @Override public void releaseState(Object saved) {
        for (int i = 0; i < parts.size(); i++)
            if (ofPart(saved, i) != null) parts.get(i).releaseState(ofPart(saved, i));
    }

    private Object ofPart(Object saved, int i) {
        return saved instanceof List<?> all && all.size() == parts.size() ? all.get(i) : null;
    }

    @Override public long stateBytes() {
        return parts.stream().mapToLong(Executor::stateBytes).sum();
    }

    @Override public int slots() {
        return parts.getFirst().slots();
    }

    @Override public void close() {
        for (PartExecutor part : parts) part.close();
    }
}
