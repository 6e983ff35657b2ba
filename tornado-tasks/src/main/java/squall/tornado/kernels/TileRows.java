package squall.tornado.kernels;

import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.LibraryScratch;
import squall.tornado.Region;
import squall.tornado.Small;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Two to 64 rows as operands of {@link TileMatMul}: halves of x divided by a factor of the row, as {@link LibraryRows} has them for cuBLAS
 * and for the same reasons, but in the order in which tensor cores want them.
 * <pre>
 * int (step * tiles + tile) * 64 + 4 k + p: column 16 step + k of rows 8 tile + 2 p and the next
 * </pre>
 * A group has four rows, so that it writes whole ints; a quarter of its work-items looks for the largest number of each.
 * Rows that are not alive are zeros.
 */
final class TileRows {
    /** Rows of x of a tile. */
    static final int SIDE = 8;
    /** Columns of a step. */
    static final int STEP = 16;
    static final int MOST_TILES = 8;
    /** Ints of a step of a tile. */
    static final int SMALL = 64;
    private static final int FOUR = 4;
    /** Work-items of a row, and of a group. */
    private static final int TEAM = 128;
    private static final int GROUP = FOUR * TEAM;

    private TileRows() {}

    /** Whether rows of that width are multiplied by tiles, whatever the matrix. */
    static boolean serves(Frame f, int width) {
        Traits t = f.traits();
        return t.shape() == Traits.Shape.WARPS && !t.precise() && !t.brains() && f.maxRows() > 1 && f.maxRows() <= SIDE * MOST_TILES && width % STEP == 0;
    }

    /** Tiles of a recording: one or two, or as many as there can be. */
    static int tiles(Frame f) {
        return f.maxRows() > 2 * SIDE ? MOST_TILES : (f.maxRows() + SIDE - 1) / SIDE;
    }

