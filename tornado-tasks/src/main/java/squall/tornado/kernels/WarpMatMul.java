package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.BFloat16;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Products of several rows with matrices of F32, F16 and BF16 on CUDA, in float32: a group has two matrix rows and its work-items
 * share their columns. Sums meet in shuffles, then in local memory. Products of one row are {@link WarpRow}'s.
 *
 * <p>A work-item takes four columns at a time, which ones depends on how the numbers are stored: neighbours of a warp
 * read neighbouring words, as wide as are really loaded.
 * <pre>
 * BF16  4u, 4u + 1, 4u + 2, 4u + 3             one long
 * F16   2u, 2u + 1, c/2 + 2u, c/2 + 2u + 1     two half2
 * F32   u, c/4 + u, 2c/4 + u, 3c/4 + u         four floats
 * </pre>
 */
final class WarpMatMul {
    /** Columns that a work-item takes at a time. */
    static final int UNIT = 4;
    /** Sums of a work-item of {@link #kRows}. */
    private static final int ROWS = 8;
    /** Bit beside the kind: x is to be normed. */
    static final int NORMED = 4;
    /** And another: heads of x are to be divided by their lengths. */
    static final int HEADS = 8;
    private static final int MOST = 256;

    static final int WARP = 32;

    // where the numbers are
    static final int FLOATS = 0;
    static final int HALVES = 1;
    static final int LONGS = 2;

    private static final FloatArray NO_FLOATS = new FloatArray(1);
    private static final HalfFloatArray NO_HALVES = new HalfFloatArray(1);
    private static final LongArray NO_LONGS = new LongArray(1);

    private WarpMatMul() {}

    /** Whether these kernels read the bank: as {@code DeviceWeights} lays F32, F16 and BF16 for warps. */
    static boolean reads(Frame f, Bank w) {
        boolean laid = switch (w.format()) {
            case F32 -> true;
            case F16 -> w.array() instanceof HalfFloatArray;
            case BF16 -> w.array() instanceof LongArray;
            default -> false;
        };
        return f.traits().shape() == Traits.Shape.WARPS && laid && w.cols() % UNIT == 0;
    }

    /** norm: what is to be done to x, or null; kind: see {@link MatMul}; outs: numbers of a row of y. */
    static void record(Tape tape, String name, Region y, Region x, Normed norm, Bank w, int outs, int kind) {
        Frame f = tape.frame();
        int way = store(w) << 4 | what(norm) | kind, units = w.cols() / UNIT, turns = (units + MOST - 1) / MOST, team = warps(units, turns) * WARP;
        int pairs = kind == MatMul.SWIGLU ? 1 : 2, how = Pair.small(way, team);
        if (f.maxRows() == 1) WarpRow.record(tape, name, y, x, norm, w, outs, way);
        else
            tape.add(name, Grid.perTile((outs + pairs - 1) / pairs, MatMul.TILE, team), (g, id) -> ready(g).task(id, WarpMatMul::kRows, f.context(),
                    f.arena(), f.step(), f.layer(), floats(w), halves(w), longs(w), matrix(w), Place.of(y), Place.of(x), how));
    }

    /** Warps that share units, each work-item with at most so many. */
    static int warps(int units, int each) {
        return ((units + each - 1) / each + WARP - 1) / WARP;
    }

    // ---- arguments of a task

    static int store(Bank w) {
        return w.array() instanceof LongArray ? LONGS : w.array() instanceof HalfFloatArray ? HALVES : FLOATS;
    }

    /** Its rows; where the first layer's starts, and its columns. */
    static long matrix(Bank w) {
        return Pair.of(w.rows(), Pair.small(w.at(), w.cols()));
    }

    static FloatArray floats(Bank w) {
        return w.array() instanceof FloatArray a ? a : NO_FLOATS;
    }

    static HalfFloatArray halves(Bank w) {
        return w.array() instanceof HalfFloatArray a ? a : NO_HALVES;
    }

    static LongArray longs(Bank w) {
        return w.array() instanceof LongArray a ? a : NO_LONGS;
    }

    /** {@link #NORMED}, {@link #HEADS} or nothing. */
    static int what(Normed norm) {
        return norm == null ? 0 : norm.weight() == null ? HEADS : NORMED;
    }

    static FloatArray weights(Normed norm) {
        return what(norm) == NORMED ? norm.weight().array() : NO_FLOATS;
    }

    /** Layer stride and place of the norm's weights; or the place of the squares, and elements and parts of a head. */
    static long at(Normed norm) {
        if (what(norm) == HEADS) return Pair.of(norm.squares().at(), Pair.small(norm.head(), norm.parts()));
        return norm == null ? 0 : Pair.of(norm.weight().layerStride(), norm.weight().at());
    }

    static float eps(Normed norm) {
        return norm == null ? 0 : norm.eps();
    }

    /** A graph that has what stands for arrays that are not there. */
    static TaskGraph ready(TaskGraph g) {
        return g.transferToDevice(DataTransferMode.FIRST_EXECUTION, NO_FLOATS, NO_HALVES, NO_LONGS);
    }

    // ---- in kernels

