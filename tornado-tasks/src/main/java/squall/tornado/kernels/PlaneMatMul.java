package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.utils.QuantizationUtils;

/**
 * Products of a row with quantised matrices in {@link Planes}, on CUDA: x is rounded to bytes, sixteen numbers with a scale of
 * their own, and multiplied with the quanta by the instruction for four products. Every group rounds x for itself: that is
 * less than a task would cost, and the first weights are on their way meanwhile. A work-item has a strip of x for all matrix
 * rows of its group; its sums go to local memory and are added up at the end, so that nothing is waited for between matrix rows.
 *
 * <p>With the step d = max |x| / 127 of a strip no x is off by more than d / 2, so a product is off by at most
 * {@code sum over strips of d / 2 * sum |w|}. llama.cpp rounds to bytes in the same way, 32 numbers at a time.
 */
final class PlaneMatMul {
    /** Strips of a group. */
    private static final int MOST = 640;
    /** Registers that a work-item takes as compiled for sm_90: at least, for each matrix row on its way, for the norm of x, and for high bits or minima. */
    private static final int TAKEN = 40;
    private static final int TAKEN_ROW = 8;
    private static final int TAKEN_NORM = 16;
    private static final int TAKEN_MORE = 8;
    /** Matrix rows that can be on their way at a time. */
    private static final int DEEP = 4;
    private static final int QUARTERS = 4;
    private static final int ONES = 0x01010101;
    /** Ints between planes of x: neighbours in x are in different banks of local memory. */
    private static final int GAP = 8;

    private PlaneMatMul() {}

    static boolean reads(Frame f, Bank w) {
        return w.planes() != null;
    }

    /** norm: what is to be done to x, or null; kind: see {@link MatMul}; outs: numbers of a row of y. */
    static void record(Tape tape, String name, Region y, Region x, Normed norm, Bank w, int outs, int kind) {
        int warps = warps(w), room = (WarpRow.LOCAL - QUARTERS * GAP) / (warps * WarpMatMul.WARP) - 2 * QUARTERS - 1;
        int taken = TAKEN + TAKEN_ROW * deep(warps) + (norm == null ? 0 : TAKEN_NORM) + (Planes.simple(w.format()) ? 0 : TAKEN_MORE);
        record(tape, name, y, x, norm, w, outs, kind, WarpRow.share(w.rows(), warps, deep(warps), taken, room));
    }

    /** share: matrix rows of a group, a multiple of those on their way at a time. */
    static void record(Tape tape, String name, Region y, Region x, Normed norm, Bank w, int outs, int kind, int share) {
        Frame f = tape.frame();
        int warps = warps(w), layout = Planes.layout(w.format()), most = kind == MatMul.SWIGLU ? share / 2 : share;
        int how = Pair.small(deep(warps) << 4 | WarpMatMul.what(norm) | kind, share << 8 | warps);
        tape.add(name, Grid.perRow((outs + most - 1) / most, warps * WarpMatMul.WARP), (g, id) -> WarpMatMul.ready(g).task(id, PlaneMatMul::kRow, f.context(),
                f.arena(), f.step(), f.layer(), (LongArray) w.array(), w.planes().scales(), w.planes().gain(), WarpMatMul.weights(norm), WarpMatMul.at(norm),
                WarpMatMul.eps(norm), Pair.of(w.rows(), w.cols()), Place.of(y), Place.of(x), layout, how));
    }

    private static int warps(Bank w) {
        int strips = w.cols() / Planes.STRIP;
        return WarpMatMul.warps(strips, (strips + MOST - 1) / MOST);
    }

    /** Matrix rows on their way: as many as fit into registers together with as many work-items as a group has. */
    private static int deep(int warps) {
        return warps > 16 ? 2 : DEEP;
    }

