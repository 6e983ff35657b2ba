package squall.cpu;

import squall.ops.Rope;
import squall.ops.StepPlan;

/** Cosines and sines of one rotary embedding for the rows of a step: filled by its first layer, read by all. */
final class RopeTable {
    private final Rope rope;
    private float[] cos = new float[0];         // [rows, frequencies]
    private float[] sin = new float[0];
    private StepPlan filledFor;

    RopeTable(Rope rope) {
        this.rope = rope;
    }

    /** The angle is rounded to float32, as in the reference; its cosine and sine are taken in double. */
    void fill(StepPlan plan) {
        if (filledFor == plan) return;
        int n = rope.frequencies().length;
        if (cos.length < plan.rows() * n) {
            cos = new float[plan.rows() * n];
            sin = new float[plan.rows() * n];
        }
        for (int i = 0; i < plan.segments().size(); i++) {
            StepPlan.Segment s = plan.segments().get(i);
            for (int row = s.begin(); row < s.end(); row++)
                for (int j = 0; j < n; j++) {
                    float angle = (s.start() + row - s.begin()) * rope.frequencies()[j];
                    cos[row * n + j] = (float) (Math.cos(angle) * rope.scale());
                    sin[row * n + j] = (float) (Math.sin(angle) * rope.scale());
                }
        }
        filledFor = plan;
    }

    /** Rotates the first {@code 2 * frequencies} elements at {@code at} by the position of {@code row}. */
    void rotate(float[] x, int at, int row) {
        int n = rope.frequencies().length;
        RowKernels.rotate(x, at, cos, sin, row * n, n);
    }

    /** As {@link #rotate}, by a plain loop. */
    void rotatePlainly(float[] x, int at, int row) {
        int n = rope.frequencies().length;
        for (int j = 0; j < n; j++) {
            float c = cos[row * n + j], s = sin[row * n + j];
            float a = x[at + j], b = x[at + n + j];
            x[at + j] = a * c - b * s;
            x[at + n + j] = b * c + a * s;
        }
    }
}
