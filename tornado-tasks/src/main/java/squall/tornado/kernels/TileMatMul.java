package squall.tornado.kernels;

import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.BFloat16;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Products of 2 to 64 rows on tensor cores, where operands may be rounded: a matrix is read once for all rows. A task makes
 * halves of x, in the order in which they are multiplied, then each group decodes some matrix rows to halves in local memory,
 * part by part, and multiplies them; sums are in float32.
 * <pre>
 * x, long (step * tiles + tile) * 32 + 2 k + h: column 16 step + k of rows 8 tile + 4 h to 8 tile + 4 h + 3
 * </pre>
 * Both operands are rounded to eleven bits, so that a product is off by at most {@code 2^-10 sum |w| |x|}; x beyond the range of
 * halves becomes their largest number.
 */
final class TileMatMul {
    private static final int GROUP = 256;
    /** Rows of x of a tile, columns of a step. */
    private static final int SIDE = 8;
    private static final int STEP = 16;
    private static final int MOST_TILES = 8;
    /** Longs of a step of a tile of x, and of 16 matrix rows; those have four more so that banks of local memory differ. */
    private static final int SMALL = 32;
    private static final int LARGE = 68;
    /** Steps of a part: a warp has four of them to itself where there is one tile of x. */
    private static final int FEW_STEPS = 32;
    private static final int MANY_STEPS = 4;
    /** Matrix rows from which a group takes 64 of them, not 32. */
    private static final int TALL = 8192;
    /** Floats in front of what is stored through a view of a local array. */
    private static final int HEADER = 4;
    private static final float LARGEST_HALF = 65504f;

    /** Quantised, in planes; other stores are those of {@link WarpMatMul}. */
    private static final int PLANES = 3;

    private TileMatMul() {}

    /** Whether these kernels are for a recording's number of rows, and read a bank; as a bank is laid out when the weights are there. */
    static boolean serves(Frame f, Bank w) {
        return f.maxRows() > 1 && f.maxRows() <= SIDE * MOST_TILES && reads(f, w);
    }

    private static boolean reads(Frame f, Bank w) {
        Traits t = f.traits();
        boolean halves = w.format() == Format.F16 || w.format() == Format.BF16;
        return t.shape() == Traits.Shape.WARPS && !t.precise() && w.experts() == 1 && w.cols() % STEP == 0 && (halves || Planes.fit(w.format(), w.cols()));
    }

    /** Notes what products with a bank need, for as many rows as these kernels serve. */
    static void note(Frame f, Bank w) {
        if (reads(f, w)) f.scratch().needTiles(w.cols() / STEP * MOST_TILES * SMALL);
    }

    /** kind: see {@link MatMul}; outs: numbers of a row of y. */
    static void record(Tape tape, String name, Region y, Region x, Bank w, int outs, int kind) {
        Frame f = tape.frame();
        int tiles = (f.maxRows() + SIDE - 1) / SIDE, cols = w.cols(), steps = cols / STEP, longs = steps * tiles * SMALL;
        tape.add("halves", Grid.fixed((longs + GROUP - 1) / GROUP, GROUP), (g, id) -> g.task(id, TileMatMul::kPack, f.context(), f.arena(), f.step(),
                f.scratch().tiles(), Place.of(x), Pair.of(tiles, longs)));
        boolean planes = w.planes() != null;
        int store = planes ? PLANES : WarpMatMul.store(w), layout = planes ? Planes.layout(w.format()) : 0, most = tiles == 1 ? 16 : outs < TALL ? 32 : 64;
        int each = kind == MatMul.SWIGLU ? most / 2 : most;
        float gain = planes ? w.planes().gain() : 1;
        long matrix = Pair.of(w.rows(), cols);
        int how = Pair.small(layout, store | kind << 2 | tiles << 4 | most << 8);
        Grid grid = Grid.fixed((outs + each - 1) / each, GROUP);
        if (tiles == 1)
            tape.add(name, grid, (g, id) -> WarpMatMul.ready(g).task(id, TileMatMul::kFew, f.context(), f.arena(), f.step(), f.layer(), f.scratch().tiles(),
                    planes ? w.planes().scales() : WarpMatMul.halves(w), WarpMatMul.longs(w), gain, matrix, Place.of(y), how));
        else
            tape.add(name, grid, (g, id) -> WarpMatMul.ready(g).task(id, TileMatMul::kMany, f.context(), f.arena(), f.step(), f.layer(), f.scratch().tiles(),
                    planes ? w.planes().scales() : WarpMatMul.halves(w), WarpMatMul.longs(w), gain, matrix, Place.of(y), how));
    }

    /** A work-item for each long of x; rows that are not alive are zeros. */
    static void kPack(KernelContext context, FloatArray arena, IntArray step, LongArray packed, long x, long sizes) {
        int tiles = Pair.first(sizes), longs = Pair.second(sizes), i = context.globalIdx, alive = step.get(StepArray.ROWS);
        if (i < longs) {
            int column = i / (tiles * SMALL) * STEP + (i >> 1 & STEP - 1), row = i / SMALL % tiles * SIDE + (i & 1) * 4;
            float a = x(arena, x, row, alive, column), b = x(arena, x, row + 1, alive, column);
            float c = x(arena, x, row + 2, alive, column), d = x(arena, x, row + 3, alive, column);
            packed.set(i, four(a, b, c, d));
        }
    }

