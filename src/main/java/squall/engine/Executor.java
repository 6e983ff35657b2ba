package squall.engine;

import squall.ops.StepPlan;
import squall.ops.Tap;

/**
 * A model on a device, with the state of its slots. Owned by one thread.
 *
 * <p>A slot is the place of one sequence: its KV pages, its recurrent states and its convolution windows.
 */
public interface Executor extends AutoCloseable {

    /** Runs all rows of the plan and brings back the logits it asks for. {@code tap} may be null. */
    Logits step(StepPlan plan, Tap tap);

    /** Forgets a sequence: frees its pages, zeroes its states. Required before a slot is used again. */
    void clear(int slot);

    /**
     * Keeps a copy of the slot's recurrent states and windows at its present length. KV needs no copy: it can be cut.
     * Null where the model has no recurrent state.
     */
    Object saveState(int slot);

    /** Takes the slot back to {@code length} positions, with the states kept by {@link #saveState} at that length. */
    void restoreState(int slot, int length, Object saved);

    /** Bytes of one slot's recurrent states and windows. */
    long stateBytes();

    int slots();

    @Override void close();
}
