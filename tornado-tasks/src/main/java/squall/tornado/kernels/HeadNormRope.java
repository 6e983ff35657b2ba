package squall.tornado.kernels;

import squall.ops.HeadShape;
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

/** Per head: norm, then rotary embedding. */
public final class HeadNormRope {
    private HeadNormRope() {}

    /**
     * {@code y[head] = rope(w * x[head] / sqrt(mean(x[head]^2) + eps))}. Element j of the first {@code frequencies} is turned
     * with element j + frequencies; what comes behind both is left as it is. y is packed and may be x, if x is packed too.
     *
     * @param weight of one head, [dim]
     * @param angles [positions, 2 * frequencies]: cosines, then sines of a position, the scale of YaRN in them
     */
    public static void record(Tape tape, Region y, Region x, HeadShape shape, Small weight, float eps, FloatArray angles, int frequencies) {
        Frame f = tape.frame();
        int group = f.traits().group();
        tape.add("headNormRope", Grid.perRow(shape.heads(), group), (g, id) -> g.task(id, HeadNormRope::kHeadNormRope, f.context(),
                f.arena(), f.step(), f.rowsAt(), f.layer(), weight.array(), weight.layerStride(), weight.at(), angles, frequencies,
                y.at(), y.stride(), x.at() + shape.offset(), x.stride(), shape.heads(), shape.dim(), shape.stride(), eps, group));
    }

    /** A group for each head of a row. A work-item turns whole pairs, so that nobody reads what another has written. */
    static void kHeadNormRope(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray weights,
                              int layerStride, int weightAt, FloatArray angles, int frequencies, int y, int yStride, int x, int xStride,
                              int heads, int dim, int headStride, float eps, int group) {
        float[] sums = context.allocateFloatLocalArray(group);
        int row = context.groupIdx / heads;
        int head = context.groupIdx % heads;
        int lane = context.localIdx;
        int size = row < step.get(StepArray.ROWS) ? dim : 0;
        int turned = TornadoMath.min(size, frequencies);
        int from = x + row * xStride + head * headStride;
        int to = y + row * yStride + head * dim;
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
        float scale = 1f / TornadoMath.sqrt(sums[0] / dim + eps);
        int angle = step.get(rowsAt + StepArray.RECORD * row + StepArray.POSITION) * 2 * frequencies;
        for (int i = lane; i < turned; i += group) {
            float a = weights.get(w + i) * arena.get(from + i) * scale;
            float b = weights.get(w + frequencies + i) * arena.get(from + frequencies + i) * scale;
            float cosine = angles.get(angle + i);
            float sine = angles.get(angle + frequencies + i);
            arena.set(to + i, a * cosine - b * sine);
            arena.set(to + frequencies + i, b * cosine + a * sine);
        }
        for (int i = 2 * frequencies + lane; i < size; i += group) arena.set(to + i, weights.get(w + i) * arena.get(from + i) * scale);
    }
}
