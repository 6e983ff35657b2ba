package squall.engine;

import squall.ops.StepPlan;
import squall.ops.Tap;

/**
 * Runs given tokens through one slot, piece by piece, and brings back the logits of all positions from a given one on: for
 * checking and scoring, past the engine. Owned by the executor's thread.
 */
public final class Evaluation {
    /** Values of logits that one piece may bring back (256 MiB). */
    private static final int MOST_LOGITS = 1 << 26;

    private final Executor executor;
    private final int slot;
    private final int[] ids;
    private final int from;
    private final int rows;
    private final Tap tap;
    private int done;

    /**
     * Clears the slot.
     *
     * @param from first position whose logits are wanted
     * @param rows most tokens of a piece
     * @param tap  listens to the residual stream of each piece; may be null
     */
    public Evaluation(Executor executor, int slot, int[] ids, int from, int rows, Tap tap) {
        if (rows < 1) throw new IllegalArgumentException("pieces of " + rows + " tokens");
        this.executor = executor;
        this.slot = slot;
        this.ids = ids;
        this.from = from;
        this.rows = rows;
        this.tap = tap;
        executor.clear(slot);
    }

    /** Most rows of a piece for a vocabulary, so that its logits stay within reason. */
    public static int mostRows(int vocab) {
        return Math.max(1, MOST_LOGITS / vocab);
    }

    /** Tokens that have been taken. */
    public int done() {
        return done;
    }

    public boolean isDone() {
        return done == ids.length;
    }

    /** Takes the next piece; its logits are those of its positions from {@code from} on, none before. */
    public Logits next() {
        int end = Math.min(ids.length, done + rows);
        if (done < from) end = Math.min(end, from);
        StepPlan plan = new StepPlan.Builder()
                .add(slot, done, ids, done, end, done < from ? StepPlan.Want.NONE : StepPlan.Want.ALL).build();
        Logits logits = executor.step(plan, tap);
        done = end;
        return logits;
    }
}
