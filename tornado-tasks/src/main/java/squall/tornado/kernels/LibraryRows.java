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
 * have and halves lack, so that each row is divided by a factor that makes its largest number {@value #LARGEST}: nothing
 * overflows, and what is rounded away is 2^-25 of the row's largest number. A product is given its factor back.
 *
 * <p>A group for each row; the largest number meets in a tree. Widths are even.
 */
public final class LibraryRows {
    static final int GROUP = 128;
    private static final float LARGEST = 16384f;

    private LibraryRows() {}

    /** {@code rows[r] = x[r] / factor[r]} */
    public static void record(Tape tape, Region x) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, x.width());
        tape.add("halve", Grid.perRow(1, GROUP), (g, id) -> g.task(id, LibraryRows::kHalve, f.context(), f.arena(), f.step(), to.rows(),
                to.factors(), Place.of(x), x.width()));
    }

    /** {@code rows[r] = w * x[r] / sqrt(mean(x[r]^2) + eps) / factor[r]} */
    public static void recordNorm(Tape tape, Region x, Small w, float eps) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, x.width());
        tape.add("normHalve", Grid.perRow(1, GROUP), (g, id) -> g.task(id, LibraryRows::kNormHalve, f.context(), f.arena(), f.step(), f.layer(),
                w.array(), w.layerStride(), w.at(), to.rows(), to.factors(), Place.of(x), x.width(), eps));
    }

    /** {@code rows[r] = silu(G) * U / factor[r]}, where the products hold [G | U], of {@code hidden} numbers each. */
    static void recordSwiGlu(Tape tape, int hidden) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, hidden);
        tape.add("swiGluHalve", Grid.perRow(1, GROUP), (g, id) -> g.task(id, LibraryRows::kSwiGluHalve, f.context(), f.step(), to.products(),
                to.rows(), to.factors(), hidden));
    }

    private static LibraryScratch scratch(Frame f, int width) {
        if (width % 2 != 0) throw new IllegalArgumentException("rows of " + width + " numbers; halves come in pairs");
        f.scratch().need(f.maxRows(), width);
        return f.scratch();
    }

    static void kHalve(KernelContext context, FloatArray arena, IntArray step, HalfFloatArray rows, FloatArray factors, long x, int width) {
        float[] largest = context.allocateFloatLocalArray(GROUP);
        int row = context.groupIdx, lane = context.localIdx;
        int size = row < step.get(StepArray.ROWS) ? width : 0;
        int from = Place.start(x, row), to = row * width;
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
                           int weightAt, HalfFloatArray rows, FloatArray factors, long x, int width, float eps) {
        float[] largest = context.allocateFloatLocalArray(GROUP);
        float[] sums = context.allocateFloatLocalArray(GROUP);
        int row = context.groupIdx, lane = context.localIdx;
        int size = row < step.get(StepArray.ROWS) ? width : 0;
        int from = Place.start(x, row), to = row * width, w = layer.get(0) * layerStride + weightAt;
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

    /** Twice through the products: the second time they come from the cache. */
    static void kSwiGluHalve(KernelContext context, IntArray step, FloatArray products, HalfFloatArray rows, FloatArray factors, int hidden) {
        float[] largest = context.allocateFloatLocalArray(GROUP);
        int row = context.groupIdx, lane = context.localIdx, alive = step.get(StepArray.ROWS);
        int size = row < alive ? hidden : 0;
        int from = row * 2 * hidden, to = row * hidden;
        float factor = 1f, most = 0f;
        if (row < alive) factor = factors.get(row);
        for (int i = lane; i < size; i += GROUP) {
            float h = TornadoMath.abs(MatMul.silu(factor * products.get(from + i)) * products.get(from + hidden + i));
            most = h > most ? h : most;
        }
        largest[lane] = most;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (lane < half) largest[lane] = TornadoMath.max(largest[lane], largest[lane + half]);
            context.localBarrier();
        }
        float scale = scale(largest[0]);
        for (int i = 2 * lane; i < size; i += 2 * GROUP)
            rows.setHalf2(to + i, Half2.fromFloats(MatMul.silu(factor * products.get(from + i)) * products.get(from + hidden + i) * scale,
                    MatMul.silu(factor * products.get(from + i + 1)) * products.get(from + hidden + i + 1) * scale));
        context.globalBarrier();
        if (lane == 0 && size > 0) factors.set(row, factor / scale);
    }

    /** What makes a row's largest number {@value #LARGEST}; 1 for a row of next to nothing. */
    private static float scale(float largest) {
        return largest > 1e-33f ? LARGEST / largest : 1f;
    }
}
