package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;

/**
 * Products of 2 to 64 rows with quantised matrices in {@link Planes}, as {@link TileMatMul} has them for others: quanta are made halves of
 * their numbers on the way to local memory, eight of a strip at a time. Scales are in the halves, the gain is not.
 */
final class TilePlanes {
    private static final int GROUP = TileMatMul.GROUP;
    private static final int WARPS = TileMatMul.WARPS;
    private static final int TALL = TileMatMul.TALL;
    private static final int FEW = TileMatMul.FEW;
    private static final int FEW_DEEP = TileMatMul.FEW_DEEP;
    private static final int MANY_DEEP = TileMatMul.MANY_DEEP;
    private static final int LARGE = TileMatMul.LARGE;
    private static final int LARGER = TileMatMul.LARGER;
    private static final int OPERAND = TileMatMul.OPERAND;
    private static final int TILE = TileMatMul.TILE;
    private static final int HEADER = TileMatMul.HEADER;
    private static final int FEW_LINE = TileMatMul.FEW_LINE;
    private static final int MANY_LINE = TileMatMul.MANY_LINE;

    private TilePlanes() {}

    static void record(Tape tape, String name, Grid grid, Region y, Bank w, int tiles, int kind) {
        Frame f = tape.frame();
        LongArray quanta = (LongArray) w.array();
        long matrix = Pair.of(w.rows(), w.cols());
        int how = Pair.small(Planes.layout(w.format()), kind | tiles << 4);
        if (tiles > FEW)
            tape.add(name, grid, (g, id) -> g.task(id, TilePlanes::kMany, f.context(), f.arena(), f.step(), f.layer(), f.scratch().pairs(),
                    f.scratch().factors(), quanta, w.planes().scales(), w.planes().gain(), matrix, Place.of(y), how));
        else
            tape.add(name, grid, (g, id) -> g.task(id, TilePlanes::kFew, f.context(), f.arena(), f.step(), f.layer(), f.scratch().pairs(),
                    f.scratch().factors(), quanta, w.planes().scales(), w.planes().gain(), matrix, Place.of(y), how));
    }