    /** Up to four rows of x; two matrix rows, which are neighbours, or one of the gate and one of the other matrix. */
    static void kRows(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray floats, HalfFloatArray halves,
                      LongArray longs, long matrix, long y, long x, int how) {
        int rows = Pair.first(matrix), cols = Pair.smallSecond(Pair.second(matrix)), store = Pair.smallFirst(how) >> 4, kind = Pair.smallFirst(how) & 3;
        int team = Pair.smallSecond(how), outs = kind == MatMul.SWIGLU ? rows >> 1 : rows;
        int pairs = kind == MatMul.SWIGLU ? outs : outs + 1 >> 1, row = context.groupIdx / pairs * MatMul.TILE, n = step.get(StepArray.ROWS) - row;
        if (n <= 0) return;
        float[] parts = context.allocateFloatLocalArray(ROWS * (team / WARP));
        int item = context.localIdx, out = context.groupIdx % pairs * (kind == MatMul.SWIGLU ? 1 : 2);
        int other = kind == MatMul.SWIGLU ? outs + out : TornadoMath.min(out + 1, outs - 1);
        int stride = store == LONGS ? cols >> 2 : cols, from = Pair.smallFirst(Pair.second(matrix)) + layer.get(0) * rows * stride, units = cols >> 2;
        int r0 = from + out * stride, r1 = from + other * stride, x0 = Place.start(x, row), x1 = Place.start(x, row + TornadoMath.min(1, n - 1));
        int x2 = Place.start(x, row + TornadoMath.min(2, n - 1)), x3 = Place.start(x, row + TornadoMath.min(3, n - 1));
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0, u0 = 0, u1 = 0, u2 = 0, u3 = 0;
        for (int u = item; u < units; u += team) {
            for (int k = 0; k < 4; k++) {
                int column = column(store, units, u, k);
                float v = at(store, floats, halves, longs, r0, column), z = at(store, floats, halves, longs, r1, column);
                float a = arena.get(x0 + column), b = arena.get(x1 + column), c = arena.get(x2 + column), d = arena.get(x3 + column);
                s0 += v * a;
                s1 += v * b;
                s2 += v * c;
                s3 += v * d;
                u0 += z * a;
                u1 += z * b;
                u2 += z * c;
                u3 += z * d;
            }
        }
        s0 = sum(context, s0);
        s1 = sum(context, s1);
        s2 = sum(context, s2);
        s3 = sum(context, s3);
        u0 = sum(context, u0);
        u1 = sum(context, u1);
        u2 = sum(context, u2);
        u3 = sum(context, u3);
        if (item % WARP == 0) {
            int to = item / WARP * ROWS;
            parts[to] = s0;
            parts[to + 1] = s1;
            parts[to + 2] = s2;
            parts[to + 3] = s3;
            parts[to + 4] = u0;
            parts[to + 5] = u1;
            parts[to + 6] = u2;
            parts[to + 7] = u3;
        }
        context.localBarrier();
        float value = 0, second = 0;
        int mine = item < TornadoMath.min(MatMul.TILE, n) ? team / WARP : 0;
        for (int i = 0; i < mine; i++) value += parts[i * ROWS + item];
        for (int i = 0; i < mine; i++) second += parts[i * ROWS + MatMul.TILE + item];
        int to = Place.start(y, row + item) + out;
        if (mine > 0) MatMul.write(arena, to, value, second, kind);
        if (mine > 0 && kind != MatMul.SWIGLU && out + 1 < outs) MatMul.write(arena, to + 1, second, 0, kind);
    }

    /** Column k (below four) of unit u, as the class comment draws them. */
    static int column(int store, int units, int u, int k) {
        int column = 4 * u + k;
        if (store == HALVES) column = (k >> 1) * 2 * units + 2 * u + (k & 1);
        if (store == FLOATS) column = k * units + u;
        return column;
    }

    /** Number i of the matrix row that starts at element {@code row}. */
    static float at(int store, FloatArray floats, HalfFloatArray halves, LongArray longs, int row, int i) {
        float value = 0;
        if (store == LONGS) value = BFloat16.bf16ToFloat((short) (longs.get(row + (i >> 2)) >> 16 * (i & 3)));
        if (store == HALVES) value = halves.get(row + i).getFloat32();
        if (store == FLOATS) value = floats.get(row + i);
        return value;
    }

    /** What element {@code column} of a row is to be multiplied by, whose heads have not been divided by their lengths: see {@link Normed}. */
    static float perHead(FloatArray arena, int squares, int sizes, float eps, int column) {
        int head = Pair.smallFirst(sizes), parts = Pair.smallSecond(sizes), at = squares + column / head * parts;
        float sum = 0;
        for (int i = 0; i < parts; i++) sum += arena.get(at + i);
        return 1f / TornadoMath.sqrt(sum / head + eps);
    }

    /** The sum over the lanes of a warp, in lane 0. */
    static float sum(KernelContext context, float s) {
        float t = s + context.simdShuffleDown(s, 16);
        t += context.simdShuffleDown(t, 8);
        t += context.simdShuffleDown(t, 4);
        t += context.simdShuffleDown(t, 2);
        return t + context.simdShuffleDown(t, 1);
    }
}