    private static float x(FloatArray arena, long x, int row, int alive, int column) {
        float v = arena.get(Place.start(x, TornadoMath.min(row, alive - 1)) + column);
        float inside = TornadoMath.max(TornadoMath.min(v, LARGEST_HALF), -LARGEST_HALF);
        return row < alive ? inside : 0f;
    }

    /**
     * One tile of x. A group has 16 matrix rows (for SwiGLU eight of the gate and eight of the other matrix); its warps share
     * the steps of a part, and their sums meet in local memory.
     */
    static void kFew(KernelContext context, FloatArray arena, IntArray step, IntArray layer, LongArray packed, HalfFloatArray halves, LongArray longs,
                     float gain, long matrix, long y, int how) {
        int rows = Pair.first(matrix), cols = Pair.second(matrix), layout = Pair.smallFirst(how), store = Pair.smallSecond(how) & 3;
        int kind = Pair.smallSecond(how) >> 2 & 3, outs = kind == MatMul.SWIGLU ? rows >> 1 : rows;
        int alive = step.get(StepArray.ROWS);
        if (alive < 1) return;
        long[] weights = context.allocateLongLocalArray(FEW_STEPS * LARGE);
        long[] operands = context.allocateLongLocalArray(FEW_STEPS * SMALL);
        float[] sums = context.allocateFloatLocalArray(HEADER + 8 * 128);
        int[] a = (int[]) (Object) weights, b = (int[]) (Object) operands;
        FloatArray behind = (FloatArray) (Object) sums;
        int item = context.localIdx, warp = item / WarpMatMul.WARP, most = kind == MatMul.SWIGLU ? 8 : 16, first = context.groupIdx * most;
        int steps = cols >> 4, unit = item & 127, base = layer.get(0) * rows;
        float[] f = context.mmaFragment(0f);
        for (int part = 0; part < steps; part += FEW_STEPS) {
            int u = part * 4 + unit;
            for (int i = 0; i < 8; i++) {
                int r = (item >> 7) + 2 * i;
                weights[(unit >> 2) * LARGE + r * 4 + (unit & 3)] = quad(store, layout, halves, longs, base + row(kind, first, r, most, outs), cols, u);
            }
            for (int i = 0; i < 4; i++) {
                int at = part * SMALL + item + i * GROUP;
                operands[item + i * GROUP] = at < steps * SMALL ? packed.get(at) : 0L;
            }
            context.localBarrier();
            for (int i = 0; i < 4; i++) {
                HalfFloat[] w = context.mmaLoadA(a, 16, (warp * 4 + i) * LARGE * 8);
                f = context.mma(w, context.mmaLoadB(b, 16, (warp * 4 + i) * SMALL * 8), f, MMAShape.M16N8K16);
            }
            context.localBarrier();
        }
        context.mmaStore(f, behind, warp * 16, 0, 8);
        context.localBarrier();
        int r = item & 15, column = item >> 4;
        int mine = item < 128 && r < most && column < alive && first + r < outs ? 8 : 0;
        float value = 0, second = 0;
        for (int i = 0; i < mine; i++) value += sums[HEADER + i * 128 + r * 8 + column];
        if (kind == MatMul.SWIGLU) for (int i = 0; i < mine; i++) second += sums[HEADER + i * 128 + (r + 8) * 8 + column];
        if (mine > 0) MatMul.write(arena, Place.start(y, column) + first + r, gain * value, gain * second, kind);
    }

