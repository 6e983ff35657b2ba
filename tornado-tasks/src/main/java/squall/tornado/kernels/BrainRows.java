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
import uk.ac.manchester.tornado.api.types.BFloat16;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Rows as operands of cuBLAS beside matrices of BF16: rounded to the same type, as llama.cpp has them there. It has the range of
 * floats, so that, other than in {@link LibraryRows}, nothing needs to be known of a row before it is written. Rows that are multiplied
 * without being alive are zeros, so that a sum that they are added to stays what it is.
 */
final class BrainRows {
    private static final int GROUP = 256;
    private static final int WARP = WarpMatMul.WARP;
    private static final int WARPS = GROUP / WARP;
    /** Work-items of a group that has a row to itself, where there are few rows: so that each asks for little, one after the other. */
    private static final int WIDE = 1024;
    /** Columns of a row that a group has. */
    private static final int PART = 4 * GROUP;

    private BrainRows() {}

    /** {@code rows[r] = x[r]} */
    static void record(Tape tape, Region x) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, x.width());
        int parts = parts(x.width());
        tape.add("brain", Grid.perRow(parts, GROUP), (g, id) -> g.task(id, BrainRows::kBrain, f.context(), f.arena(), f.step(), to.brains(), Place.of(x),
                x.width(), Pair.of(parts, LibraryProduct.repeated(f))));
    }

    /** {@code rows[r] = w * x[r] / sqrt(mean(x[r]^2) + eps)} */
    static void recordNorm(Tape tape, Region x, Small w, float eps) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, x.width());
        int repeated = LibraryProduct.repeated(f), group = repeated > 0 ? WIDE : GROUP;
        tape.add("normBrain", Grid.perRow(1, group), (g, id) -> g.task(id, BrainRows::kNormBrain, f.context(), f.arena(), f.step(), f.layer(),
                w.array(), Pair.of(w.layerStride(), w.at()), to.brains(), Place.of(x), Pair.of(x.width(), repeated), group, eps));
    }

    /** {@code rows[r] = silu(G) * U}, where the products hold [G | U], of {@code hidden} numbers each. */
    static void recordSwiGlu(Tape tape, int hidden) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, hidden);
        int parts = parts(hidden);
        tape.add("swiGluBrain", Grid.perRow(parts, GROUP), (g, id) -> g.task(id, BrainRows::kSwiGluBrain, f.context(), f.step(), to.products(), to.brains(),
                hidden, Pair.of(parts, LibraryProduct.repeated(f))));
    }

    /** {@code rows[r] = rmsNorm(y[r]) * silu(z[r])}, the norm by heads of {@code w.size} numbers. */
    static void recordGatedNorm(Tape tape, Region y, Region z, Small w, float eps) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, y.width());
        int heads = y.width() / w.size(), parts = (heads + WARPS - 1) / WARPS;
        tape.add("gatedNormBrain", Grid.perRow(parts, GROUP), (g, id) -> g.task(id, BrainRows::kGatedNormBrain, f.context(), f.arena(), f.step(), f.layer(),
                w.array(), Pair.of(w.layerStride(), w.at()), to.brains(), Place.of(y), Place.of(z), Pair.of(heads, w.size()),
                Pair.of(parts, LibraryProduct.repeated(f)), eps));
    }

    private static int parts(int width) {
        return (width + PART - 1) / PART;
    }

    private static LibraryScratch scratch(Frame f, int width) {
        f.scratch().needBrains(f.maxRows(), width);
        return f.scratch();
    }

    /** cut: groups of a row, and rows that are multiplied in any case; so in the others. */
    static void kBrain(KernelContext context, FloatArray arena, IntArray step, ShortArray rows, long x, int width, long cut) {
        int parts = Pair.first(cut), row = context.groupIdx / parts, first = context.groupIdx % parts * PART, alive = step.get(StepArray.ROWS);
        int end = row < TornadoMath.max(alive, Pair.second(cut)) ? TornadoMath.min(first + PART, width) : 0, from = Place.start(x, row), to = row * width;
        for (int i = first + context.localIdx; i < end; i += GROUP) {
            float v = 0f;
            if (row < alive) v = arena.get(from + i);
            rows.set(to + i, BFloat16.bf16FromFloat(v));
        }
    }

    static void kNormBrain(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights, long weightsAt, ShortArray rows,
                           long x, long sizes, int group, float eps) {
        float[] sums = context.allocateFloatLocalArray(WIDE / WARP);
        int width = Pair.first(sizes), row = context.groupIdx, item = context.localIdx, alive = step.get(StepArray.ROWS), size = row < alive ? width : 0;
        int end = row < TornadoMath.max(alive, Pair.second(sizes)) ? width : 0;
        int from = Place.start(x, row), to = row * width, w = layer.get(0) * Pair.first(weightsAt) + Pair.second(weightsAt);
        float sum = 0f;
        for (int i = item; i < size; i += group) {
            float v = arena.get(from + i);
            sum += v * v;
        }
        float mine = context.simdSum(sum);
        if (item % WARP == 0) sums[item / WARP] = mine;
        context.localBarrier();
        float all = 0f;
        for (int i = 0; i < group / WARP; i++) all += sums[i];
        float scale = 1f / TornadoMath.sqrt(all / width + eps);
        for (int i = item; i < end; i += group) {
            float v = 0f;
            if (row < alive) v = weights.get(w + i) * arena.get(from + i) * scale;
            rows.set(to + i, BFloat16.bf16FromFloat(v));
        }
    }

    static void kSwiGluBrain(KernelContext context, IntArray step, FloatArray products, ShortArray rows, int hidden, long cut) {
        int parts = Pair.first(cut), row = context.groupIdx / parts, first = context.groupIdx % parts * PART, alive = step.get(StepArray.ROWS);
        int end = row < TornadoMath.max(alive, Pair.second(cut)) ? TornadoMath.min(first + PART, hidden) : 0, from = row * 2 * hidden, to = row * hidden;
        for (int i = first + context.localIdx; i < end; i += GROUP) {
            float v = 0f;
            if (row < alive) v = Activation.silu(products.get(from + i)) * products.get(from + hidden + i);
            rows.set(to + i, BFloat16.bf16FromFloat(v));
        }
    }

    /** A warp for each head. */
    static void kGatedNormBrain(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights, long weightsAt, ShortArray rows,
                                long y, long z, long sizes, long cut, float eps) {
        int heads = Pair.first(sizes), dim = Pair.second(sizes), parts = Pair.first(cut), row = context.groupIdx / parts, inWarp = context.localIdx % WARP;
        int head = context.groupIdx % parts * WARPS + context.localIdx / WARP, alive = step.get(StepArray.ROWS);
        int end = head < heads && row < TornadoMath.max(alive, Pair.second(cut)) ? dim : 0, size = row < alive ? end : 0;
        int at = head * dim, w = layer.get(0) * Pair.first(weightsAt) + Pair.second(weightsAt);
        int from = Place.start(y, row) + at, gated = Place.start(z, row) + at, to = row * heads * dim + at;
        float sum = 0f;
        for (int i = inWarp; i < size; i += WARP) {
            float v = arena.get(from + i);
            sum += v * v;
        }
        float norm = 1f / TornadoMath.sqrt(context.simdSum(sum) / dim + eps);
        for (int i = inWarp; i < end; i += WARP) {
            float v = 0f;
            if (row < alive) v = norm * weights.get(w + i) * arena.get(from + i) * Activation.silu(arena.get(gated + i));
            rows.set(to + i, BFloat16.bf16FromFloat(v));
        }
    }
}
