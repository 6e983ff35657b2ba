package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.BFloat16;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Products of one row with matrices of F32, F16 and BF16 on CUDA, in float32: a group has some matrix rows, its work-items share
 * their columns, and each keeps what it needs of x in registers for all of them. So x is loaded once for many rows, and eight
 * loads of weights (of BF16) are on their way for each work-item while it multiplies those before. A work-item's sums go to
 * local memory and are added up at the end, so that nothing is waited for between matrix rows.
 *
 * <p>Columns are dealt out as in {@link WarpMatMul}.
 */
final class WarpRow {
    /** Units that a work-item keeps of x, and matrix rows of which it has those on their way. */
    private static final int EACH = 4;
    private static final int DEEP = 2;
    /** Work-items of a group at most, of BF16 and of the others, whose numbers take more registers: a processor has {@value #REGISTERS} of them. */
    private static final int LARGEST = 640;
    private static final int LARGEST_WIDE = 512;
    private static final int REGISTERS = 65536;
    /** Registers that a work-item takes as compiled for sm_90: of BF16, of the others, and what the norm of x takes besides. */
    private static final int TAKEN = 56;
    private static final int TAKEN_WIDE = 72;
    private static final int TAKEN_NORM = 24;
    /** Multiprocessors of a large device, and warps on each that keep enough loads on their way. */
    static final int PROCESSORS = 132;
    private static final int ENOUGH = 16;
    /** Matrix rows of a group at most, if all groups run at once, and if they cannot. */
    private static final int MOST = 40;
    private static final int SHARE = 24;
    /** Matrix rows that take as long as a group does to start, and how much less of the longest load is worth larger groups. */
    private static final int START = 2;
    private static final float EVEN = 1.05f;
    /** Floats of local memory. */
    static final int LOCAL = 12288;

    private WarpRow() {}

    /** norm: what is to be done to x, or null; outs: numbers of a row of y; way: where the numbers are, whether x is normed, and the kind. */
    static void record(Tape tape, String name, Region y, Region x, Normed norm, Bank w, int outs, int way) {
        int warps = warps(w), taken = (WarpMatMul.store(w) == WarpMatMul.LONGS ? TAKEN : TAKEN_WIDE) + (norm == null ? 0 : TAKEN_NORM);
        record(tape, name, y, x, norm, w, outs, way, share(w.rows(), warps, DEEP, taken, LOCAL / (WarpMatMul.WARP * warps) - 1));
    }

    /** share: matrix rows of a group, an even number. */
    static void record(Tape tape, String name, Region y, Region x, Normed norm, Bank w, int outs, int way, int share) {
        Frame f = tape.frame();
        int warps = warps(w), most = outs < w.rows() ? share / 2 : share;
        tape.add(name, Grid.fixed((outs + most - 1) / most, WarpMatMul.WARP * warps), (g, id) -> WarpMatMul.ready(g).task(id, WarpRow::kRow, f.context(),
                f.arena(), f.step(), f.layer(), WarpMatMul.floats(w), WarpMatMul.halves(w), WarpMatMul.longs(w), WarpMatMul.weights(norm), WarpMatMul.at(norm),
                WarpMatMul.eps(norm), WarpMatMul.matrix(w), Place.of(y), Place.of(x), Pair.small(way, share << 8 | warps)));
    }

    private static int warps(Bank w) {
        int units = w.cols() / WarpMatMul.UNIT, most = EACH * (WarpMatMul.store(w) == WarpMatMul.LONGS ? LARGEST : LARGEST_WIDE);
        return WarpMatMul.warps(units, EACH * ((units + most - 1) / most));
    }

