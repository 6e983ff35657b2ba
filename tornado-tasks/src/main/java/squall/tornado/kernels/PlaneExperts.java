package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Chosen;
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

/**
 * {@link Experts} with matrices in {@link Planes}, on CUDA, as {@link PlaneMatMul} multiplies: every group rounds to bytes what it
 * multiplies with, a row of x or the hidden units of all experts of a row; then each warp takes two matrix rows.
 */
final class PlaneExperts {
    private static final int GROUP = 256;
    private static final int WARPS = GROUP / WarpMatMul.WARP;
    /** Quarters of strips whose peaks are kept at a time. */
    private static final int CHUNK = 1024;
    /** Strips of a row that a lane has on their way. */
    private static final int DEEP = 4;
    private static final int ONES = 0x01010101;
    /** Ints between planes of x: neighbours in x are in different banks of local memory. */
    private static final int GAP = 8;
    /** The most experts of a row. */
    private static final int MOST = 64;

    private PlaneExperts() {}

    static void hidden(Tape tape, String name, Region h, Region x, Chosen chosen, Bank w, int hidden, int stage) {
        Frame f = tape.frame();
        int used = chosen.used(), groups = (used * hidden + WARPS - 1) / WARPS;
        tape.add(name, Grid.perRow(groups, GROUP), (g, id) -> g.task(id, PlaneExperts::kHidden, f.context(), f.arena(), f.step(), f.layer(), chosen.ids(),
                (LongArray) w.array(), w.planes().scales(), w.planes().gain(), Planes.layout(w.format()), Pair.of(w.experts(), used), hidden, w.cols(),
                Place.of(h), Place.of(x), stage, groups));
    }

    /** kind: whether the sums are added to y. */
    static void output(Tape tape, Region y, Region h, Chosen chosen, Bank w, int kind) {
        Frame f = tape.frame();
        int used = chosen.used(), groups = (w.rows() + 2 * WARPS - 1) / (2 * WARPS);
        if (used > MOST) throw new IllegalArgumentException(used + " experts of a row, at most " + MOST + " work");
        tape.add("expertsOutput", Grid.perRow(groups, GROUP), (g, id) -> g.task(id, PlaneExperts::kOutput, f.context(), f.arena(), f.step(), f.layer(),
                chosen.ids(), (LongArray) w.array(), w.planes().scales(), w.planes().gain(), Planes.layout(w.format()), w.experts(), used,
                w.rows(), w.cols(), Place.of(y), Place.of(chosen.weights()), Place.of(h), kind, groups));
    }

    /** A warp for each hidden unit of each chosen expert of each row. */
    static void kHidden(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray ids, LongArray quanta, HalfFloatArray scales,
                        float gain, int layout, long expertsUsed, int hidden, int cols, long h, long x, int stage, int groups) {
        int used = Pair.second(expertsUsed), all = used * hidden, row = context.groupIdx / groups;
        if (row >= step.get(StepArray.ROWS)) return;
        int item = context.localIdx, strips = cols >> 4, plane = strips + GAP, at = Place.start(x, row);
        int unit = context.groupIdx % groups * WARPS + item / WarpMatMul.WARP, last = TornadoMath.max(0, TornadoMath.min(unit, all - 1));
        int expert = ids.get(row * used + last / hidden);
        float[] peaks = context.allocateFloatLocalArray(CHUNK);
        float[] steps = context.allocateFloatLocalArray(cols >> 4);
        int[] bytes = context.allocateIntLocalArray(4 * ((cols >> 4) + GAP));
        for (int chunk = 0; chunk < cols >> 2; chunk += CHUNK) {
            int end = TornadoMath.min(chunk + CHUNK, cols >> 2);
            for (int i = chunk + item; i < end; i += GROUP) {
                float a = TornadoMath.abs(arena.get(at + 4 * i)), b = TornadoMath.abs(arena.get(at + 4 * i + 1));
                float c = TornadoMath.abs(arena.get(at + 4 * i + 2)), d = TornadoMath.abs(arena.get(at + 4 * i + 3));
                peaks[i - chunk] = TornadoMath.max(TornadoMath.max(a, b), TornadoMath.max(c, d));
            }
            context.localBarrier();
            for (int i = chunk + item; i < end; i += GROUP) {
                int first = (i - chunk) & -4;
                float peak = TornadoMath.max(TornadoMath.max(peaks[first], peaks[first + 1]), TornadoMath.max(peaks[first + 2], peaks[first + 3]));
                float factor = 127f / TornadoMath.max(peak, 1e-30f);
                bytes[(i & 3) * plane + (i >> 2)] = PlaneMatMul.round(arena.get(at + 4 * i), factor) | PlaneMatMul.round(arena.get(at + 4 * i + 1), factor) << 8
                        | PlaneMatMul.round(arena.get(at + 4 * i + 2), factor) << 16 | PlaneMatMul.round(arena.get(at + 4 * i + 3), factor) << 24;
                if ((i & 3) == 0) steps[i >> 2] = peak * (1f / 127f);
            }
            context.localBarrier();
        }
        int lane = item % WarpMatMul.WARP, mine = unit < all ? strips : 0, out = last % hidden;
        int r0 = (layer.get(0) * Pair.first(expertsUsed) + expert) * Experts.rows(hidden, stage) + out, r1 = stage == Experts.BOTH ? r0 + hidden : r0;
        int q0 = r0 * Planes.rowLongs(layout, cols), q1 = r1 * Planes.rowLongs(layout, cols);
        int d0 = r0 * Planes.rowScales(layout, cols), d1 = r1 * Planes.rowScales(layout, cols);
        float s = 0, u = 0;
        for (int first = lane; first < mine; first += DEEP * WarpMatMul.WARP) {
            for (int k = 0; k < DEEP; k++) {
                int t = TornadoMath.min(first + k * WarpMatMul.WARP, strips - 1);
                int a = bytes[t], b = bytes[plane + t], c = bytes[2 * plane + t], d = bytes[3 * plane + t], sum = 0;
                if (Planes.shifted(layout)) sum = PlaneMatMul.dot(ONES, ONES, ONES, ONES, a, b, c, d);
                float size = first + k * WarpMatMul.WARP < strips ? steps[t] : 0f;
                s += size * PlaneMatMul.strip(layout, quanta, scales, q0, d0, strips, t, a, b, c, d, sum);
                if (stage == Experts.BOTH) u += size * PlaneMatMul.strip(layout, quanta, scales, q1, d1, strips, t, a, b, c, d, sum);
            }
        }
        s = gain * WarpMatMul.sum(context, s);
        u = gain * WarpMatMul.sum(context, u);
        if (lane == 0 && unit < all) Experts.write(arena, Place.start(h, row) + unit, s, u, stage);
    }

