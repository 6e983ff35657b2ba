package squall.tornado.kernels;

import squall.ops.Routing;
import squall.ops.Weight;
import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Chosen;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;

/**
 * A mixture of experts for few rows in three tasks, on CUDA: what a row waits for is not its weights but one thing after the other.
 * The first norms x, multiplies it with the router's matrix and rounds it to bytes; in the second every group finds the row's experts for
 * itself, then the hidden units of one of them, sixteen, and rounds those; the third sums over the experts, a warp for each.
 * <pre>
 * longs of a row: bytes of x [2][dim / 16] | of the hidden units [used][2][hidden / 16]: numbers 0 to 7 of strips, then 8 to 15
 * floats of a row: the steps of these strips
 * </pre>
 * Rounded as in {@link PlaneMatMul}.
 */
public final class ExpertStep {
    private static final int GROUP = 256;
    private static final int WARP = WarpMatMul.WARP;
    private static final int WARPS = GROUP / WARP;
    private static final int STRIP = Planes.STRIP;
    /** Rows of the router's matrix that a group of the first task has. */
    private static final int LOGITS = 2;
    /** Outputs of a group of the third task. */
    private static final int OUTPUTS = 4;
    private static final int MOST_ROWS = 64;
    private static final int MOST_EXPERTS = 512;
    private static final int MOST_USED = 16;
    private static final int ONES = 0x01010101;
    /** What a logit that is not a number is taken for, or less than that; and what fills a warp. */
    private static final float LOWEST = -1e38f;
    private static final float NONE = -Float.MAX_VALUE;
    /** Strips of a row that a lane has on their way. */
    private static final int DEEP = 2;

    private ExpertStep() {}

    /** Whether these tasks are for a recording's rows and such matrices; gate and up in one format. */
    public static boolean serves(Frame f, Weight router, Weight gate, Weight down, int used) {
        Traits t = f.traits();
        return t.shape() == Traits.Shape.WARPS && !t.precise() && f.maxRows() <= MOST_ROWS && router.format() == Format.F32 && router.rows() <= MOST_EXPERTS
                && used < MOST_USED && gate.cols() % STRIP == 0 && down.cols() % STRIP == 0 && Planes.fit(gate.format(), gate.cols())
                && Planes.fit(down.format(), down.cols());
    }

    /** Floats of a row for {@code steps}. */
    public static int steps(int dim, int used, int hidden) {
        return (dim + used * hidden) / STRIP;
    }

    /**
     * {@code x[r] += sum over the row's experts of weight * down(silu(gate n) * up n)}, n: x[r] normed; the experts as in {@link Router}.
     *
     * @param chosen its last expert is the shared one where {@code shared} says so
     * @param logits [rows, router.rows]
     * @param router [experts, dim], with the shared expert's scalar behind
     * @param steps  scratch
     */
    public static void recordAdd(Tape tape, Normed x, Chosen chosen, Region logits, Bank router, boolean shared, Routing.Weights kind, Bank gateUp, Bank down,
                                 Region steps) {
        Frame f = tape.frame();
        int used = chosen.used(), dim = down.rows(), hidden = down.cols(), longs = 2 * steps(dim, used, hidden), count = router.rows();
        int groups = (count + LOGITS - 1) / LOGITS + 1, parts = (hidden + STRIP - 1) / STRIP * used, outs = (dim + OUTPUTS - 1) / OUTPUTS;
        int how = (shared ? 1 : 0) | (kind == Routing.Weights.NORMALISED ? 2 : 0);
        f.scratch().needTiles(f.maxRows() * longs);
        tape.add("expertLogits", Grid.perRow(groups, GROUP), (g, id) -> g.task(id, ExpertStep::kLogits, f.context(), f.arena(), f.step(), f.layer(),
                f.scratch().tiles(), router.floats(), x.weight().array(), Pair.of(x.weight().layerStride(), x.weight().at()), x.eps(), count, dim,
                Place.of(x.x()), Place.of(logits), Place.of(steps), longs, groups));
        tape.add("expertsHidden", Grid.perRow(parts, GROUP), (g, id) -> g.task(id, ExpertStep::kHidden, f.context(), f.arena(), f.step(), f.layer(),
                f.scratch().tiles(), chosen.ids(), (LongArray) gateUp.array(), gateUp.planes().scales(), gateUp.planes().gain(), Planes.layout(gateUp.format()),
                Pair.of(gateUp.experts(), used), Pair.of(hidden, dim), Place.of(logits), Place.of(chosen.weights()), Place.of(steps), longs, how));
        tape.add("expertsOutput", Grid.perRow(outs, used * WARP), (g, id) -> g.task(id, ExpertStep::kOutput, f.context(), f.arena(), f.step(), f.layer(),
                f.scratch().tiles(), chosen.ids(), (LongArray) down.array(), down.planes().scales(), down.planes().gain(), Planes.layout(down.format()),
                Pair.of(down.experts(), used), Pair.of(dim, hidden), Place.of(x.x()), Place.of(chosen.weights()), Place.of(steps), longs));
    }