    /**
     * A work-item has a strip of x, in bytes, for {@code share} matrix rows, of which the quanta of {@code deep} are on their way at a
     * time; for SwiGLU those of the gate and of the other matrix take turns. The first are asked for before x is rounded.
     */
    static void kRow(KernelContext context, FloatArray arena, IntArray step, IntArray layer, LongArray quanta, HalfFloatArray scales,
                     float gain, FloatArray norm, long normAt, float eps, long matrix, long y, long x, int layout, int how) {
        int rows = Pair.first(matrix), cols = Pair.second(matrix), kind = Pair.smallFirst(how) & 3;
        int normed = Pair.smallFirst(how) & WarpMatMul.NORMED, heads = Pair.smallFirst(how) & WarpMatMul.HEADS, deep = Pair.smallFirst(how) >> 4;
        int share = Pair.smallSecond(how) >> 8, warps = Pair.smallSecond(how) & 255, team = warps * WarpMatMul.WARP;
        int item = context.localIdx, lane = item & (WarpMatMul.WARP - 1), strips = cols >> 4, quarters = cols >> 2, plane = team + GAP;
        int pair = kind == MatMul.SWIGLU ? 1 : 0, outs = rows >> pair, most = share >> pair, groups = (outs + most - 1) / most, row = context.groupIdx / groups;
        float[] parts = context.allocateFloatLocalArray((share + 1) * WarpMatMul.WARP * warps);
        float[] peaks = context.allocateFloatLocalArray(QUARTERS * WarpMatMul.WARP * warps);
        int[] bytes = context.allocateIntLocalArray(QUARTERS * (WarpMatMul.WARP * warps + GAP));
        float[] v = new float[Planes.STRIP];
        long[] low = new long[DEEP], second = new long[DEEP];
        int[] high = new int[DEEP];
        float[] scale = new float[DEEP], minimum = new float[DEEP];
        int alive = step.get(StepArray.ROWS), number = layer.get(0), at = Place.start(x, row), first = context.groupIdx % groups * most, last = outs - 1;
        int base = number * rows, weights = number * Pair.first(normAt) + Pair.second(normAt);
        float squares = 0;
        for (int from = 0; from < strips; from += team) {
            int s = TornadoMath.min(from + item, strips - 1);
            for (int k = 0; k < QUARTERS; k++) {
                int q = TornadoMath.min(QUARTERS * from + item + k * team, quarters - 1);
                for (int j = 0; j < 4; j++) v[4 * k + j] = arena.get(at + 4 * q + j);
            }
            for (int r = 0; r < deep; r++) {
                int m = base + TornadoMath.min(first + (r >> pair), last) + (r & pair) * outs;
                low[r] = Planes.low(quanta, m * Planes.rowLongs(layout, cols), s);
                second[r] = Planes.second(layout, quanta, m * Planes.rowLongs(layout, cols), strips, s);
                high[r] = Planes.high(layout, quanta, m * Planes.rowLongs(layout, cols), strips, s);
                scale[r] = Planes.scale(layout, scales, m * Planes.rowScales(layout, cols), s);
                minimum[r] = Planes.minimum(layout, scales, m * Planes.rowScales(layout, cols), s);
            }
            if (from > 0) context.localBarrier();
            for (int k = 0; k < QUARTERS; k++) {
                int q = QUARTERS * from + item + k * team;
                float alone = q < quarters ? 1f : 0f;
                if (heads > 0) alone *= WarpMatMul.perHead(arena, Pair.first(normAt), Pair.second(normAt), eps, 4 * TornadoMath.min(q, quarters - 1));
                for (int j = 0; j < 4; j++) {
                    float a = alone * v[4 * k + j];
                    squares += a * a;
                    if (normed > 0) a *= norm.get(weights + 4 * TornadoMath.min(q, quarters - 1) + j);
                    v[4 * k + j] = a;
                }
                peaks[item + k * team] = TornadoMath.max(TornadoMath.max(TornadoMath.abs(v[4 * k]), TornadoMath.abs(v[4 * k + 1])),
                        TornadoMath.max(TornadoMath.abs(v[4 * k + 2]), TornadoMath.abs(v[4 * k + 3])));
            }
            context.localBarrier();
            for (int k = 0; k < QUARTERS; k++) {
                int i = item + k * team, f = i & -4;
                float factor = 127f / TornadoMath.max(TornadoMath.max(TornadoMath.max(peaks[f], peaks[f + 1]), TornadoMath.max(peaks[f + 2], peaks[f + 3])), 1e-30f);
                bytes[(i & 3) * plane + (i >> 2)] = round(v[4 * k], factor) | round(v[4 * k + 1], factor) << 8 | round(v[4 * k + 2], factor) << 16
                        | round(v[4 * k + 3], factor) << 24;
            }
            context.localBarrier();
            int a = bytes[item], b = bytes[plane + item], c = bytes[2 * plane + item], d = bytes[3 * plane + item], f = 4 * item, sum = 0;
            float size = TornadoMath.max(TornadoMath.max(peaks[f], peaks[f + 1]), TornadoMath.max(peaks[f + 2], peaks[f + 3])) * (1f / 127f);
            if (Planes.shifted(layout)) sum = dot(ONES, ONES, ONES, ONES, a, b, c, d);
            int end = share + (context.groupIdx >> 24);
            for (int i = 0; i < end; i += deep) {
                for (int r = 0; r < deep; r++) {
                    int product = dot(Planes.four(layout, low[r], second[r], high[r], 0), Planes.four(layout, low[r], second[r], high[r], 1),
                            Planes.four(layout, low[r], second[r], high[r], 2), Planes.four(layout, low[r], second[r], high[r], 3), a, b, c, d);
                    float part = size * (scale[r] * (product - Planes.bias(layout) * sum) - minimum[r] * sum);
                    if (from > 0) part += parts[(i + r) * team + item];
                    parts[(i + r) * team + item] = part;
                    int n = TornadoMath.min(i + deep, share - deep) + r, m = base + TornadoMath.min(first + (n >> pair), last) + (n & pair) * outs;
                    if (i + deep < end) {
                        low[r] = Planes.low(quanta, m * Planes.rowLongs(layout, cols), s);
                        second[r] = Planes.second(layout, quanta, m * Planes.rowLongs(layout, cols), strips, s);
                        high[r] = Planes.high(layout, quanta, m * Planes.rowLongs(layout, cols), strips, s);
                        scale[r] = Planes.scale(layout, scales, m * Planes.rowScales(layout, cols), s);
                        minimum[r] = Planes.minimum(layout, scales, m * Planes.rowScales(layout, cols), s);
                    }
                }
            }
        }
        if (normed > 0) parts[share * team + item] = squares;
        context.localBarrier();
        float factor = gain;
        if (normed > 0) {
            float total = 0;
            for (int i = lane; i < team; i += WarpMatMul.WARP) total += parts[share * team + i];
            factor = gain / TornadoMath.sqrt(context.simdSum(total) / cols + eps);
        }
        for (int o = item >> 5; o < most; o += warps) {
            float value = 0, other = 0;
            for (int i = lane; i < team; i += WarpMatMul.WARP) value += parts[(o << pair) * team + i];
            if (pair > 0) for (int i = lane; i < team; i += WarpMatMul.WARP) other += parts[(2 * o + 1) * team + i];
            value = factor * context.simdSum(value);
            if (pair > 0) other = factor * context.simdSum(other);
            if (lane == 0 && first + o < outs && row < alive) MatMul.write(arena, Place.start(y, row) + first + o, value, other, kind);
        }
    }

