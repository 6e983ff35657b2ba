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
 * less than a task would cost, and waits for the same memory as the weights behind it. Then each warp takes two
 * matrix rows at a time.
 *
 * <p>With the step d = max |x| / 127 of a strip no x is off by more than d / 2, so a product is off by at most
 * {@code sum over strips of d / 2 * sum |w|}. llama.cpp rounds to bytes in the same way, 32 numbers at a time.
 */
final class PlaneMatMul {
    private static final int GROUP = 256;
    private static final int WARPS = GROUP / WarpMatMul.WARP;
    /** Groups that a device should have at least before a warp gets more work. */
    private static final int GROUPS = 1024;
    /** Quarters of strips whose peaks are kept at a time. */
    private static final int CHUNK = 1024;
    /** Strips of a row that a lane has on their way. */
    private static final int DEEP = 4;
    private static final int ONES = 0x01010101;
    /** Ints between planes of x: neighbours in x are in different banks of local memory. */
    private static final int GAP = 8;

    private PlaneMatMul() {}

    static boolean reads(Frame f, Bank w) {
        return w.planes() != null;
    }

    /** norm: what is to be done to x, or null; kind: see {@link MatMul}; outs: numbers of a row of y. */
    static void record(Tape tape, String name, Region y, Region x, Normed norm, Bank w, int outs, int kind) {
        Frame f = tape.frame();
        int layout = Planes.layout(w.format()), all = kind == MatMul.SWIGLU ? outs : (outs + 1) / 2;
        int pairs = all / WARPS >= 4 * GROUPS ? 4 : all / WARPS >= 2 * GROUPS ? 2 : 1, groups = (all + WARPS * pairs - 1) / (WARPS * pairs);
        tape.add(name, Grid.perRow(groups, GROUP), (g, id) -> WarpMatMul.ready(g).task(id, PlaneMatMul::kRow, f.context(), f.arena(), f.step(), f.layer(),
                (LongArray) w.array(), w.planes().scales(), w.planes().gain(), WarpMatMul.weights(norm), WarpMatMul.at(norm), WarpMatMul.eps(norm),
                w.rows(), w.cols(), Place.of(y), Place.of(x), Pair.small(layout, (kind | (norm == null ? 0 : WarpMatMul.NORMED)) << 4 | pairs)));
    }