    /** A group for two logits of a row; the last one rounds x, eight numbers a work-item and turn. */
    static void kLogits(KernelContext context, FloatArray arena, IntArray step, IntArray layer, LongArray bytes, FloatArray router, FloatArray norm,
                        long normAt, float eps, int count, int cols, long x, long logits, long steps, int longs, int groups) {
        int row = context.groupIdx / groups, group = context.groupIdx % groups, item = context.localIdx, at = Place.start(x, row);
        if (row >= step.get(StepArray.ROWS)) return;
        float[] parts = context.allocateFloatLocalArray(3 * WARPS);
        float[] peaks = context.allocateFloatLocalArray(GROUP);
        int weights = layer.get(0) * Pair.first(normAt) + Pair.second(normAt), first = LOGITS * group;
        int r0 = (layer.get(0) * count + TornadoMath.min(first, count - 1)) * cols, r1 = (layer.get(0) * count + TornadoMath.min(first + 1, count - 1)) * cols;
        float squares = 0f, s = 0f, u = 0f;
        for (int k = 0; k < (cols + GROUP - 1) / GROUP; k++) {
            int i = TornadoMath.min(k * GROUP + item, cols - 1);
            float v = k * GROUP + item < cols ? arena.get(at + i) : 0f, n = v * norm.get(weights + i);
            squares += v * v;
            s += n * router.get(r0 + i);
            u += n * router.get(r1 + i);
        }
        squares = WarpMatMul.sum(context, squares);
        s = WarpMatMul.sum(context, s);
        u = WarpMatMul.sum(context, u);
        if (item % WARP == 0) {
            parts[item / WARP] = squares;
            parts[WARPS + item / WARP] = s;
            parts[2 * WARPS + item / WARP] = u;
        }
        context.localBarrier();
        float all = 0f, low = 0f, high = 0f;
        for (int i = 0; i < WARPS; i++) {
            all += parts[i];
            low += parts[WARPS + i];
            high += parts[2 * WARPS + i];
        }
        float scale = 1f / TornadoMath.sqrt(all / cols + eps);
        int to = Place.start(logits, row) + first, rounds = group == groups - 1 ? cols >> 3 : 0;
        if (item == 0 && rounds == 0) arena.set(to, low * scale);
        if (item == 0 && rounds == 0 && first + 1 < count) arena.set(to + 1, high * scale);
        for (int chunk = 0; chunk < rounds; chunk += GROUP) {
            int i = TornadoMath.min(chunk + item, rounds - 1), from = at + 8 * i, w = weights + 8 * i;
            float a = arena.get(from) * norm.get(w), b = arena.get(from + 1) * norm.get(w + 1), c = arena.get(from + 2) * norm.get(w + 2);
            float d = arena.get(from + 3) * norm.get(w + 3), e = arena.get(from + 4) * norm.get(w + 4), f = arena.get(from + 5) * norm.get(w + 5);
            float g = arena.get(from + 6) * norm.get(w + 6), h = arena.get(from + 7) * norm.get(w + 7);
            peaks[item] = TornadoMath.max(peak(a, b, c, d), peak(e, f, g, h));
            context.localBarrier();
            float peak = TornadoMath.max(peaks[item], peaks[item ^ 1]), factor = 127f / TornadoMath.max(peak, 1e-30f);
            if (chunk + item < rounds) {
                bytes.set(row * longs + (i & 1) * (rounds >> 1) + (i >> 1), both(four(a, b, c, d, factor), four(e, f, g, h, factor)));
                if ((i & 1) == 0) arena.set(Place.start(steps, row) + (i >> 1), scale * peak * (1f / 127f));
            }
            context.localBarrier();
        }
    }