    /** x in steps, as a byte with the bits above it clear. */
    static int round(float x, float factor) {
        return (int) TornadoMath.floor(x * factor + 0.5f) & 255;
    }

    /** A strip of a matrix row times a to d, which are x in bytes; sum is that of those bytes. */
    static float strip(int layout, LongArray quanta, HalfFloatArray scales, int row, int rowScales, int strips, int s,
                               int a, int b, int c, int d, int sum) {
        long low = Planes.low(quanta, row, s), second = Planes.second(layout, quanta, row, strips, s);
        int high = Planes.high(layout, quanta, row, strips, s);
        int product = dot(Planes.four(layout, low, second, high, 0), Planes.four(layout, low, second, high, 1),
                Planes.four(layout, low, second, high, 2), Planes.four(layout, low, second, high, 3), a, b, c, d);
        return Planes.scale(layout, scales, rowScales, s) * (product - Planes.bias(layout) * sum) - Planes.minimum(layout, scales, rowScales, s) * sum;
    }

    /** Sixteen products of bytes. */
    static int dot(int w0, int w1, int w2, int w3, int a, int b, int c, int d) {
        int sum = QuantizationUtils.dp4a_packed(w0, a, 0);
        sum = QuantizationUtils.dp4a_packed(w1, b, sum);
        sum = QuantizationUtils.dp4a_packed(w2, c, sum);
        return QuantizationUtils.dp4a_packed(w3, d, sum);
    }
}
