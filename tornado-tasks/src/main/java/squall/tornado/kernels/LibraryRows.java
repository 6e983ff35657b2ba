package squall.tornado.kernels;

import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.LibraryScratch;
import squall.tornado.Region;
import squall.tornado.Small;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Rows as operands of cuBLAS: halves, whose eleven bits are what llama.cpp's products have too. Their range is what floats
 * have and halves lack, so that each row is divided by a factor that makes its largest number {@value #LARGEST} or less: nothing
 * overflows, and numbers lose no digits before they are 2^-28 of that. A product is given its factor back.
 *
 * <p>A group for each row; the largest number meets in a tree. Widths are even.
 */
public final class LibraryRows {
    static final int GROUP = 128;
    /** Where a row is read twice: few groups at a time, so that the second time it comes from the cache. */
    private static final int WIDE = 512;
    private static final int WARP = 32;
    static final int MOST_HEADS = 128;
    private static final float LARGEST = 16384f;

    private LibraryRows() {}

    /** {@code rows[r] = x[r] / factor[r]} */
    public static void record(Tape tape, Region x) {
        Frame f = tape.frame();
        if (f.traits().brains()) {
            BrainRows.record(tape, x);
            return;
        }
        if (TileRows.serves(f, x.width())) {
            TileRows.record(tape, x);
            return;
        }
        LibraryScratch to = scratch(f, x.width());
        tape.add("halve", Grid.perRow(1, GROUP), (g, id) -> g.task(id, LibraryRows::kHalve, f.context(), f.arena(), f.step(), to.rows(),
                to.factors(), Place.of(x), x.width(),
                LibraryScratch.FIRST_HALF));
    }

    /** {@code rows[r] = w * x[r] / sqrt(mean(x[r]^2) + eps) / factor[r]} */
    public static void recordNorm(Tape tape, Region x, Small w, float eps) {
        Frame f = tape.frame();
        if (f.traits().brains()) {
            BrainRows.recordNorm(tape, x, w, eps);
            return;
        }
        if (TileRows.serves(f, x.width())) {
            TileRows.recordNorm(tape, x, w, eps);
            return;
        }
        LibraryScratch to = scratch(f, x.width());
        tape.add("normHalve", Grid.perRow(1, GROUP), (g, id) -> g.task(id, LibraryRows::kNormHalve, f.context(), f.arena(), f.step(), f.layer(),
                w.array(), w.layerStride(), w.at(), to.rows(), to.factors(), Place.of(x), x.width(),
                LibraryScratch.FIRST_HALF, eps));
    }

    /** {@code rows[r] = silu(G) * U / factor[r]}, where the products hold [G | U], of {@code hidden} numbers each. */
    static void recordSwiGlu(Tape tape, int hidden) {
        Frame f = tape.frame();
        if (f.traits().brains()) {
            BrainRows.recordSwiGlu(tape, hidden);
            return;
        }
        LibraryScratch to = scratch(f, hidden);
        tape.add("swiGluHalve", Grid.perRow(1, WIDE), (g, id) -> g.task(id, LibraryRows::kSwiGluHalve, f.context(), f.step(), to.products(),
                to.rows(), to.factors(), hidden, LibraryScratch.FIRST_RESULT, LibraryScratch.FIRST_HALF));
    }

    /** Whether {@link #recordGatedNorm} has room for such heads. */
    public static boolean servesHeads(int heads, int dim) {
        return heads <= MOST_HEADS && dim % 2 == 0 && dim <= BrainRows.MOST;
    }

    /** {@code rows[r] = rmsNorm(y[r]) * silu(z[r]) / factor[r]}, the norm by heads of {@code w.size} numbers. */
    public static void recordGatedNorm(Tape tape, Region y, Region z, Small w, float eps) {
        Frame f = tape.frame();
        if (f.traits().brains()) {
            BrainRows.recordGatedNorm(tape, y, z, w, eps);
            return;
        }
        if (TileRows.serves(f, y.width())) {
            TileRows.recordGatedNorm(tape, y, z, w, eps);
            return;
        }
        LibraryScratch to = scratch(f, y.width());
        tape.add("gatedNormHalve", Grid.perRow(1, WIDE), (g, id) -> g.task(id, LibraryRows::kGatedNormHalve, f.context(), f.arena(), f.step(),
                f.layer(), w.array(), w.layerStride(), w.at(), to.rows(), to.factors(), Place.of(y), Place.of(z), y.width() / w.size(), w.size(),
                LibraryScratch.FIRST_HALF, eps));
    }

    private static LibraryScratch scratch(Frame f, int width) {
        if (width % 2 != 0) throw new IllegalArgumentException("rows of " + width + " numbers; halves come in pairs");
        f.scratch().need(f.maxRows(), width);
        return f.scratch();
    }

    /** first: where the first of the rows is; so in the others. */
    static void kHalve(KernelContext context, FloatArray arena, IntArray step, HalfFloatArray rows, FloatArray factors, long x, int width,
                       int first) {
        float[] largest = context.allocateFloatLocalArray(GROUP);
        int row = context.groupIdx, lane = context.localIdx;
        int size = row < step.get(StepArray.ROWS) ? width : 0;
        int from = Place.start(x, row), to = first + row * width;
        float most = 0f;
        for (int i = lane; i < size; i += GROUP) {
            float v = TornadoMath.abs(arena.get(from + i));
            most = v > most ? v : most;
        }
        largest[lane] = most;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (lane < half) largest[lane] = TornadoMath.max(largest[lane], largest[lane + half]);
            context.localBarrier();
        }
        float scale = scale(largest[0]);
        for (int i = 2 * lane; i < size; i += 2 * GROUP)
            rows.setHalf2(to + i, Half2.fromFloats(arena.get(from + i) * scale, arena.get(from + i + 1) * scale));
        if (lane == 0 && size > 0) factors.set(row, 1f / scale);
    }

    static void kNormHalve(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights, int layerStride,
                           int weightAt, HalfFloatArray rows, FloatArray factors, long x, int width, int first, float eps) {
        float[] largest = context.allocateFloatLocalArray(GROUP);
        float[] sums = context.allocateFloatLocalArray(GROUP);
        int row = context.groupIdx, lane = context.localIdx;
        int size = row < step.get(StepArray.ROWS) ? width : 0;
        int from = Place.start(x, row), to = first + row * width, w = layer.get(0) * layerStride + weightAt;
        float most = 0f, sum = 0f;
        for (int i = lane; i < size; i += GROUP) {
            float v = arena.get(from + i), weighted = TornadoMath.abs(weights.get(w + i) * v);
            sum += v * v;
            most = weighted > most ? weighted : most;
        }
        largest[lane] = most;
        sums[lane] = sum;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (lane < half) {
                largest[lane] = TornadoMath.max(largest[lane], largest[lane + half]);
                sums[lane] += sums[lane + half];
            }
            context.localBarrier();
        }
        float scale = scale(largest[0]);
        for (int i = 2 * lane; i < size; i += 2 * GROUP)
            rows.setHalf2(to + i, Half2.fromFloats(weights.get(w + i) * arena.get(from + i) * scale,
                    weights.get(w + i + 1) * arena.get(from + i + 1) * scale));
        if (lane == 0 && size > 0) factors.set(row, 1f / (scale * TornadoMath.sqrt(sums[0] / width + eps)));
    }

    /** The row is divided by what no product of a largest G and a largest U exceeds: halves have exponents to spare. */
    static void kSwiGluHalve(KernelContext context, IntArray step, FloatArray products, HalfFloatArray rows, FloatArray factors, int hidden,
                            int firstResult, int first) {
        float[] gates = context.allocateFloatLocalArray(WIDE);
        float[] ups = context.allocateFloatLocalArray(WIDE);
        int row = context.groupIdx, lane = context.localIdx, alive = step.get(StepArray.ROWS);
        int size = row < alive ? hidden : 0;
        int from = firstResult + row * 2 * hidden, to = first + row * hidden;
        float factor = 1f, gate = 0f, up = 0f;
        if (row < alive) factor = factors.get(row);
        for (int i = lane; i < size; i += WIDE) {
            float g = TornadoMath.abs(products.get(from + i)), u = TornadoMath.abs(products.get(from + hidden + i));
            gate = g > gate ? g : gate;
            up = u > up ? u : up;
        }
        gates[lane] = gate;
        ups[lane] = up;
        context.localBarrier();
        for (int half = WIDE / 2; half > 0; half >>= 1) {
            if (lane < half) {
                gates[lane] = TornadoMath.max(gates[lane], gates[lane + half]);
                ups[lane] = TornadoMath.max(ups[lane], ups[lane + half]);
            }
            context.localBarrier();
        }
        float scale = scale(factor * gates[0] * ups[0]);
        for (int i = 2 * lane; i < size; i += 2 * WIDE)
            rows.setHalf2(to + i, Half2.fromFloats(MatMul.silu(factor * products.get(from + i)) * products.get(from + hidden + i) * scale,
                    MatMul.silu(factor * products.get(from + i + 1)) * products.get(from + hidden + i + 1) * scale));
        context.globalBarrier();
        if (lane == 0 && size > 0) factors.set(row, factor / scale);
    }

    /** A warp for each head, in turns; divided as in SwiGLU. */
    static void kGatedNormHalve(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights, int layerStride,
                                int weightAt, HalfFloatArray rows, FloatArray factors, long y, long z, int heads, int dim, int first, float eps) {
        float[] values = context.allocateFloatLocalArray(WIDE);
        float[] gates = context.allocateFloatLocalArray(WIDE);
        float[] norms = context.allocateFloatLocalArray(MOST_HEADS);
        int row = context.groupIdx, lane = context.localIdx, warp = lane / WARP, inWarp = lane % WARP;
        int size = row < step.get(StepArray.ROWS) ? heads : 0;
        int from = Place.start(y, row), gated = Place.start(z, row), to = first + row * heads * dim, w = layer.get(0) * layerStride + weightAt;
        float value = 0f, gate = 0f;
        for (int head = warp; head < size; head += WIDE / WARP) {
            float sum = 0f, most = 0f;
            for (int i = inWarp; i < dim; i += WARP) {
                float v = arena.get(from + head * dim + i), weighted = TornadoMath.abs(weights.get(w + i) * v);
                float g = TornadoMath.abs(arena.get(gated + head * dim + i));
                sum += v * v;
                most = weighted > most ? weighted : most;
                gate = g > gate ? g : gate;
            }
            float norm = 1f / TornadoMath.sqrt(context.simdSum(sum) / dim + eps);
            if (inWarp == 0) norms[head] = norm;
            value = most * norm > value ? most * norm : value;
        }
        values[lane] = value;
        gates[lane] = gate;
        context.localBarrier();
        for (int half = WIDE / 2; half > 0; half >>= 1) {
            if (lane < half) {
                values[lane] = TornadoMath.max(values[lane], values[lane + half]);
                gates[lane] = TornadoMath.max(gates[lane], gates[lane + half]);
            }
            context.localBarrier();
        }
        float scale = scale(values[0] * gates[0]);
        for (int head = warp; head < size; head += WIDE / WARP) {
            float norm = norms[head] * scale;
            for (int i = 2 * inWarp; i < dim; i += 2 * WARP) {
                int at = head * dim + i;
                rows.setHalf2(to + at, Half2.fromFloats(norm * weights.get(w + i) * arena.get(from + at) * Activation.silu(arena.get(gated + at)),
                        norm * weights.get(w + i + 1) * arena.get(from + at + 1) * Activation.silu(arena.get(gated + at + 1))));
            }
        }
        if (lane == 0 && size > 0) factors.set(row, 1f / scale);
    }

    /** What makes a row's largest number, or what it does not exceed, {@value #LARGEST}; 1 for a row of next to nothing. */
    static float scale(float largest) {
        return largest > 1e-33f ? LARGEST / largest : 1f;
    }
}