    /** Up to eight tiles of x, one for each warp, which multiplies it with all matrix rows of the group: {@code most}, 32 or 64. */
    static void kMany(KernelContext context, FloatArray arena, IntArray step, IntArray layer, LongArray packed, HalfFloatArray halves, LongArray longs,
                      float gain, long matrix, long y, int how) {
        int rows = Pair.first(matrix), cols = Pair.second(matrix), layout = Pair.smallFirst(how), store = Pair.smallSecond(how) & 3;
        int kind = Pair.smallSecond(how) >> 2 & 3, outs = kind == MatMul.SWIGLU ? rows >> 1 : rows;
        int tiles = Pair.smallSecond(how) >> 4 & 15, most = Pair.smallSecond(how) >> 8;
        int alive = step.get(StepArray.ROWS);
        if (alive < 1) return;
        long[] weights = context.allocateLongLocalArray(MANY_STEPS * LARGE * (most >> 4));
        long[] operands = context.allocateLongLocalArray(MANY_STEPS * SMALL * MOST_TILES);
        float[] sums = context.allocateFloatLocalArray(HEADER + 64 * most);
        int[] a = (int[]) (Object) weights, b = (int[]) (Object) operands;
        FloatArray behind = (FloatArray) (Object) sums;
        int item = context.localIdx, warp = item / WarpMatMul.WARP, each = kind == MatMul.SWIGLU ? most >> 1 : most, first = context.groupIdx * each;
        int steps = cols >> 4, unit = item & 15, base = layer.get(0) * rows, used = tiles * SMALL;
        float[] f0 = context.mmaFragment(0f), f1 = context.mmaFragment(0f), f2 = context.mmaFragment(0f), f3 = context.mmaFragment(0f);
        for (int part = 0; part < steps; part += MANY_STEPS) {
            for (int i = 0; i < most >> 4; i++) {
                int r = item >> 4;
                weights[((unit >> 2) * (most >> 4) + i) * LARGE + r * 4 + (unit & 3)] =
                        quad(store, layout, halves, longs, base + row(kind, first, i * 16 + r, each, outs), cols, part * 4 + unit);
            }
            for (int i = item; i < MANY_STEPS * used; i += GROUP) {
                int at = part * used + i;
                operands[i] = at < steps * used ? packed.get(at) : 0L;
            }
            context.localBarrier();
            for (int s = 0; s < MANY_STEPS; s++) {
                HalfFloat[] x = context.mmaLoadB(b, 16, (s * tiles + TornadoMath.min(warp, tiles - 1)) * SMALL * 8);
                int at = s * (most >> 4) * LARGE * 8;
                f0 = context.mma(context.mmaLoadA(a, 16, at), x, f0, MMAShape.M16N8K16);
                f1 = context.mma(context.mmaLoadA(a, 16, at + LARGE * 8), x, f1, MMAShape.M16N8K16);
                if (most > 32) {
                    f2 = context.mma(context.mmaLoadA(a, 16, at + 2 * LARGE * 8), x, f2, MMAShape.M16N8K16);
                    f3 = context.mma(context.mmaLoadA(a, 16, at + 3 * LARGE * 8), x, f3, MMAShape.M16N8K16);
                }
            }
            context.localBarrier();
        }
        context.mmaStore(f0, behind, 0, warp * SIDE, 64);
        context.mmaStore(f1, behind, 16, warp * SIDE, 64);
        if (most > 32) {
            context.mmaStore(f2, behind, 32, warp * SIDE, 64);
            context.mmaStore(f3, behind, 48, warp * SIDE, 64);
        }
        context.localBarrier();
        int r = item % each;
        for (int column = item / each; column < alive; column += GROUP / each) {
            float value = sums[HEADER + r * 64 + column], second = 0;
            if (kind == MatMul.SWIGLU) second = sums[HEADER + (each + r) * 64 + column];
            if (first + r < outs) MatMul.write(arena, Place.start(y, column) + first + r, gain * value, gain * second, kind);
        }
    }

    /** The matrix row that is number r of the group; there are {@code most} outputs. */
    private static int row(int kind, int first, int r, int most, int outs) {
        int out = first + r;
        if (kind == MatMul.SWIGLU && r >= most) out = first + r - most;
        int row = TornadoMath.min(out, outs - 1);
        if (kind == MatMul.SWIGLU && r >= most) row += outs;
        return row;
    }

    /** Numbers 4 u to 4 u + 3 of a matrix row as halves, without the gain; behind the row's end zeros. row: counted through all layers. */
    private static long quad(int store, int layout, HalfFloatArray halves, LongArray longs, int row, int cols, int u) {
        int units = cols >> 2, at = TornadoMath.min(u, units - 1);
        long packed = 0;
        if (store == WarpMatMul.LONGS) {
            long four = longs.get(row * units + at);
            int low = (int) four, high = (int) (four >> 32);
            packed = four(BFloat16.bf16ToFloat((short) low), BFloat16.bf16ToFloat((short) (low >> 16)), BFloat16.bf16ToFloat((short) high),
                    BFloat16.bf16ToFloat((short) (high >> 16)));
        }
        if (store == WarpMatMul.HALVES) {
            Half2 low = halves.getHalf2(row * cols + 4 * at), high = halves.getHalf2(row * cols + 4 * at + 2);
            packed = four(Half2.lowFloat(low), Half2.highFloat(low), Half2.lowFloat(high), Half2.highFloat(high));
        }
        if (store == PLANES) {
            int from = row * Planes.rowLongs(layout, cols), scales = row * Planes.rowScales(layout, cols), s = at >> 2, strips = cols >> 4;
            int bytes = Planes.four(layout, longs, from, strips, s, at & 3);
            float d = Planes.scale(layout, halves, scales, s), m = Planes.minimum(layout, halves, scales, s) + d * Planes.bias(layout);
            packed = four(d * (bytes << 24 >> 24) - m, d * (bytes << 16 >> 24) - m, d * (bytes << 8 >> 24) - m, d * (bytes >> 24) - m);
        }
        return u < units ? packed : 0L;
    }

    private static long four(float a, float b, float c, float d) {
        return (long) pair(c, d) << 32 | pair(a, b) & 0xFFFFFFFFL;
    }

    /** Two halves, the first in the lower bits. */
    private static int pair(float low, float high) {
        return (new HalfFloat(low).getHalfFloatValue() & 0xFFFF) | (new HalfFloat(high).getHalfFloatValue() & 0xFFFF) << 16;
    }
}