    /** {@code rows[r] = x[r] / factor[r]} */
    static void record(Tape tape, Region x) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, x.width());
        tape.add("halve", grid(f), (g, id) -> g.task(id, TileRows::kHalve, f.context(), f.arena(), f.step(), to.pairs(), to.factors(), Place.of(x),
                Pair.of(x.width(), tiles(f))));
    }

    /** {@code rows[r] = w * x[r] / sqrt(mean(x[r]^2) + eps) / factor[r]} */
    static void recordNorm(Tape tape, Region x, Small w, float eps) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, x.width());
        tape.add("normHalve", grid(f), (g, id) -> g.task(id, TileRows::kNormHalve, f.context(), f.arena(), f.step(), f.layer(), w.array(),
                Pair.of(w.layerStride(), w.at()), to.pairs(), to.factors(), Place.of(x), Pair.of(x.width(), tiles(f)), eps));
    }

    /** {@code rows[r] = rmsNorm(y[r]) * silu(z[r]) / factor[r]}, the norm by heads of {@code w.size} numbers. */
    static void recordGatedNorm(Tape tape, Region y, Region z, Small w, float eps) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, y.width());
        tape.add("gatedNormHalve", grid(f), (g, id) -> g.task(id, TileRows::kGatedNormHalve, f.context(), f.arena(), f.step(), f.layer(), w.array(),
                Pair.of(w.layerStride(), w.at()), to.pairs(), to.factors(), Place.of(y), Place.of(z), Pair.of(w.size(), tiles(f)), y.width() / w.size(), eps));
    }

    private static Grid grid(Frame f) {
        return Grid.fixed(SIDE / FOUR * tiles(f), GROUP);
    }

    private static LibraryScratch scratch(Frame f, int width) {
        f.scratch().needPairs(f.maxRows(), width / STEP * tiles(f) * SMALL);
        return f.scratch();
    }

    static void kHalve(KernelContext context, FloatArray arena, IntArray step, IntArray packed, FloatArray factors, long x, long sizes) {
        float[] largest = context.allocateFloatLocalArray(GROUP);
        int width = Pair.first(sizes), tiles = Pair.second(sizes), alive = step.get(StepArray.ROWS), four = context.groupIdx;
        int item = context.localIdx, lane = item % TEAM, row = FOUR * four + item / TEAM, size = row < alive ? width : 0;
        int from = Place.start(x, row);
        float most = 0f;
        for (int i = lane; i < size; i += TEAM) {
            float v = TornadoMath.abs(arena.get(from + i));
            most = v > most ? v : most;
        }
        largest[item] = most;
        context.localBarrier();
        for (int half = TEAM / 2; half > 0; half >>= 1) {
            if (lane < half) largest[item] = TornadoMath.max(largest[item], largest[item + half]);
            context.localBarrier();
        }
        float s0 = LibraryRows.scale(largest[0]), s1 = LibraryRows.scale(largest[TEAM]), s2 = LibraryRows.scale(largest[2 * TEAM]), s3 = LibraryRows.scale(largest[3 * TEAM]);
        if (lane == 0 && size > 0) factors.set(row, 1f / LibraryRows.scale(largest[item]));
        int end = alive > 0 ? width : 0;
        for (int i = item; i < end; i += GROUP) {
            int to = at(four, tiles, i);
            packed.set(to, Pair.halves(s0 * x(arena, x, FOUR * four, alive, i), s1 * x(arena, x, FOUR * four + 1, alive, i)));
            packed.set(to + 1, Pair.halves(s2 * x(arena, x, FOUR * four + 2, alive, i), s3 * x(arena, x, FOUR * four + 3, alive, i)));
        }
    }

    static void kNormHalve(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights, long weightsAt, IntArray packed,
                           FloatArray factors, long x, long sizes, float eps) {
        float[] largest = context.allocateFloatLocalArray(GROUP);
        float[] sums = context.allocateFloatLocalArray(GROUP);
        int width = Pair.first(sizes), tiles = Pair.second(sizes), alive = step.get(StepArray.ROWS), four = context.groupIdx;
        int item = context.localIdx, lane = item % TEAM, row = FOUR * four + item / TEAM, size = row < alive ? width : 0;
        int from = Place.start(x, row), w = layer.get(0) * Pair.first(weightsAt) + Pair.second(weightsAt);
        float most = 0f, sum = 0f;
        for (int i = lane; i < size; i += TEAM) {
            float v = arena.get(from + i), weighted = TornadoMath.abs(weights.get(w + i) * v);
            sum += v * v;
            most = weighted > most ? weighted : most;
        }
        largest[item] = most;
        sums[item] = sum;
        context.localBarrier();
        for (int half = TEAM / 2; half > 0; half >>= 1) {
            if (lane < half) {
                largest[item] = TornadoMath.max(largest[item], largest[item + half]);
                sums[item] += sums[item + half];
            }
            context.localBarrier();
        }
        float s0 = LibraryRows.scale(largest[0]), s1 = LibraryRows.scale(largest[TEAM]), s2 = LibraryRows.scale(largest[2 * TEAM]), s3 = LibraryRows.scale(largest[3 * TEAM]);
        if (lane == 0 && size > 0) factors.set(row, 1f / (LibraryRows.scale(largest[item]) * TornadoMath.sqrt(sums[item] / width + eps)));
        int end = alive > 0 ? width : 0;
        for (int i = item; i < end; i += GROUP) {
            float v = weights.get(w + i);
            int to = at(four, tiles, i);
            packed.set(to, Pair.halves(s0 * (v * x(arena, x, FOUR * four, alive, i)), s1 * (v * x(arena, x, FOUR * four + 1, alive, i))));
            packed.set(to + 1, Pair.halves(s2 * (v * x(arena, x, FOUR * four + 2, alive, i)), s3 * (v * x(arena, x, FOUR * four + 3, alive, i))));
        }
    }

    /** A warp for each head of its row, in turns; divided by what no product of a largest norm and a largest gate exceeds. */
    static void kGatedNormHalve(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights, long weightsAt,
                                IntArray packed, FloatArray factors, long y, long z, long sizes, int heads, float eps) {
        float[] values = context.allocateFloatLocalArray(GROUP);
        float[] gates = context.allocateFloatLocalArray(GROUP);
        float[] norms = context.allocateFloatLocalArray(FOUR * LibraryRows.MOST_HEADS);
        int dim = Pair.first(sizes), tiles = Pair.second(sizes), alive = step.get(StepArray.ROWS), four = context.groupIdx;
        int item = context.localIdx, lane = item % TEAM, r = item / TEAM, row = FOUR * four + r, inWarp = item % WarpMatMul.WARP;
        int size = row < alive ? heads : 0, from = Place.start(y, row), gated = Place.start(z, row);
        int w = layer.get(0) * Pair.first(weightsAt) + Pair.second(weightsAt);
        float value = 0f, gate = 0f;
        for (int head = lane / WarpMatMul.WARP; head < size; head += TEAM / WarpMatMul.WARP) {
            float sum = 0f, most = 0f;
            for (int i = inWarp; i < dim; i += WarpMatMul.WARP) {
                float v = arena.get(from + head * dim + i), weighted = TornadoMath.abs(weights.get(w + i) * v);
                float g = TornadoMath.abs(arena.get(gated + head * dim + i));
                sum += v * v;
                most = weighted > most ? weighted : most;
                gate = g > gate ? g : gate;
            }
            float norm = 1f / TornadoMath.sqrt(context.simdSum(sum) / dim + eps);
            if (inWarp == 0) norms[r * LibraryRows.MOST_HEADS + head] = norm;
            value = most * norm > value ? most * norm : value;
        }
        values[item] = value;
        gates[item] = gate;
        context.localBarrier();
        for (int half = TEAM / 2; half > 0; half >>= 1) {
            if (lane < half) {
                values[item] = TornadoMath.max(values[item], values[item + half]);
                gates[item] = TornadoMath.max(gates[item], gates[item + half]);
            }
            context.localBarrier();
        }
        float s0 = LibraryRows.scale(values[0] * gates[0]), s1 = LibraryRows.scale(values[TEAM] * gates[TEAM]), s2 = LibraryRows.scale(values[2 * TEAM] * gates[2 * TEAM]);
        float s3 = LibraryRows.scale(values[3 * TEAM] * gates[3 * TEAM]);
        if (lane == 0 && size > 0) factors.set(row, 1f / LibraryRows.scale(values[item] * gates[item]));
        int end = alive > 0 ? heads * dim : 0, left = alive - FOUR * four;
        for (int i = item; i < end; i += GROUP) {
            int head = i / dim;
            float v = weights.get(w + i % dim), a = 0f, b = 0f, c = 0f, d = 0f;
            if (left > 0) a = s0 * norms[head] * v * gatedAt(arena, y, z, FOUR * four, alive, i);
            if (left > 1) b = s1 * norms[LibraryRows.MOST_HEADS + head] * v * gatedAt(arena, y, z, FOUR * four + 1, alive, i);
            if (left > 2) c = s2 * norms[2 * LibraryRows.MOST_HEADS + head] * v * gatedAt(arena, y, z, FOUR * four + 2, alive, i);
            if (left > 3) d = s3 * norms[3 * LibraryRows.MOST_HEADS + head] * v * gatedAt(arena, y, z, FOUR * four + 3, alive, i);
            int to = at(four, tiles, i);
            packed.set(to, Pair.halves(a, b));
            packed.set(to + 1, Pair.halves(c, d));
        }
    }

    /** Number i of a row of y times its gate. */
    private static float gatedAt(FloatArray arena, long y, long z, int row, int alive, int i) {
        return x(arena, y, row, alive, i) * Activation.silu(x(arena, z, row, alive, i));
    }

    /** Number i of a row; zero of one that is not alive. */
    private static float x(FloatArray arena, long x, int row, int alive, int i) {
        float v = arena.get(Place.start(x, TornadoMath.min(row, alive - 1)) + i);
        return row < alive ? v : 0f;
    }

    /** The first int of column i of four rows. */
    private static int at(int four, int tiles, int i) {
        return ((i >> 4) * tiles + (four >> 1)) * SMALL + 4 * (i & STEP - 1) + 2 * (four & 1);
    }
}
