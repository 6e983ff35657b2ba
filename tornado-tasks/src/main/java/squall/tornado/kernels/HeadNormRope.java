package squall.tornado.kernels;

import squall.ops.HeadShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Pages;
import squall.tornado.Region;
import squall.tornado.Small;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Per head: norm, then rotary embedding. */
public final class HeadNormRope {
    /** The largest group. */
    private static final int MAX_GROUP = 256;

    /** Where warps have a head each: lanes of a warp, values of a head that each keeps, warps of a group. */
    private static final int WARP = 32;
    private static final int WARP_VALUES = 8;
    private static final int WARPS = 4;

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
        if (f.traits().shape() == Traits.Shape.WARPS && shape.dim() <= WARP * WARP_VALUES) {
            recordWarps(tape, y, from, pages, eps, angles, frequencies);
            return;
        }
        tape.add("normRopeAppend", Grid.perRow(shape.heads() + pages.kvHeads(), group), (g, id) -> g.task(id, HeadNormRope::kNormRopeAppend,
                f.context(), f.arena(), f.step(), f.layer(), from.queryNorm.array(), angles, Kept.keys(pages),
                Kept.values(pages), pages.table(),
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

    private static void recordWarps(Tape tape, Region y, Projected from, Pages pages, float eps, FloatArray angles, int frequencies) {
        Frame f = tape.frame();
        HeadShape shape = from.queries;
        int units = shape.heads() + pages.kvHeads();
        tape.add("normRopeAppend", Grid.itemsPerRow(units * WARP, WARPS * WARP), (g, id) -> Kept.ready(g, pages).task(id,
                HeadNormRope::kNormRopeAppendWarps, f.context(), f.arena(), f.step(), f.layer(), from.queryNorm.array(), angles,
                Kept.keys(pages), Kept.values(pages), Kept.halfKeys(pages), Kept.halfValues(pages), pages.table(),
                Pair.of(from.queryNorm.at(), from.keyNorm.at()), from.queryNorm.layerStride(), Pair.of(pages.pagesPerSlot(), pages.layerStride()),
                Pair.of(y.at(), from.q.at() + shape.offset()), Pair.of(from.k.at(), from.v.at()),
                Pair.of(Pair.small(y.stride(), from.q.stride()), Pair.small(from.k.stride(), from.v.stride())),
                Pair.of(Pair.small(shape.heads(), pages.kvHeads()), Pair.small(shape.dim(), shape.stride())),
                Pair.of(f.rowsAt(), frequencies << 1 | Kept.half(pages)), eps));
    }

    /**
     * {@link #kNormRopeAppend} with a warp for each head: everything is asked for before the sum of squares is waited for. A lane
     * turns its own elements, with those of their partners beside them.
     *
     * @param norms           where the weights of queries and keys start
     * @param pages           pages of a slot, elements of a layer
     * @param queries         where y and q start
     * @param keysValues      where k and v start
     * @param strides         of y and q, of k and v
     * @param shape           heads and kv heads; elements of a head, from one head of q to the next
     * @param rowsFrequencies where rows start in step; twice the frequencies, one more for half precision
     */
    static void kNormRopeAppendWarps(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights,
                                     FloatArray angles, FloatArray keys, FloatArray values, HalfFloatArray halfKeys, HalfFloatArray halfValues,
                                     IntArray table, long norms, int normStride, long pages, long queries, long keysValues, long strides,
                                     long shape, long rowsFrequencies, float eps) {
        int heads = Pair.smallFirst(Pair.first(shape)), kvHeads = Pair.smallSecond(Pair.first(shape));
        int dim = Pair.smallFirst(Pair.second(shape)), headStride = Pair.smallSecond(Pair.second(shape));
        int frequencies = Pair.second(rowsFrequencies) >> 1, half = Pair.second(rowsFrequencies) & 1, units = heads + kvHeads;
        int lane = context.localIdx & (WARP - 1), row = context.globalIdx / WARP / units, unit = context.globalIdx / WARP % units;
        if (row >= step.get(StepArray.ROWS)) return;
        int key = unit < heads ? 0 : 1, head = unit - key * heads;
        int record = Pair.first(rowsFrequencies) + StepArray.RECORD * row, position = step.get(record + StepArray.POSITION);
        int page = table.get(step.get(record + StepArray.SLOT) * Pair.first(pages) + (position >> Pages.SHIFT)), index = layer.get(0);
        int from = Pair.second(queries) + row * Pair.smallSecond(Pair.first(strides)) + head * headStride;
        if (key == 1) from = Pair.first(keysValues) + row * Pair.smallFirst(Pair.second(strides)) + head * dim;
        int w = index * normStride + (key == 0 ? Pair.first(norms) : Pair.second(norms));
        int angle = position * 2 * frequencies, copied = key * dim;
        int value = Pair.second(keysValues) + row * Pair.smallSecond(Pair.second(strides)) + head * dim;
        float[] own = new float[WARP_VALUES];
        float[] turned = new float[WARP_VALUES];
        float[] plain = new float[WARP_VALUES];
        float squares = 0f;
        for (int i = 0; i < WARP_VALUES; i++) {
            int d = lane + WARP * i;
            float x = d < dim ? arena.get(from + d) : 0f;
            own[i] = d < dim ? x * weights.get(w + d) : 0f;
            turned[i] = 0f;
            if (d < 2 * frequencies) {
                int partner = d < frequencies ? d + frequencies : d - frequencies, j = d < frequencies ? d : d - frequencies;
                float sine = d < frequencies ? -angles.get(angle + frequencies + j) : angles.get(angle + frequencies + j);
                turned[i] = arena.get(from + partner) * weights.get(w + partner) * sine;
                own[i] = own[i] * angles.get(angle + j);
            }
            plain[i] = d < copied ? arena.get(value + d) : 0f;
            squares += x * x;
        }
        float scale = 1f / TornadoMath.sqrt(context.simdSum(squares) / dim + eps);
        int to = Pair.first(queries) + row * Pair.smallFirst(Pair.first(strides)) + head * dim;
        int at = index * Pair.second(pages) + ((page * Pages.SIZE + (position & (Pages.SIZE - 1))) * kvHeads + head) * dim;
        for (int i = 0; i < WARP_VALUES; i++) {
            int d = lane + WARP * i;
            float result = (own[i] + turned[i]) * scale;
            if (key == 0 && d < dim) arena.set(to + d, result);
            if (d < copied) {
                Kept.set(keys, halfKeys, half, at + d, result);
                Kept.set(values, halfValues, half, at + d, plain[i]);
            }
        }
    }
}
