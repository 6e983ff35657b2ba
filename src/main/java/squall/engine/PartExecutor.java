package squall.engine;

import squall.ops.StepPlan;

/**
 * An executor of some blocks of a model, numbered as in {@link Placement}, while others play the rest of the step. Its slots
 * go with the whole model's. {@link #step} is for a model that is whole.
 */
public interface PartExecutor extends Executor {

    /**
     * Begins a step; what is played until {@link #end} belongs to it. If the step is never ended its slots must be cleared.
     *
     * @throws IllegalArgumentException as {@link #step}
     */
    void begin(StepPlan plan);

    /**
     * Plays blocks [from, to), all of them this executor's.
     *
     * @param x residual stream [rows, dim]: read unless the embedding is among the blocks, written unless the head is
     * @return what the head brings back, null without the head
     */
    Logits play(int from, int to, float[] x);

    void end(StepPlan plan);
}