    private static float peak(float a, float b, float c, float d) {
        return TornadoMath.max(TornadoMath.max(TornadoMath.abs(a), TornadoMath.abs(b)), TornadoMath.max(TornadoMath.abs(c), TornadoMath.abs(d)));
    }

    /** In steps, a byte each. */
    private static int four(float a, float b, float c, float d, float factor) {
        return PlaneMatMul.round(a, factor) | PlaneMatMul.round(b, factor) << 8 | PlaneMatMul.round(c, factor) << 16 | PlaneMatMul.round(d, factor) << 24;
    }

    private static long both(int low, int high) {
        return (long) high << 32 | low & 0xFFFFFFFFL;
    }

    /**
     * A group for sixteen hidden units of an expert, two for each warp. The experts first: the best of each 32 by counting how many
     * rank above them, then those of the rest. What is not a number ranks below all that is. The first group of a row tells the result.
     */
    static void kHidden(KernelContext context, FloatArray arena, IntArray step, IntArray layer, LongArray bytes, IntArray ids, LongArray quanta,
                        HalfFloatArray scales, float gain, int layout, long expertsUsed, long shape, long logits, long weights, long steps, int longs, int how) {
        int experts = Pair.first(expertsUsed) - (how & 1), all = Pair.second(expertsUsed), used = all - (how & 1), hidden = Pair.first(shape), cols = Pair.second(shape);
        int parts = (hidden + STRIP - 1) / STRIP, row = context.groupIdx / (parts * all), place = context.groupIdx / parts % all, part = context.groupIdx % parts;
        if (row >= step.get(StepArray.ROWS)) return;
        float[] values = context.allocateFloatLocalArray(MOST_EXPERTS);
        float[] best = context.allocateFloatLocalArray(MOST_EXPERTS / WARP * MOST_USED);
        int[] which = context.allocateIntLocalArray(MOST_EXPERTS / WARP * MOST_USED);
        float[] order = context.allocateFloatLocalArray(MOST_USED);
        int[] chosen = context.allocateIntLocalArray(MOST_USED);
        float[] units = context.allocateFloatLocalArray(STRIP);
        int item = context.localIdx, warp = item / WARP, lane = item % WARP, from = Place.start(logits, row), padded = (experts + WARP - 1) / WARP * WARP;
        for (int e = item; e < padded; e += GROUP) {
            float v = arena.get(from + TornadoMath.min(e, experts - 1));
            if (v != v) v = LOWEST;
            values[e] = e < experts ? TornadoMath.max(v, LOWEST) : NONE;
        }
        context.localBarrier();
        for (int e = item; e < padded; e += GROUP) {
            float mine = values[e];
            int above = 0, first = e - lane;
            for (int i = 0; i < WARP; i++) above += (values[first + i] > mine ? 1 : 0) | (values[first + i] == mine ? 1 : 0) & (i < lane ? 1 : 0);
            if (above < used) best[e / WARP * used + above] = mine;
            if (above < used) which[e / WARP * used + above] = e;
        }
        context.localBarrier();
        int candidates = padded / WARP * used, quarter = item & 3;
        for (int first = 0; first < candidates; first += GROUP / 4) {
            int c = TornadoMath.min(first + (item >> 2), candidates - 1);
            float mine = best[c], above = 0f;
            for (int i = quarter; i < candidates; i += 4) above += (best[i] > mine ? 1 : 0) | (best[i] == mine ? 1 : 0) & (i < c ? 1 : 0);
            above += context.simdShuffleDown(above, 2);
            above += context.simdShuffleDown(above, 1);
            int rank = first + (item >> 2) < candidates ? (int) above : used;
            if (quarter == 0 && rank < used) order[rank] = mine;
            if (quarter == 0 && rank < used) chosen[rank] = which[c];
        }
        if (item == 0) chosen[used] = experts;
        context.localBarrier();
        int strips = cols >> 4, unit = part * STRIP + 2 * warp, o0 = TornadoMath.min(unit, hidden - 1), o1 = TornadoMath.min(unit + 1, hidden - 1);
        int base = (layer.get(0) * (experts + (how & 1)) + chosen[place]) * 2 * hidden, longsOf = Planes.rowLongs(layout, cols), scalesOf = Planes.rowScales(layout, cols);
        int g0 = base + o0, g1 = base + o1, u0 = g0 + hidden, u1 = g1 + hidden, in = row * longs, sizes = Place.start(steps, row);
        float a0 = 0f, a1 = 0f, b0 = 0f, b1 = 0f;
        for (int start = lane; start < strips; start += DEEP * WARP) {
            for (int k = 0; k < DEEP; k++) {
                int t = TornadoMath.min(start + k * WARP, strips - 1);
                long low = bytes.get(in + t), high = bytes.get(in + strips + t);
                int a = (int) low, b = (int) (low >> 32), c = (int) high, d = (int) (high >> 32), sum = 0;
                if (Planes.shifted(layout)) sum = PlaneMatMul.dot(ONES, ONES, ONES, ONES, a, b, c, d);
                float size = start + k * WARP < strips ? arena.get(sizes + t) : 0f;
                a0 += size * PlaneMatMul.strip(layout, quanta, scales, g0 * longsOf, g0 * scalesOf, strips, t, a, b, c, d, sum);
                b0 += size * PlaneMatMul.strip(layout, quanta, scales, u0 * longsOf, u0 * scalesOf, strips, t, a, b, c, d, sum);
                a1 += size * PlaneMatMul.strip(layout, quanta, scales, g1 * longsOf, g1 * scalesOf, strips, t, a, b, c, d, sum);
                b1 += size * PlaneMatMul.strip(layout, quanta, scales, u1 * longsOf, u1 * scalesOf, strips, t, a, b, c, d, sum);
            }
        }
        a0 = WarpMatMul.sum(context, a0);
        b0 = WarpMatMul.sum(context, b0);
        a1 = WarpMatMul.sum(context, a1);
        b1 = WarpMatMul.sum(context, b1);
        if (lane == 0) {
            units[2 * warp] = unit < hidden ? MatMul.silu(gain * a0) * (gain * b0) : 0f;
            units[2 * warp + 1] = unit + 1 < hidden ? MatMul.silu(gain * a1) * (gain * b1) : 0f;
        }
        context.localBarrier();
        if (item < 2) {
            float peak = 0f;
            for (int i = 0; i < STRIP; i++) peak = TornadoMath.max(peak, TornadoMath.abs(units[i]));
            float factor = 127f / TornadoMath.max(peak, 1e-30f);
            int i = 8 * item, low = four(units[i], units[i + 1], units[i + 2], units[i + 3], factor);
            bytes.set(in + 2 * strips + (2 * place + item) * parts + part, both(low, four(units[i + 4], units[i + 5], units[i + 6], units[i + 7], factor)));
            if (item == 0) arena.set(sizes + strips + place * parts + part, peak * (1f / 127f));
        }
        int telling = context.groupIdx % (parts * all) == 0 ? 1 : 0;
        if (telling == 1 && item < all) {
            float sum = 0f, weight = Activation.sigmoid(arena.get(from + TornadoMath.min(experts, experts + (how & 1) - 1)));
            if ((how & 2) > 0) for (int j = 0; j < used; j++) sum += TornadoMath.exp(order[j] - order[0]);
            if ((how & 2) == 0) for (int e = 0; e < experts; e++) sum += TornadoMath.exp(values[e] - order[0]);
            if (item < used) weight = TornadoMath.exp(order[item] - order[0]) / sum;
            ids.set(row * all + item, chosen[item]);
            arena.set(Place.start(weights, row) + item, weight);
        }
    }

