package squall.cpu;

import squall.ops.DeltaShape;
import squall.ops.HeadShape;
import squall.ops.StateSpec;
import squall.ops.StepPlan;
import squall.ops.Weight;

/**
 * What the loop of an operation reads and writes, in one object that every operation fills anew: a body that captured its
 * operands would be a new object each time, and a step is a few hundred operations. Written by the thread that runs the step,
 * read by the workers.
 */
final class Operands implements ThreadTeam.RangeTask {

    /** A loop's body, items from <= i < to. It captures nothing. */
    @FunctionalInterface
    interface Body {
        void run(Operands o, int worker, int from, int to);
    }

    /** Whose operation it is. */
    final CpuOps ops;
    /** Result, inputs and a small weight, as floats. */
    float[] y;
    float[] x;
    float[] z;
    float[] w;
    /** Elements of an item of the loop. */
    int n;
    /** Elements of a row. */
    int width;
    float eps;
    HeadShape heads;
    DeltaShape delta;
    RopeTable rope;
    Weight weight;
    StateSpec state;
    StepPlan.Segment segment;
    private Body body;

    Operands(CpuOps ops) {
        this.ops = ops;
    }

    Operands of(float[] y, float[] x) {
        this.y = y;
        this.x = x;
        return this;
    }

    Operands of(float[] y, float[] x, float[] z, float[] w) {
        this.z = z;
        this.w = w;
        return of(y, x);
    }

    Operands in(Body body) {
        this.body = body;
        return this;
    }

    @Override public void run(int worker, int begin, int end) {
        body.run(this, worker, begin, end);
    }
}