    /**
     * Matrix rows of a group, a multiple of {@code deep}: so many that all groups run at once, since those that have to wait for others
     * find the device half empty; and of the numbers from there on, as long as enough work-items are left to keep the memory busy, the one
     * that leaves the processors most even loads.
     *
     * @param taken registers of a work-item
     * @param most  limit
     */
    static int share(int rows, int warps, int deep, int taken, int most) {
        int atOnce = PROCESSORS * Math.max(1, REGISTERS / (WarpMatMul.WARP * taken) / warps), limit = Math.min(MOST, most) / deep * deep;
        int best = Math.max(deep, ((rows + atOnce - 1) / atOnce + deep - 1) / deep * deep);
        if (best > limit) return Math.max(deep, Math.min(SHARE, most) / deep * deep);
        int largest = (int) Math.min(limit, Math.min((long) rows * warps / (PROCESSORS * ENOUGH), (rows - 1) / PROCESSORS));
        for (int s = best + deep; s <= largest; s += deep) if (load(rows, s) * EVEN < load(rows, best)) best = s;
        return best;
    }

    /** Matrix rows of the processor that has most of them. */
    private static int load(int rows, int share) {
        int groups = (rows + share - 1) / share;
        return (groups + PROCESSORS - 1) / PROCESSORS * (share + START);
    }