    /** A group has {@code WARPS * pairs} pairs of matrix rows: neighbours, or one of the gate and one of the other matrix. */
    static void kRow(KernelContext context, FloatArray arena, IntArray step, IntArray layer, LongArray quanta, HalfFloatArray scales,
                     float gain, FloatArray norm, long normAt, float eps, int rows, int cols, long y, long x, int how) {
        int layout = Pair.smallFirst(how), kind = Pair.smallSecond(how) >> 4 & 3, normed = Pair.smallSecond(how) >> 4 & WarpMatMul.NORMED;
        int pairs = Pair.smallSecond(how) & 15, outs = kind == MatMul.SWIGLU ? rows >> 1 : rows;
        int all = kind == MatMul.SWIGLU ? outs : outs + 1 >> 1, groups = (all + WARPS * pairs - 1) / (WARPS * pairs), row = context.groupIdx / groups;
        if (row >= step.get(StepArray.ROWS)) return;
        int item = context.localIdx, strips = cols >> 4, plane = strips + GAP, at = Place.start(x, row);
        float[] peaks = context.allocateFloatLocalArray(CHUNK);
        float[] steps = context.allocateFloatLocalArray(cols >> 4);
        int[] bytes = context.allocateIntLocalArray(4 * ((cols >> 4) + GAP));
        float[] squares = context.allocateFloatLocalArray(WARPS);
        int weights = layer.get(0) * Pair.first(normAt) + Pair.second(normAt);
        float square = 0;
        for (int chunk = 0; chunk < cols >> 2; chunk += CHUNK) {
            int end = TornadoMath.min(chunk + CHUNK, cols >> 2);
            for (int i = chunk + item; i < end; i += GROUP) {
                float a = arena.get(at + 4 * i), b = arena.get(at + 4 * i + 1), c = arena.get(at + 4 * i + 2), d = arena.get(at + 4 * i + 3);
                if (normed > 0) square += a * a + b * b + (c * c + d * d);
                float ab = TornadoMath.max(TornadoMath.abs(weighed(a, norm, normed, weights + 4 * i)), TornadoMath.abs(weighed(b, norm, normed, weights + 4 * i + 1)));
                float cd = TornadoMath.max(TornadoMath.abs(weighed(c, norm, normed, weights + 4 * i + 2)), TornadoMath.abs(weighed(d, norm, normed, weights + 4 * i + 3)));
                peaks[i - chunk] = TornadoMath.max(ab, cd);
            }
            context.localBarrier();
            for (int i = chunk + item; i < end; i += GROUP) {
                int first = (i - chunk) & -4, from = at + 4 * i, w = weights + 4 * i;
                float peak = TornadoMath.max(TornadoMath.max(peaks[first], peaks[first + 1]), TornadoMath.max(peaks[first + 2], peaks[first + 3]));
                float factor = 127f / TornadoMath.max(peak, 1e-30f);
                bytes[(i & 3) * plane + (i >> 2)] = round(weighed(arena.get(from), norm, normed, w), factor)
                        | round(weighed(arena.get(from + 1), norm, normed, w + 1), factor) << 8
                        | round(weighed(arena.get(from + 2), norm, normed, w + 2), factor) << 16
                        | round(weighed(arena.get(from + 3), norm, normed, w + 3), factor) << 24;
                if ((i & 3) == 0) steps[i >> 2] = peak * (1f / 127f);
            }
            if (normed > 0 && chunk + CHUNK >= cols >> 2) square = WarpMatMul.sum(context, square);
            if (normed > 0 && item % WarpMatMul.WARP == 0) squares[item / WarpMatMul.WARP] = square;
            context.localBarrier();
        }
        float total = 0;
        if (normed > 0) for (int i = 0; i < WARPS; i++) total += squares[i];
        float factor = normed > 0 ? gain / TornadoMath.sqrt(total / cols + eps) : gain;
        int lane = item % WarpMatMul.WARP, base = layer.get(0) * rows, deep = strips > 2 * WarpMatMul.WARP ? DEEP : 2;
        for (int p = 0; p < pairs; p++) {
            int pair = (context.groupIdx % groups * pairs + p) * WARPS + item / WarpMatMul.WARP, mine = pair < all ? strips : 0;
            int out = kind == MatMul.SWIGLU ? pair : 2 * pair, other = kind == MatMul.SWIGLU ? outs + out : TornadoMath.min(out + 1, outs - 1);
            int q0 = (base + out) * Planes.rowLongs(layout, cols), q1 = (base + other) * Planes.rowLongs(layout, cols);
            int d0 = (base + out) * Planes.rowScales(layout, cols), d1 = (base + other) * Planes.rowScales(layout, cols);
            float s = 0, u = 0;
            for (int first = lane; first < mine; first += deep * WarpMatMul.WARP) {
                for (int k = 0; k < deep; k++) {
                    int t = TornadoMath.min(first + k * WarpMatMul.WARP, strips - 1);
                    int a = bytes[t], b = bytes[plane + t], c = bytes[2 * plane + t], d = bytes[3 * plane + t], sum = 0;
                    if (Planes.shifted(layout)) sum = dot(ONES, ONES, ONES, ONES, a, b, c, d);
                    float size = first + k * WarpMatMul.WARP < strips ? steps[t] : 0f;
                    s += size * strip(layout, quanta, scales, q0, d0, strips, t, a, b, c, d, sum);
                    u += size * strip(layout, quanta, scales, q1, d1, strips, t, a, b, c, d, sum);
                }
            }
            s = factor * WarpMatMul.sum(context, s);
            u = factor * WarpMatMul.sum(context, u);
            int to = Place.start(y, row) + out;
            if (lane == 0 && pair < all) MatMul.write(arena, to, s, u, kind);
            if (lane == 0 && pair < all && kind != MatMul.SWIGLU && out + 1 < outs) MatMul.write(arena, to + 1, u, 0, kind);
        }
    }

    private static float weighed(float x, FloatArray norm, int normed, int at) {
        float v = x;
        if (normed > 0) v = x * norm.get(at);
        return v;
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
