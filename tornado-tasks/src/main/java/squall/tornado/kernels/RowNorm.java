package squall.tornado.kernels;

import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.Small;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Norms of whole rows. */
public final class RowNorm {
    private RowNorm() {}

    /** {@code y[r] = w * x[r] / sqrt(mean(x[r]^2) + eps)}; y may be x. w: [width]. */
    public static void record(Tape tape, Region y, Region x, Small weight, float eps) {
        Frame f = tape.frame();
        int group = f.traits().group();
        tape.add("rmsNorm", Grid.perRow(1, group), (g, id) -> g.task(id, RowNorm::kRowNorm, f.context(), f.arena(), f.step(), f.layer(),
                weight.array(), weight.layerStride(), weight.at(), y.at(), y.stride(), x.at(), x.stride(), x.width(), eps, group));
    }

    /** A group for each row: every work-item sums its share of squares, then a tree over the group. */
    static void kRowNorm(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights, int layerStride,
                         int weightAt, int y, int yStride, int x, int xStride, int width, float eps, int group) {
        float[] sums = context.allocateFloatLocalArray(group);
        int row = context.groupIdx;
        int lane = context.localIdx;
        int size = row < step.get(StepArray.ROWS) ? width : 0;
        int from = x + row * xStride;
        int to = y + row * yStride;
        int w = layer.get(0) * layerStride + weightAt;
        float sum = 0f;
        for (int i = lane; i < size; i += group) {
            float v = arena.get(from + i);
            sum += v * v;
        }
        sums[lane] = sum;
        context.localBarrier();
        for (int half = group >> 1; half > 0; half >>= 1) {
            if (lane < half) sums[lane] += sums[lane + half];
            context.localBarrier();
        }
        float scale = 1f / TornadoMath.sqrt(sums[0] / width + eps);
        for (int i = lane; i < size; i += group) arena.set(to + i, weights.get(w + i) * arena.get(from + i) * scale);
    }
}