    /**
     * One row of x. A work-item keeps a few units of it for all matrix rows of its group, of which {@value #DEEP} are on their way at a
     * time, the first of them before x is there; for SwiGLU those of the gate and of the other matrix take turns.
     */
    static void kRow(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray floats, HalfFloatArray halves,
                     LongArray longs, FloatArray norm, long normAt, float eps, long matrix, long y, long x, int how) {
        int rows = Pair.first(matrix), cols = Pair.smallSecond(Pair.second(matrix)), store = Pair.smallFirst(how) >> 4, kind = Pair.smallFirst(how) & 3, normed = Pair.smallFirst(how) & WarpMatMul.NORMED, heads = Pair.smallFirst(how) & WarpMatMul.HEADS;
        int share = Pair.smallSecond(how) >> 8, warps = Pair.smallSecond(how) & 255, team = warps * WarpMatMul.WARP, units = cols >> 2, stride = store == WarpMatMul.LONGS ? units : cols;
        int item = context.localIdx, lane = item & (WarpMatMul.WARP - 1), pair = kind == MatMul.SWIGLU ? 1 : 0, outs = rows >> pair, last = outs - 1;
        float[] parts = context.allocateFloatLocalArray((share + 1) * WarpMatMul.WARP * warps);
        float[] v = new float[WarpMatMul.UNIT * EACH], wide = new float[WarpMatMul.UNIT * EACH * DEEP];
        long[] raw = new long[EACH * DEEP];
        int alive = step.get(StepArray.ROWS), number = layer.get(0), at = Place.start(x, 0), first = context.groupIdx * (share >> pair);
        int from = Pair.smallFirst(Pair.second(matrix)) + number * rows * stride, weights = number * Pair.first(normAt) + Pair.second(normAt), end = share + (context.groupIdx >> 24);
        float squares = 0;
        for (int begin = 0; begin < units; begin += EACH * team) {
            for (int k = 0; k < EACH; k++) {
                int u = TornadoMath.min(begin + item + k * team, units - 1);
                for (int j = 0; j < WarpMatMul.UNIT; j++) v[WarpMatMul.UNIT * k + j] = arena.get(at + WarpMatMul.column(store, units, u, j));
            }
            for (int r = 0; r < DEEP; r++) {
                int w = from + (TornadoMath.min(first + (r >> pair), last) + (r & pair) * outs) * stride;
                for (int k = 0; k < EACH; k++) {
                    int u = TornadoMath.min(begin + item + k * team, units - 1), to = r * EACH + k;
                    if (store == WarpMatMul.LONGS) raw[to] = longs.get(w + u);
                    if (store == WarpMatMul.FLOATS) for (int j = 0; j < WarpMatMul.UNIT; j++) wide[WarpMatMul.UNIT * to + j] = floats.get(w + j * units + u);
                    if (store == WarpMatMul.HALVES) for (int j = 0; j < WarpMatMul.UNIT; j += 2) {
                        Half2 two = halves.getHalf2(w + j * units + 2 * u);
                        wide[WarpMatMul.UNIT * to + j] = Half2.lowFloat(two);
                        wide[WarpMatMul.UNIT * to + j + 1] = Half2.highFloat(two);
                    }
                }
            }
            for (int k = 0; k < EACH; k++) {
                int u = TornadoMath.min(begin + item + k * team, units - 1);
                float mine = begin + item + k * team < units ? 1f : 0f;
                if (heads > 0 && store == WarpMatMul.LONGS) mine *= WarpMatMul.perHead(arena, Pair.first(normAt), Pair.second(normAt), eps, WarpMatMul.UNIT * u);
                for (int j = 0; j < WarpMatMul.UNIT; j++) {
                    float a = mine * v[WarpMatMul.UNIT * k + j];
                    squares += a * a;
                    if (normed > 0) a *= norm.get(weights + WarpMatMul.column(store, units, u, j));
                    if (heads > 0 && store != WarpMatMul.LONGS) a *= WarpMatMul.perHead(arena, Pair.first(normAt), Pair.second(normAt), eps, WarpMatMul.column(store, units, u, j));
                    v[WarpMatMul.UNIT * k + j] = a;
                }
            }
            for (int i = 0; i < end; i += DEEP) {
                for (int r = 0; r < DEEP; r++) {
                    float s = 0;
                    if (begin > 0) s = parts[(i + r) * team + item];
                    for (int k = 0; k < EACH; k++) {
                        int to = r * EACH + k, j = WarpMatMul.UNIT * k;
                        if (store == WarpMatMul.LONGS) s += dot(raw[to], v[j], v[j + 1], v[j + 2], v[j + 3]);
                        else s += wide[4 * to] * v[j] + wide[4 * to + 1] * v[j + 1] + (wide[4 * to + 2] * v[j + 2] + wide[4 * to + 3] * v[j + 3]);
                    }
                    parts[(i + r) * team + item] = s;
                    int n = i + DEEP + r, w = from + (TornadoMath.min(first + (n >> pair), last) + (n & pair) * outs) * stride;
                    if (i + DEEP < end) for (int k = 0; k < EACH; k++) {
                        int u = TornadoMath.min(begin + item + k * team, units - 1), to = r * EACH + k;
                        if (store == WarpMatMul.LONGS) raw[to] = longs.get(w + u);
                        if (store == WarpMatMul.FLOATS) for (int j = 0; j < WarpMatMul.UNIT; j++) wide[WarpMatMul.UNIT * to + j] = floats.get(w + j * units + u);
                        if (store == WarpMatMul.HALVES) for (int j = 0; j < WarpMatMul.UNIT; j += 2) {
                            Half2 two = halves.getHalf2(w + j * units + 2 * u);
                            wide[WarpMatMul.UNIT * to + j] = Half2.lowFloat(two);
                            wide[WarpMatMul.UNIT * to + j + 1] = Half2.highFloat(two);
                        }
                    }
                }
            }
        }
        if (normed > 0) parts[share * team + item] = squares;
        context.localBarrier();
        float scale = 1f, total = 0;
        if (normed > 0) {
            for (int i = lane; i < team; i += WarpMatMul.WARP) total += parts[share * team + i];
            scale = 1f / TornadoMath.sqrt(context.simdSum(total) / cols + eps);
        }
        for (int o = item >> 5; o < share >> pair; o += warps) {
            float value = 0, second = 0;
            for (int i = lane; i < team; i += WarpMatMul.WARP) value += parts[(o << pair) * team + i];
            if (pair > 0) for (int i = lane; i < team; i += WarpMatMul.WARP) second += parts[(2 * o + 1) * team + i];
            value = scale * context.simdSum(value);
            second = scale * context.simdSum(second);
            if (lane == 0 && first + o < outs && alive > 0) MatMul.write(arena, Place.start(y, 0) + first + o, value, second, kind);
        }
    }

    /** Four BF16 numbers times a to d. */
    private static float dot(long four, float a, float b, float c, float d) {
        int low = (int) four, high = (int) (four >> 32);
        return BFloat16.bf16ToFloat((short) low) * a + BFloat16.bf16ToFloat((short) (low >> 16)) * b
                + (BFloat16.bf16ToFloat((short) high) * c + BFloat16.bf16ToFloat((short) (high >> 16)) * d);
    }
}