    /** A warp for two outputs of a row; its lanes go through the strips of all experts, whose weights are in the steps of h. */
    static void kOutput(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray ids, LongArray quanta, HalfFloatArray scales,
                        float gain, int layout, int experts, int used, int dim, int hidden, long y, long weights, long h, int kind, int groups) {
        int row = context.groupIdx / groups;
        if (row >= step.get(StepArray.ROWS)) return;
        int item = context.localIdx, each = hidden >> 4, strips = used * each, plane = strips + GAP, at = Place.start(h, row);
        float[] peaks = context.allocateFloatLocalArray(CHUNK);
        float[] steps = context.allocateFloatLocalArray(used * (hidden >> 4));
        int[] bytes = context.allocateIntLocalArray(4 * (used * (hidden >> 4) + GAP));
        int[] matrices = context.allocateIntLocalArray(MOST);
        for (int j = item; j < used; j += GROUP) matrices[j] = (layer.get(0) * experts + ids.get(row * used + j)) * dim;
        for (int chunk = 0; chunk < 4 * strips; chunk += CHUNK) {
            int end = TornadoMath.min(chunk + CHUNK, 4 * strips);
            for (int i = chunk + item; i < end; i += GROUP) {
                float a = TornadoMath.abs(arena.get(at + 4 * i)), b = TornadoMath.abs(arena.get(at + 4 * i + 1));
                float c = TornadoMath.abs(arena.get(at + 4 * i + 2)), d = TornadoMath.abs(arena.get(at + 4 * i + 3));
                peaks[i - chunk] = TornadoMath.max(TornadoMath.max(a, b), TornadoMath.max(c, d));
            }
            context.localBarrier();
            for (int i = chunk + item; i < end; i += GROUP) {
                int first = (i - chunk) & -4;
                float peak = TornadoMath.max(TornadoMath.max(peaks[first], peaks[first + 1]), TornadoMath.max(peaks[first + 2], peaks[first + 3]));
                float factor = 127f / TornadoMath.max(peak, 1e-30f);
                bytes[(i & 3) * plane + (i >> 2)] = PlaneMatMul.round(arena.get(at + 4 * i), factor) | PlaneMatMul.round(arena.get(at + 4 * i + 1), factor) << 8
                        | PlaneMatMul.round(arena.get(at + 4 * i + 2), factor) << 16 | PlaneMatMul.round(arena.get(at + 4 * i + 3), factor) << 24;
                if ((i & 3) == 0) steps[i >> 2] = peak * (1f / 127f) * arena.get(Place.start(weights, row) + (i >> 2) / each);
            }
            context.localBarrier();
        }
        int lane = item % WarpMatMul.WARP, out = 2 * (context.groupIdx % groups * WARPS + item / WarpMatMul.WARP), mine = out < dim ? strips : 0;
        int other = TornadoMath.min(out + 1, dim - 1);
        float s = 0, u = 0;
        for (int first = lane; first < mine; first += DEEP * WarpMatMul.WARP) {
            for (int k = 0; k < DEEP; k++) {
                int t = TornadoMath.max(0, TornadoMath.min(first + k * WarpMatMul.WARP, strips - 1)), matrix = matrices[t / each], strip = t % each;
                int a = bytes[t], b = bytes[plane + t], c = bytes[2 * plane + t], d = bytes[3 * plane + t], sum = 0;
                if (Planes.shifted(layout)) sum = PlaneMatMul.dot(ONES, ONES, ONES, ONES, a, b, c, d);
                float size = first + k * WarpMatMul.WARP < strips ? steps[t] : 0f;
                s += size * PlaneMatMul.strip(layout, quanta, scales, (matrix + out) * Planes.rowLongs(layout, hidden),
                        (matrix + out) * Planes.rowScales(layout, hidden), each, strip, a, b, c, d, sum);
                u += size * PlaneMatMul.strip(layout, quanta, scales, (matrix + other) * Planes.rowLongs(layout, hidden),
                        (matrix + other) * Planes.rowScales(layout, hidden), each, strip, a, b, c, d, sum);
            }
        }
        s = gain * WarpMatMul.sum(context, s);
        u = gain * WarpMatMul.sum(context, u);
        int to = Place.start(y, row) + out;
        if (lane == 0 && out < dim) MatMul.write(arena, to, s, 0, kind);
        if (lane == 0 && out + 1 < dim) MatMul.write(arena, to + 1, u, 0, kind);
    }
}
