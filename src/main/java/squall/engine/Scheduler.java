package squall.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import squall.ops.StepPlan;

/**
 * Decides which rows share the next step: one of every sequence that decodes, then pieces of prompts up to the batch.
 * Whoever was served longest ago comes first, so that neither a long prompt nor many answers keep another waiting.
 */
final class Scheduler {

    /** A sequence's part of a step: {@code rows} tokens, with logits if they are its last known ones. */
    record Piece(Sequence sequence, int rows) {
        boolean wantsLogits() {
            return rows == sequence.pending();
        }
    }

    /** What a running sequence is to the scheduler: its slot's number and when it was last served. */
    static final class Turn {
        final Sequence sequence;
        final int slot;
        private long served = -1;

        Turn(Sequence sequence, int slot) {
            this.sequence = sequence;
            this.slot = slot;
        }
    }

    private static final Comparator<Turn> LONGEST_AGO = Comparator.comparingLong(t -> t.served);
    private static final Comparator<Turn> ANSWERS_FIRST =
            Comparator.<Turn>comparingInt(t -> t.sequence.decoding() ? 0 : 1).thenComparing(LONGEST_AGO);

    private final int batch;
    private final List<Turn> order = new ArrayList<>();
    private final List<Piece> pieces = new ArrayList<>();
    private long turns;

    /** @param batch most rows of a step */
    Scheduler(int batch) {
        if (batch < 1) throw new IllegalArgumentException("a batch of " + batch + " rows");
        this.batch = batch;
    }

    /** A step and its pieces, in the order of its segments. Valid until the next one is made. */
    record Plan(StepPlan step, List<Piece> pieces) {}

    /** running: not empty. */
    Plan plan(List<Turn> running) {
        int decoding = 0;
        for (Turn t : running) if (t.sequence.decoding()) decoding++;
        order.clear();
        order.addAll(running);
        // with more answers than rows, answers first would leave prompts waiting for ever
        order.sort(decoding >= batch ? LONGEST_AGO : ANSWERS_FIRST);
        pieces.clear();
        StepPlan.Builder builder = new StepPlan.Builder();
        int free = batch;
        for (Turn t : order) {
            Sequence s = t.sequence;
            int rows = Math.min(Math.min(s.pending(), s.untilBoundary()), free);
            if (rows == 0) break;
            Piece piece = new Piece(s, rows);
            builder.add(t.slot, s.done(), s.ids(), s.done(), s.done() + rows,
                    piece.wantsLogits() ? StepPlan.Want.LAST : StepPlan.Want.NONE);
            pieces.add(piece);
            t.served = turns++;
            free -= rows;
        }
        return new Plan(builder.build(), pieces);
    }
}
