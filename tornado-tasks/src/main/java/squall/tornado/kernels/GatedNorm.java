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

/** {@code y[head] = w * y[head] / sqrt(mean(y[head]^2) + eps) * silu(z[head])}: the output of a Gated DeltaNet layer. */
public final class GatedNorm {
    private GatedNorm() {}

    /**
     * @param y      [rows, heads * weight.size], in place
     * @param z      as y
     * @param weight one head's, shared by all
     */
    public static void record(Tape tape, Region y, Region z, Small weight, float eps) {
        Frame f = tape.frame();
        int group = f.traits().group();
        int heads = y.width() / weight.size();
        tape.add("gatedNorm", Grid.perRow(heads, group), (g, id) -> g.task(id, GatedNorm::kGatedNorm, f.context(), f.arena(), f.step(),
                f.layer(), weight.array(), y.at(), y.stride(), z.at(), z.stride(), heads, weight.size(), weight.layerStride(), weight.at(),
                eps, group));
    }

    /** {@code y = y / sqrt(squares / head + eps)}: what {@link DeltaStep} has left, in place. */
    public static void recordDivision(Tape tape, Normed y) {
        Frame f = tape.frame();
        int width = y.x().width(), group = f.traits().group();
        tape.add("headNorm", Grid.itemsPerRow(width, group), (g, id) -> g.task(id, GatedNorm::kHeadNorm, f.context(), f.arena(), f.step(), Place.of(y.x()),
                Place.of(y.squares()), width, Pair.small(y.head(), y.parts()), y.eps()));
    }

    /** A work-item for each row and element. */
    static void kHeadNorm(KernelContext context, FloatArray arena, IntArray step, long y, long squares, int width, int sizes, float eps) {
        int row = context.globalIdx / width, i = context.globalIdx % width, at = Place.start(y, row) + i;
        if (row < step.get(StepArray.ROWS)) arena.set(at, arena.get(at) * WarpMatMul.perHead(arena, Place.start(squares, row), sizes, eps, i));
    }

    /** A group for each row and head. */
    static void kGatedNorm(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weight, int yAt, int yStride,
                           int zAt, int zStride, int heads, int dim, int weightLayerStride, int weightAt, float eps, int group) {
        int row = context.groupIdx / heads;
        int head = context.groupIdx % heads;
        int lane = context.localIdx;
        float[] sums = context.allocateFloatLocalArray(group);
        int width = row < step.get(StepArray.ROWS) ? dim : 0;
        int y = yAt + row * yStride + head * dim;
        int z = zAt + row * zStride + head * dim;
        int w = layer.get(0) * weightLayerStride + weightAt;
        float sum = 0f;
        for (int i = lane; i < width; i += group) sum += arena.get(y + i) * arena.get(y + i);
        sums[lane] = sum;
        context.localBarrier();
        for (int half = group >> 1; half > 0; half >>= 1) {
            if (lane < half) sums[lane] += sums[lane + half];
            context.localBarrier();
        }
        float scale = 1f / TornadoMath.sqrt(sums[0] / dim + eps);
        for (int i = lane; i < width; i += group)
            arena.set(y + i, weight.get(w + i) * arena.get(y + i) * scale * Activation.silu(arena.get(z + i)));
    }
}
