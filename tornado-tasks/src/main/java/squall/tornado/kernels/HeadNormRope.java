package squall.tornado.kernels;

import squall.ops.HeadShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Pages;
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
    /** The largest group. */
    private static final int MAX_GROUP = 256;

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

    /** Where q, k and v of one attention layer come from; k and v are packed, q is read at {@code queries}. */
    public record Projected(Region q, HeadShape queries, Small queryNorm, Region k, Region v, Small keyNorm) {}

    /**
     * In one task: {@code q = rope(norm(from.q))} into y; {@code rope(norm(from.k))} and v into the pages at each row's position.
     * Both norms are in one array.
     */
    public static void recordAppending(Tape tape, Region y, Projected from, Pages pages, float eps, FloatArray angles, int frequencies) {
        Frame f = tape.frame();
        HeadShape shape = from.queries;
        int group = f.traits().group();
        tape.add("normRopeAppend", Grid.perRow(shape.heads() + pages.kvHeads(), group), (g, id) -> g.task(id, HeadNormRope::kNormRopeAppend,
                f.context(), f.arena(), f.step(), f.layer(), from.queryNorm.array(), angles, pages.keys(), pages.values(), pages.table(),
                Pair.of(from.queryNorm.at(), from.keyNorm.at()), Pair.of(from.queryNorm.layerStride(), frequencies),
                Pair.of(pages.pagesPerSlot(), pages.layerStride()), Pair.of(y.at(), y.stride()),
                Pair.of(from.q.at() + shape.offset(), from.q.stride()), Pair.of(from.k.at(), from.k.stride()),
                Pair.of(from.v.at(), from.v.stride()), Pair.of(shape.heads(), pages.kvHeads()), Pair.of(shape.dim(), shape.stride()),
                Pair.of(f.rowsAt(), group), eps));
    }

    /** A group for each query head and each key head of a row; the latter's copies the head's values, too. */
    static void kNormRopeAppend(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights,
                                FloatArray angles, FloatArray keys, FloatArray values, IntArray table, long normAts,
                                long normStrideFrequencies, long pagesLayerStride, long y, long q, long k, long v, long heads, long dims,
                                long rowsGroup, float eps) {
        int group = Pair.second(rowsGroup);
        float[] sums = context.allocateFloatLocalArray(MAX_GROUP);
        int units = Pair.first(heads) + Pair.second(heads);
        int frequencies = Pair.second(normStrideFrequencies);
        int dim = Pair.first(dims);
        int row = context.groupIdx / units;
        int unit = context.groupIdx % units;
        int lane = context.localIdx;
        int size = row < step.get(StepArray.ROWS) ? dim : 0;
        int turned = TornadoMath.min(size, frequencies);
        int key = unit < Pair.first(heads) ? 0 : 1;
        int head = unit - key * Pair.first(heads);
        int from = key == 0 ? Pair.first(q) + row * Pair.second(q) + head * Pair.second(dims) : Pair.first(k) + row * Pair.second(k) + head * dim;
        int w = layer.get(0) * Pair.first(normStrideFrequencies) + (key == 0 ? Pair.first(normAts) : Pair.second(normAts));
        float sum = 0f;
        for (int i = lane; i < size; i += group) {
            float x = arena.get(from + i);
            sum += x * x;
        }
        sums[lane] = sum;
        context.localBarrier();
        for (int half = group >> 1; half > 0; half >>= 1) {
            if (lane < half) sums[lane] += sums[lane + half];
            context.localBarrier();
        }
        float scale = 1f / TornadoMath.sqrt(sums[0] / dim + eps);
        int record = Pair.first(rowsGroup) + StepArray.RECORD * row;
        int position = step.get(record + StepArray.POSITION);
        int page = 0;
        if (size > 0) page = table.get(step.get(record + StepArray.SLOT) * Pair.first(pagesLayerStride) + (position >> Pages.SHIFT));
        int at = layer.get(0) * Pair.second(pagesLayerStride) + ((page * Pages.SIZE + (position & (Pages.SIZE - 1))) * Pair.second(heads) + head) * dim;
        int to = Pair.first(y) + row * Pair.second(y) + head * dim;
        for (int i = lane; i < turned; i += group) {
            float a = weights.get(w + i) * arena.get(from + i) * scale;
            float b = weights.get(w + frequencies + i) * arena.get(from + frequencies + i) * scale;
            float cosine = angles.get(position * 2 * frequencies + i);
            float sine = angles.get(position * 2 * frequencies + frequencies + i);
            if (key == 0) {
                arena.set(to + i, a * cosine - b * sine);
                arena.set(to + frequencies + i, b * cosine + a * sine);
            } else {
                keys.set(at + i, a * cosine - b * sine);
                keys.set(at + frequencies + i, b * cosine + a * sine);
            }
        }
        for (int i = 2 * frequencies + lane; i < size; i += group) {
            float x = weights.get(w + i) * arena.get(from + i) * scale;
            if (key == 0) arena.set(to + i, x);
            else keys.set(at + i, x);
        }
        int copied = key * size;
        for (int i = lane; i < copied; i += group) values.set(at + i, arena.get(Pair.first(v) + row * Pair.second(v) + head * dim + i));
    }
}
