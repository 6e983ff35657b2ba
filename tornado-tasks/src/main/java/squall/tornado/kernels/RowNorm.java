package squall.tornado.kernels;

import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.Small;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Norms of whole rows. */
public final class RowNorm {
    /** Where warps do it: work-items of a group, and numbers of a row that each keeps. */
    private static final int GROUP = 256;
    private static final int WARP = 32;
    private static final int KEPT = 16;

    private RowNorm() {}

    /** {@code y[r] = w * x[r] / sqrt(mean(x[r]^2) + eps)}; y may be x. w: [width]. */
    public static void record(Tape tape, Region y, Region x, Small weight, float eps) {
        Frame f = tape.frame();
        int group = f.traits().group();
        if (f.traits().shape() == Traits.Shape.WARPS && x.width() <= GROUP * KEPT) {
            tape.add("rmsNorm", Grid.perRow(1, GROUP), (g, id) -> g.task(id, RowNorm::kRowNormWarps, f.context(), f.arena(), f.step(), f.layer(),
                    weight.array(), Pair.of(weight.layerStride(), weight.at()), Place.of(y), Place.of(x), x.width(), eps));
            return;
        }
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

    /** The same with everything loaded before it is waited for, once: a row is latency and nothing else. */
    static void kRowNormWarps(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights, long weight, long y,
                              long x, int width, float eps) {
        float[] parts = context.allocateFloatLocalArray(GROUP / WARP);
        float[] own = new float[KEPT];
        float[] scaled = new float[KEPT];
        int row = context.groupIdx, item = context.localIdx, turns = (width + GROUP - 1) / GROUP;
        int size = row < step.get(StepArray.ROWS) ? width : 0, from = Place.start(x, row), w = Place.start(weight, layer.get(0));
        float squares = 0f;
        for (int i = 0; i < turns; i++) {
            own[i] = item + i * GROUP < size ? arena.get(from + item + i * GROUP) : 0f;
            scaled[i] = item + i * GROUP < size ? own[i] * weights.get(w + item + i * GROUP) : 0f;
            squares += own[i] * own[i];
        }
        float sum = context.simdSum(squares);
        if (item % WARP == 0) parts[item / WARP] = sum;
        context.localBarrier();
        float all = (parts[0] + parts[1]) + (parts[2] + parts[3]) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
        float scale = 1f / TornadoMath.sqrt(all / width + eps);
        int to = Place.start(y, row);
        for (int i = 0; i < turns; i++) if (item + i * GROUP < size) arena.set(to + item + i * GROUP, scaled[i] * scale);
    }
}
