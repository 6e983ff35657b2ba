package squall.engine;

import java.util.List;
import squall.ops.StepPlan;
import squall.ops.Tap;
import squall.sample.Sampling;
import squall.sample.Wish;

/**
 * A model on a device, with the state of its slots. Owned by one thread.
 *
 * <p>A slot is the place of one sequence: its KV pages, its recurrent states and its convolution windows.
 */
public interface Executor extends AutoCloseable {

    /** States of a slot that may be kept at a time. */
    int KEPT_STATES = 4;

    /**
     * Runs all rows of the plan and brings back the logits it asks for. {@code tap} may be null.
     *
     * @throws IllegalArgumentException if a segment's slot does not exist, its positions do not follow what the slot has
     *                                  seen or pass the context length, or a token id is not in the vocabulary; no slot
     *                                  has changed then
     */
    Logits step(StepPlan plan, Tap tap);

    /** Whether {@link #draw} can choose tokens like this. */
    default boolean draws(Sampling sampling) {
        return false;
    }

    /**
     * Runs all rows of the plan and brings back a token for each row that wants logits, in their order; -1 where no token can be
     * chosen. The logits stay where they are.
     *
     * @param wishes one for each such row, each of a kind that {@link #draws} accepts
     * @throws IllegalArgumentException as {@link #step}
     */
    default int[] draw(StepPlan plan, List<Wish> wishes) {
        throw new UnsupportedOperationException("tokens are chosen from logits here");
    }

    /** Forgets a sequence: frees its pages, zeroes its states. Required before a slot is used again. */
    void clear(int slot);

    /**
     * Keeps a copy of the slot's recurrent states and windows at its present length. KV needs no copy: it can be cut.
     * Null where the model has no recurrent state. At most {@link #KEPT_STATES} of a slot are kept at a time.
     */
    Object saveState(int slot);

    /**
     * Takes the slot back to {@code length} positions, with the states kept by {@link #saveState} at that length.
     *
     * @throws IllegalArgumentException if the slot has fewer positions, or the state was kept at another length, in
     *                                  another slot or before the slot was cleared; nothing has changed then
     */
    void restoreState(int slot, int length, Object saved);

    /** Gives back what {@link #saveState} kept; it cannot be restored any more. */
    void releaseState(Object saved);

    /**
     * Makes a slot as long as if its positions below {@code length} had been computed: keys and values of those that are new are
     * nothing in particular, recurrent states stay as they are. What a step costs at a depth does not depend on them, so that
     * it can be measured without computing a prompt of that length.
     *
     * @return false where the player cannot do so; nothing has changed then
     * @throws IllegalArgumentException if the slot has more positions, or the context length is less
     */
    default boolean skipTo(int slot, int length) {
        return false;
    }

    /** Opens a meter, of which there is one at a time; null where the player cannot tell what a step costs. */
    default Meter meter() {
        return null;
    }

    /**
     * What it took until a device could play its first step.
     *
     * @param laidOut  nanoseconds in which the weights were put into the arrays that it takes
     * @param sent     nanoseconds in which it got them, its caches and states
     * @param compiled nanoseconds, also beside other work, in which kernels were being compiled until now
     * @param kernels  how many different ones
     * @param tasks    how many tasks use them
     */
    record Readiness(long laidOut, long sent, long compiled, int kernels, int tasks) {}

    /** Null where weights are used where they are. */
    default Readiness readiness() {
        return null;
    }

    /** Bytes of one slot's recurrent states and windows. */
    long stateBytes();

    int slots();

    @Override void close();
}