    /** A group for {@value #OUTPUTS} outputs of a row, a warp for each of its experts. */
    static void kOutput(KernelContext context, FloatArray arena, IntArray step, IntArray layer, LongArray bytes, IntArray ids, LongArray quanta,
                        HalfFloatArray scales, float gain, int layout, long expertsUsed, long shape, long y, long weights, long steps, int longs) {
        int used = Pair.second(expertsUsed), dim = Pair.first(shape), hidden = Pair.second(shape), groups = (dim + OUTPUTS - 1) / OUTPUTS;
        int row = context.groupIdx / groups, out = context.groupIdx % groups * OUTPUTS;
        if (row >= step.get(StepArray.ROWS)) return;
        float[] sums = context.allocateFloatLocalArray(OUTPUTS * MOST_USED);
        int item = context.localIdx, j = item / WARP, lane = item % WARP, strips = hidden >> 4, base = (layer.get(0) * Pair.first(expertsUsed) + ids.get(row * used + j)) * dim;
        int longsOf = Planes.rowLongs(layout, hidden), scalesOf = Planes.rowScales(layout, hidden);
        int r0 = base + out, r1 = base + TornadoMath.min(out + 1, dim - 1), r2 = base + TornadoMath.min(out + 2, dim - 1), r3 = base + TornadoMath.min(out + 3, dim - 1);
        int in = row * longs + (dim >> 3) + 2 * j * strips, sizes = Place.start(steps, row) + (dim >> 4) + j * strips;
        float s0 = 0f, s1 = 0f, s2 = 0f, s3 = 0f, weight = gain * arena.get(Place.start(weights, row) + j);
        for (int t = lane; t < strips; t += WARP) {
            long low = bytes.get(in + t), high = bytes.get(in + strips + t);
            int a = (int) low, b = (int) (low >> 32), c = (int) high, d = (int) (high >> 32), sum = 0;
            if (Planes.shifted(layout)) sum = PlaneMatMul.dot(ONES, ONES, ONES, ONES, a, b, c, d);
            float size = arena.get(sizes + t);
            s0 += size * PlaneMatMul.strip(layout, quanta, scales, r0 * longsOf, r0 * scalesOf, strips, t, a, b, c, d, sum);
            s1 += size * PlaneMatMul.strip(layout, quanta, scales, r1 * longsOf, r1 * scalesOf, strips, t, a, b, c, d, sum);
            s2 += size * PlaneMatMul.strip(layout, quanta, scales, r2 * longsOf, r2 * scalesOf, strips, t, a, b, c, d, sum);
            s3 += size * PlaneMatMul.strip(layout, quanta, scales, r3 * longsOf, r3 * scalesOf, strips, t, a, b, c, d, sum);
        }
        s0 = WarpMatMul.sum(context, s0);
        s1 = WarpMatMul.sum(context, s1);
        s2 = WarpMatMul.sum(context, s2);
        s3 = WarpMatMul.sum(context, s3);
        if (lane == 0) {
            sums[OUTPUTS * j] = weight * s0;
            sums[OUTPUTS * j + 1] = weight * s1;
            sums[OUTPUTS * j + 2] = weight * s2;
            sums[OUTPUTS * j + 3] = weight * s3;
        }
        context.localBarrier();
        if (item < TornadoMath.min(OUTPUTS, dim - out)) {
            float sum = 0f;
            for (int i = 0; i < used; i++) sum += sums[OUTPUTS * i + item];
            int to = Place.start(y, row) + out + item;
            arena.set(to, arena.get(to) + sum);
        }
    }
}
