package squall.tornado.kernels;

import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.LibraryScratch;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
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
 * Products of 2 to 64 rows on tensor cores, where operands may be rounded: a matrix is read once for all rows, which
 * {@link TileRows} left. A group has 16 matrix rows, or 32 where x has more than two tiles (for SwiGLU half of them are the gate's,
 * half the other matrix's). It goes over the columns part by part: numbers of the next part are on their way from memory while those of
 * this one, as halves in local memory, are multiplied. The warps share the steps of a part, and their sums, in float32, meet at
 * the end.
 *
 * <p>Both operands are rounded to eleven bits, so that a product is off by at most {@code 2^-10 sum |w| |x|}, and by what halves
 * lack below 6e-5. Quanta are for {@link TilePlanes}; matrices that neither reads are decoded first.
 */
final class TileMatMul {
    static final int GROUP = 256;
    static final int WARPS = GROUP / WarpMatMul.WARP;
    /** Matrix rows of an operand. */
    static final int TALL = 16;
    /** Most tiles of x for which a group has one operand's rows. */
    static final int FEW = 2;
    /** Steps of a part with few tiles and with many. */
    static final int FEW_DEEP = 32;
    static final int MANY_DEEP = 8;
    /** Ints of half of an operand's step: 16 rows of eight columns, and a gap so that banks of local memory differ. */
    static final int CHUNK = 68;
    /** Ints of a step of one operand and of two, with a gap for the same reason. */
    static final int LARGE = 2 * CHUNK;
    static final int LARGER = 296;
    /** Bytes of an operand's step, and of a tile of x. */
    static final int OPERAND = 4 * LARGE;
    static final int TILE = 256;
    /**
     * Floats in front of what is stored through a view of a local array. With them every local array here takes a multiple of 16
     * bytes, so that all start at one: rows of an operand have to.
     */
    static final int HEADER = 4;
    /** Columns of sums, and one for the banks again: two tiles, or half of them at a time. */
    static final int FEW_LINE = 17;
    static final int MANY_LINE = 33;

    /** A decoded matrix, of one layer only; other stores are those of {@link WarpMatMul}. */
    private static final int DECODED = 0;

    private TileMatMul() {}

    /** kind: see {@link MatMul}; outs: numbers of a row of y. x is what {@link TileRows} left. */
    static void record(Tape tape, String name, Region y, Bank w, int outs, int kind) {
        int tiles = TileRows.tiles(tape.frame()), each = (tiles > FEW ? 2 : 1) * TALL / (kind == MatMul.SWIGLU ? 2 : 1);
        Grid grid = Grid.fixed((outs + each - 1) / each, GROUP);
        if (w.planes() == null) record(tape, name, grid, y, w, tiles, kind);
        else TilePlanes.record(tape, name, grid, y, w, tiles, kind);
    }

    private static void record(Tape tape, String name, Grid grid, Region y, Bank w, int tiles, int kind) {
        Frame f = tape.frame();
        boolean whole = w.experts() == 1 && (w.format() == Format.F16 || w.format() == Format.BF16) && WarpMatMul.reads(f, w);
        LibraryScratch scratch = f.scratch();
        if (!whole) {
            scratch.needWeights(w.rows(), w.cols());
            LibraryWeights.record(tape, scratch.weights(), w);
        }
        long matrix = whole ? WarpMatMul.matrix(w) : Pair.of(w.rows(), Pair.small(LibraryScratch.FIRST_HALF, w.cols()));
        int how = (whole ? WarpMatMul.store(w) : DECODED) | kind << 2 | tiles << 4;
        if (tiles > FEW)
            tape.add(name, grid, (g, id) -> WarpMatMul.ready(g).task(id, TileMatMul::kMany, f.context(), f.arena(), f.step(), f.layer(), scratch.pairs(),
                    scratch.factors(), whole ? WarpMatMul.halves(w) : scratch.weights(), WarpMatMul.longs(w), matrix, Place.of(y), how));
        else
            tape.add(name, grid, (g, id) -> WarpMatMul.ready(g).task(id, TileMatMul::kFew, f.context(), f.arena(), f.step(), f.layer(), scratch.pairs(),
                    scratch.factors(), whole ? WarpMatMul.halves(w) : scratch.weights(), WarpMatMul.longs(w), matrix, Place.of(y), how));
    }

    /** One or two tiles of x: a warp has four steps of a part to itself. */
    static void kFew(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray packed, FloatArray factors,
                     HalfFloatArray halves, LongArray longs, long matrix, long y, int how) {
        int rows = Pair.first(matrix), units = Pair.smallSecond(Pair.second(matrix)) >> 2, store = how & 3, kind = how >> 2 & 3, tiles = how >> 4;
        int outs = kind == MatMul.SWIGLU ? rows >> 1 : rows, each = kind == MatMul.SWIGLU ? TALL / 2 : TALL, alive = step.get(StepArray.ROWS);
        if (alive < 1) return;
        int[] weights = context.allocateIntLocalArray(FEW_DEEP * LARGE);
        int[] operands = context.allocateIntLocalArray(FEW_DEEP * FEW * TileRows.SMALL);
        float[] sums = context.allocateFloatLocalArray(HEADER + WARPS * TALL * FEW_LINE);
        FloatArray behind = (FloatArray) (Object) sums;
        int item = context.localIdx, warp = item / WarpMatMul.WARP, first = context.groupIdx * each, base = layer.get(0) * rows;
        if (store == DECODED) base = 0;
        int lead = lead(store, matrix);
        int u = item & 127, r = item >> 7, to = (u >> 2) * LARGE + place(r, u & 3), at = TornadoMath.min(u, units - 1);
        int used = (units >> 2) * tiles * TileRows.SMALL, slices = 8 * tiles, from = item;
        long[] w = new long[8];
        int[] xs = new int[8 * FEW];
        for (int i = 0; i < 8; i++) w[i] = raw(store, longs, lead + (base + row(kind, first, r + 2 * i, each, outs)) * units + at);
        for (int i = 0; i < slices; i++) xs[i] = x(packed, from + i * GROUP, used);
        float[] f0 = context.mmaFragment(0f), f1 = context.mmaFragment(0f);
        int k = 4 * warp * LARGE * 4 + spread(item), n = 4 * warp * tiles * TILE;
        for (int part = 0; part < units; part += 128) {
            for (int i = 0; i < 8; i++) {
                int unit = lead + (base + row(kind, first, r + 2 * i, each, outs)) * units + at;
                weights[to + 8 * i] = pair(store, (int) w[i], halves, 2 * unit);
                weights[to + 8 * i + 1] = pair(store, (int) (w[i] >> 32), halves, 2 * unit + 1);
            }
            for (int i = 0; i < slices; i++) operands[item + i * GROUP] = from + i * GROUP < used ? xs[i] : 0;
            context.localBarrier();
            at = TornadoMath.min(part + 128 + u, units - 1);
            from += slices * GROUP;
            for (int i = 0; i < 8; i++) w[i] = raw(store, longs, lead + (base + row(kind, first, r + 2 * i, each, outs)) * units + at);
            for (int i = 0; i < slices; i++) xs[i] = x(packed, from + i * GROUP, used);
            for (int s = 0; s < 4; s++) {
                HalfFloat[] numbers = context.mmaLoadA(weights, 16, k + s * LARGE * 4);
                f0 = context.mma(numbers, context.mmaLoadB(operands, 16, n + s * tiles * TILE), f0, MMAShape.M16N8K16);
                if (tiles > 1) f1 = context.mma(numbers, context.mmaLoadB(operands, 16, n + s * tiles * TILE + TILE), f1, MMAShape.M16N8K16);
            }
            context.localBarrier();
        }
        context.mmaStore(f0, behind, warp * TALL, 0, FEW_LINE);
        if (tiles > 1) context.mmaStore(f1, behind, warp * TALL, TileRows.SIDE, FEW_LINE);
        context.localBarrier();
        int mine = item % each, column = item / each, parts = column < alive && first + mine < outs ? WARPS : 0;
        float value = 0, second = 0;
        for (int i = 0; i < parts; i++) value += sums[HEADER + (i * TALL + mine) * FEW_LINE + column];
        if (kind == MatMul.SWIGLU) for (int i = 0; i < parts; i++) second += sums[HEADER + (i * TALL + TALL / 2 + mine) * FEW_LINE + column];
        if (parts > 0) {
            float factor = factors.get(column);
            MatMul.write(arena, Place.start(y, column) + first + mine, factor * value, factor * second, kind);
        }
    }

    /** Eight tiles of x: a warp has half of them, and two steps of a part, with two operands of the matrix. */
    static void kMany(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray packed, FloatArray factors,
                      HalfFloatArray halves, LongArray longs, long matrix, long y, int how) {
        int rows = Pair.first(matrix), units = Pair.smallSecond(Pair.second(matrix)) >> 2, store = how & 3, kind = how >> 2 & 3;
        int outs = kind == MatMul.SWIGLU ? rows >> 1 : rows, each = kind == MatMul.SWIGLU ? TALL : 2 * TALL, alive = step.get(StepArray.ROWS);
        if (alive < 1) return;
        int[] weights = context.allocateIntLocalArray(MANY_DEEP * LARGER);
        int[] operands = context.allocateIntLocalArray(MANY_DEEP * TileRows.MOST_TILES * TileRows.SMALL);
        float[] sums = context.allocateFloatLocalArray(HEADER + WARPS / 2 * 2 * TALL * MANY_LINE);
        FloatArray behind = (FloatArray) (Object) sums;
        int item = context.localIdx, half = item / WarpMatMul.WARP & 1, quarter = item / (2 * WarpMatMul.WARP), first = context.groupIdx * each;
        int base = layer.get(0) * rows, used = (units >> 2) * TileRows.MOST_TILES * TileRows.SMALL, from = item;
        if (store == DECODED) base = 0;
        int lead = lead(store, matrix);
        int u = item & 31, r = item >> 5, to = (u >> 2) * LARGER + place(r, u & 3), at = TornadoMath.min(u, units - 1);
        long[] w = new long[4];
        int[] xs = new int[2 * TileRows.MOST_TILES];
        for (int i = 0; i < 4; i++) w[i] = raw(store, longs, lead + (base + row(kind, first, r + 8 * i, each, outs)) * units + at);
        for (int i = 0; i < 2 * TileRows.MOST_TILES; i++) xs[i] = x(packed, from + i * GROUP, used);
        float[] f0 = context.mmaFragment(0f), f1 = context.mmaFragment(0f), f2 = context.mmaFragment(0f), f3 = context.mmaFragment(0f);
        float[] g0 = context.mmaFragment(0f), g1 = context.mmaFragment(0f), g2 = context.mmaFragment(0f), g3 = context.mmaFragment(0f);
        for (int part = 0; part < units; part += 32) {
            for (int i = 0; i < 4; i++) {
                int unit = lead + (base + row(kind, first, r + 8 * i, each, outs)) * units + at, place = to + (i >> 1) * LARGE + (i & 1) * 32;
                weights[place] = pair(store, (int) w[i], halves, 2 * unit);
                weights[place + 1] = pair(store, (int) (w[i] >> 32), halves, 2 * unit + 1);
            }
            for (int i = 0; i < 2 * TileRows.MOST_TILES; i++) operands[item + i * GROUP] = from + i * GROUP < used ? xs[i] : 0;
            context.localBarrier();
            at = TornadoMath.min(part + 32 + u, units - 1);
            from += 2 * TileRows.MOST_TILES * GROUP;
            for (int i = 0; i < 4; i++) w[i] = raw(store, longs, lead + (base + row(kind, first, r + 8 * i, each, outs)) * units + at);
            for (int i = 0; i < 2 * TileRows.MOST_TILES; i++) xs[i] = x(packed, from + i * GROUP, used);
            for (int s = 0; s < 2; s++) {
                int k = (2 * quarter + s) * LARGER * 4 + spread(item), n = ((2 * quarter + s) * TileRows.MOST_TILES + 4 * half) * TILE;
                HalfFloat[] a0 = context.mmaLoadA(weights, 16, k), a1 = context.mmaLoadA(weights, 16, k + OPERAND);
                HalfFloat[] b0 = context.mmaLoadB(operands, 16, n), b1 = context.mmaLoadB(operands, 16, n + TILE);
                HalfFloat[] b2 = context.mmaLoadB(operands, 16, n + 2 * TILE), b3 = context.mmaLoadB(operands, 16, n + 3 * TILE);
                f0 = context.mma(a0, b0, f0, MMAShape.M16N8K16);
                g0 = context.mma(a1, b0, g0, MMAShape.M16N8K16);
                f1 = context.mma(a0, b1, f1, MMAShape.M16N8K16);
                g1 = context.mma(a1, b1, g1, MMAShape.M16N8K16);
                f2 = context.mma(a0, b2, f2, MMAShape.M16N8K16);
                g2 = context.mma(a1, b2, g2, MMAShape.M16N8K16);
                f3 = context.mma(a0, b3, f3, MMAShape.M16N8K16);
                g3 = context.mma(a1, b3, g3, MMAShape.M16N8K16);
            }
            context.localBarrier();
        }
        for (int turn = 0; turn < 2; turn++) {
            if (turn == 0) {
                context.mmaStore(f0, behind, quarter * 32, half * 16, MANY_LINE);
                context.mmaStore(f1, behind, quarter * 32, half * 16 + TileRows.SIDE, MANY_LINE);
                context.mmaStore(g0, behind, quarter * 32 + TALL, half * 16, MANY_LINE);
                context.mmaStore(g1, behind, quarter * 32 + TALL, half * 16 + TileRows.SIDE, MANY_LINE);
            } else {
                context.mmaStore(f2, behind, quarter * 32, half * 16, MANY_LINE);
                context.mmaStore(f3, behind, quarter * 32, half * 16 + TileRows.SIDE, MANY_LINE);
                context.mmaStore(g2, behind, quarter * 32 + TALL, half * 16, MANY_LINE);
                context.mmaStore(g3, behind, quarter * 32 + TALL, half * 16 + TileRows.SIDE, MANY_LINE);
            }
            context.localBarrier();
            for (int o = item; o < each * 32; o += GROUP) {
                int mine = o % each, c = o / each, column = (c >> 4) * 32 + turn * 16 + (c & 15), s = HEADER + mine * MANY_LINE + c;
                float value = sums[s] + sums[s + 32 * MANY_LINE] + sums[s + 64 * MANY_LINE] + sums[s + 96 * MANY_LINE], second = 0;
                int t = s + TALL * MANY_LINE;
                if (kind == MatMul.SWIGLU) second = sums[t] + sums[t + 32 * MANY_LINE] + sums[t + 64 * MANY_LINE] + sums[t + 96 * MANY_LINE];
                if (column < alive && first + mine < outs) {
                    float factor = factors.get(column);
                    MatMul.write(arena, Place.start(y, column) + first + mine, factor * value, factor * second, kind);
                }
            }
            context.localBarrier();
        }
    }

    /** Units of four numbers in front of the first layer's matrix. */
    private static int lead(int store, long matrix) {
        int at = Pair.smallFirst(Pair.second(matrix));
        return store == WarpMatMul.LONGS ? at : at >> 2;
    }

    /** The matrix row that is number r of the group; there are {@code most} outputs. */
    static int row(int kind, int first, int r, int most, int outs) {
        int out = first + r;
        if (kind == MatMul.SWIGLU && r >= most) out = first + r - most;
        int row = TornadoMath.min(out, outs - 1);
        if (kind == MatMul.SWIGLU && r >= most) row += outs;
        return row;
    }

    /** Where the ints of columns 4 unit to 4 unit + 3 of a row of an operand is: eight columns of 16 rows lie together, which are read at once. */
    static int place(int row, int unit) {
        return (row >> 4) * LARGE + (unit >> 1) * CHUNK + 4 * (row & 15) + 2 * (unit & 1);
    }

    /** Bytes between where a work-item's row of an operand is by the definition of {@code mmaLoadA} and where {@link #place} has it. */
    static int spread(int item) {
        return (item >> 4 & 1) * (4 * CHUNK - 16) - (item & 15) * 16;
    }

    /** An int of x, or the last one that there is. */
    static int x(IntArray packed, int at, int used) {
        return packed.get(TornadoMath.min(at, used - 1));
    }

    /** Four numbers as they are stored in longs. */
    private static long raw(int store, LongArray longs, int unit) {
        long four = 0;
        if (store == WarpMatMul.LONGS) four = longs.get(unit);
        return four;
    }

    /** Two numbers as halves: those of half a long, or pair number {@code at} of another store. */
    private static int pair(int store, int numbers, HalfFloatArray halves, int at) {
        int pair = 0;
        if (store == WarpMatMul.LONGS) pair = Pair.halves(BFloat16.bf16ToFloat((short) numbers), BFloat16.bf16ToFloat((short) (numbers >> 16)));
        if (store != WarpMatMul.LONGS) {
            Half2 both = halves.getHalf2(2 * at);
            pair = Pair.halves(Half2.lowFloat(both), Half2.highFloat(both));
        }
        return pair;
    }
}