    /** One or two tiles of x: a warp has four steps of a part to itself. */
    static void kFew(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray packed, FloatArray factors,
                     LongArray quanta, HalfFloatArray scales, float gain, long matrix, long y, int how) {
        int rows = Pair.first(matrix), cols = Pair.second(matrix), strips = cols >> 4, layout = Pair.smallFirst(how), kind = Pair.smallSecond(how) & 3;
        int tiles = Pair.smallSecond(how) >> 4, alive = step.get(StepArray.ROWS);
        int outs = kind == MatMul.SWIGLU ? rows >> 1 : rows, each = kind == MatMul.SWIGLU ? TALL / 2 : TALL;
        if (alive < 1) return;
        int[] weights = context.allocateIntLocalArray(FEW_DEEP * LARGE);
        int[] operands = context.allocateIntLocalArray(FEW_DEEP * FEW * TileRows.SMALL);
        float[] sums = context.allocateFloatLocalArray(HEADER + WARPS * TALL * FEW_LINE);
        FloatArray behind = (FloatArray) (Object) sums;
        int item = context.localIdx, warp = item / WarpMatMul.WARP, first = context.groupIdx * each, base = layer.get(0) * rows;
        int s = item & 3 | (item >> 3 & 7) << 2, h = item >> 6 & 1, r = (item >> 7) * 2 + (item >> 2 & 1), to = s * LARGE + TileMatMul.place(r, 2 * h);
        int longs = Planes.rowLongs(layout, cols), halves = Planes.rowScales(layout, cols), at = TornadoMath.min(s, strips - 1);
        int used = strips * tiles * TileRows.SMALL, slices = 8 * tiles, from = item;
        long[] w = new long[4];
        int[] high = new int[4];
        float[] d = new float[4];
        float[] m = new float[4];
        int[] xs = new int[8 * FEW];
        for (int i = 0; i < 4; i++) {
            int number = base + TileMatMul.row(kind, first, r + 4 * i, each, outs);
            w[i] = low(layout, quanta, number * longs, strips, at, h);
            high[i] = Planes.high(layout, quanta, number * longs, strips, at);
            d[i] = Planes.scale(layout, scales, number * halves, at);
            m[i] = Planes.minimum(layout, scales, number * halves, at);
        }
        for (int i = 0; i < slices; i++) xs[i] = TileMatMul.x(packed, from + i * GROUP, used);
        float[] f0 = context.mmaFragment(0f), f1 = context.mmaFragment(0f);
        int k = 4 * warp * LARGE * 4 + TileMatMul.spread(item), n = 4 * warp * tiles * TILE;
        for (int part = 0; part < strips; part += FEW_DEEP) {
            for (int i = 0; i < 4; i++) {
                int low = Planes.four(layout, w[i], w[i], high[i], 2 * h), other = Planes.four(layout, w[i], w[i], high[i], 2 * h + 1), place = to + 16 * i;
                float less = m[i] + d[i] * Planes.bias(layout);
                weights[place] = pair(low, 0, d[i], less);
                weights[place + 1] = pair(low, 16, d[i], less);
                weights[place + 2] = pair(other, 0, d[i], less);
                weights[place + 3] = pair(other, 16, d[i], less);
            }
            for (int i = 0; i < slices; i++) operands[item + i * GROUP] = from + i * GROUP < used ? xs[i] : 0;
            context.localBarrier();
            at = TornadoMath.min(part + FEW_DEEP + s, strips - 1);
            from += slices * GROUP;
            for (int i = 0; i < 4; i++) {
                int number = base + TileMatMul.row(kind, first, r + 4 * i, each, outs);
                w[i] = low(layout, quanta, number * longs, strips, at, h);
                high[i] = Planes.high(layout, quanta, number * longs, strips, at);
                d[i] = Planes.scale(layout, scales, number * halves, at);
                m[i] = Planes.minimum(layout, scales, number * halves, at);
            }
            for (int i = 0; i < slices; i++) xs[i] = TileMatMul.x(packed, from + i * GROUP, used);
            for (int t = 0; t < 4; t++) {
                HalfFloat[] numbers = context.mmaLoadA(weights, 16, k + t * LARGE * 4);
                f0 = context.mma(numbers, context.mmaLoadB(operands, 16, n + t * tiles * TILE), f0, MMAShape.M16N8K16);
                if (tiles > 1) f1 = context.mma(numbers, context.mmaLoadB(operands, 16, n + t * tiles * TILE + TILE), f1, MMAShape.M16N8K16);
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
            float factor = gain * factors.get(column);
            MatMul.write(arena, Place.start(y, column) + first + mine, factor * value, factor * second, kind);
        }
    }

    /** Eight tiles of x: a warp has half of them, and two steps of a part, with two operands of the matrix. */
    static void kMany(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray packed, FloatArray factors,
                      LongArray quanta, HalfFloatArray scales, float gain, long matrix, long y, int how) {
        int rows = Pair.first(matrix), cols = Pair.second(matrix), strips = cols >> 4, layout = Pair.smallFirst(how), kind = Pair.smallSecond(how) & 3;
        int outs = kind == MatMul.SWIGLU ? rows >> 1 : rows, each = kind == MatMul.SWIGLU ? TALL : 2 * TALL, alive = step.get(StepArray.ROWS);
        if (alive < 1) return;
        int[] weights = context.allocateIntLocalArray(MANY_DEEP * LARGER);
        int[] operands = context.allocateIntLocalArray(MANY_DEEP * TileRows.MOST_TILES * TileRows.SMALL);
        float[] sums = context.allocateFloatLocalArray(HEADER + WARPS / 2 * 2 * TALL * MANY_LINE);
        FloatArray behind = (FloatArray) (Object) sums;
        int item = context.localIdx, half = item / WarpMatMul.WARP & 1, quarter = item / (2 * WarpMatMul.WARP), first = context.groupIdx * each;
        int base = layer.get(0) * rows, used = strips * TileRows.MOST_TILES * TileRows.SMALL, from = item;
        int s = item & 3 | (item >> 3 & 1) << 2, h = item >> 4 & 1, r = (item >> 5) * 2 + (item >> 2 & 1), to = s * LARGER + TileMatMul.place(r, 2 * h);
        int longs = Planes.rowLongs(layout, cols), halves = Planes.rowScales(layout, cols), at = TornadoMath.min(s, strips - 1);
        long[] w = new long[2];
        int[] high = new int[2];
        float[] d = new float[2];
        float[] m = new float[2];
        int[] xs = new int[2 * TileRows.MOST_TILES];
        for (int i = 0; i < 2; i++) {
            int number = base + TileMatMul.row(kind, first, r + 16 * i, each, outs);
            w[i] = low(layout, quanta, number * longs, strips, at, h);
            high[i] = Planes.high(layout, quanta, number * longs, strips, at);
            d[i] = Planes.scale(layout, scales, number * halves, at);
            m[i] = Planes.minimum(layout, scales, number * halves, at);
        }
        for (int i = 0; i < 2 * TileRows.MOST_TILES; i++) xs[i] = TileMatMul.x(packed, from + i * GROUP, used);
        float[] f0 = context.mmaFragment(0f), f1 = context.mmaFragment(0f), f2 = context.mmaFragment(0f), f3 = context.mmaFragment(0f);
        float[] g0 = context.mmaFragment(0f), g1 = context.mmaFragment(0f), g2 = context.mmaFragment(0f), g3 = context.mmaFragment(0f);
        for (int part = 0; part < strips; part += MANY_DEEP) {
            for (int i = 0; i < 2; i++) {
                int low = Planes.four(layout, w[i], w[i], high[i], 2 * h), other = Planes.four(layout, w[i], w[i], high[i], 2 * h + 1), place = to + LARGE * i;
                float less = m[i] + d[i] * Planes.bias(layout);
                weights[place] = pair(low, 0, d[i], less);
                weights[place + 1] = pair(low, 16, d[i], less);
                weights[place + 2] = pair(other, 0, d[i], less);
                weights[place + 3] = pair(other, 16, d[i], less);
            }
            for (int i = 0; i < 2 * TileRows.MOST_TILES; i++) operands[item + i * GROUP] = from + i * GROUP < used ? xs[i] : 0;
            context.localBarrier();
            at = TornadoMath.min(part + MANY_DEEP + s, strips - 1);
            from += 2 * TileRows.MOST_TILES * GROUP;
            for (int i = 0; i < 2; i++) {
                int number = base + TileMatMul.row(kind, first, r + 16 * i, each, outs);
                w[i] = low(layout, quanta, number * longs, strips, at, h);
                high[i] = Planes.high(layout, quanta, number * longs, strips, at);
                d[i] = Planes.scale(layout, scales, number * halves, at);
                m[i] = Planes.minimum(layout, scales, number * halves, at);
            }
            for (int i = 0; i < 2 * TileRows.MOST_TILES; i++) xs[i] = TileMatMul.x(packed, from + i * GROUP, used);
            for (int t = 0; t < 2; t++) {
                int k = (2 * quarter + t) * LARGER * 4 + TileMatMul.spread(item), n = ((2 * quarter + t) * TileRows.MOST_TILES + 4 * half) * TILE;
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
                int mine = o % each, c = o / each, column = (c >> 4) * 32 + turn * 16 + (c & 15), i = HEADER + mine * MANY_LINE + c;
                float value = sums[i] + sums[i + 32 * MANY_LINE] + sums[i + 64 * MANY_LINE] + sums[i + 96 * MANY_LINE], second = 0;
                int j = i + TALL * MANY_LINE;
                if (kind == MatMul.SWIGLU) second = sums[j] + sums[j + 32 * MANY_LINE] + sums[j + 64 * MANY_LINE] + sums[j + 96 * MANY_LINE];
                if (column < alive && first + mine < outs) {
                    float factor = gain * factors.get(column);
                    MatMul.write(arena, Place.start(y, column) + first + mine, factor * value, factor * second, kind);
                }
            }
            context.localBarrier();
        }
    }

    /** The long with numbers 8 h to 8 h + 7 of a strip, or their low bits. */
    private static long low(int layout, LongArray quanta, int row, int strips, int s, int h) {
        int plane = 0;
        if ((layout & 15) == 8) plane = h * strips;
        return quanta.get(row + plane + s);
    }

    /** Two of four quanta, from a bit on, as halves of their numbers without the gain. */
    private static int pair(int quanta, int bit, float d, float minimum) {
        return Pair.halves(d * (quanta << 24 - bit >> 24) - minimum, d * (quanta << 16 - bit >> 24) - minimum);
    }
}
