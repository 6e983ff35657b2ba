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
    /** Most work-items of a group that has a row to itself. */
    private static final int WIDE = 1024;
    /** Columns that a work-item has, all of which it asks for before it waits for one; and those that it has where rows are few. */
    private static final int EACH = 4;
    private static final int FEW_ROWS = 16;
    /** The same of a row that is normed: the most, and those that it has where rows are few. */
    private static final int KEPT = 16;
    private static final int FEW_KEPT = 4;
    /** Elements of a head that a lane has at most. */
    private static final int VALUES = 8;
    /** Elements of a head that {@link #recordGatedNorm} has room for. */
    static final int MOST = WARP * VALUES;

    private BrainRows() {}

    /** {@code rows[r] = x[r]} */
    static void record(Tape tape, Region x) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, x.width());
        int each = each(f), parts = parts(x.width(), each);
        tape.add("brain", Grid.perRow(parts, GROUP), (g, id) -> g.task(id, BrainRows::kBrain, f.context(), f.arena(), f.step(), to.brains(), Place.of(x),
                x.width(), cut(f, parts, each)));
    }

    /** {@code rows[r] = w * x[r] / sqrt(mean(x[r]^2) + eps)}; of {@value #WIDE} * {@value #KEPT} numbers at most. */
    static void recordNorm(Tape tape, Region x, Small w, float eps) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, x.width());
        int group = group(f, x.width());
        tape.add("normBrain", Grid.perRow(1, group), (g, id) -> g.task(id, BrainRows::kNormBrain, f.context(), f.arena(), f.step(), f.layer(),
                w.array(), Pair.of(w.layerStride(), w.at()), to.brains(), Place.of(x), cut(f, x.width(), group / WARP), eps));
    }

    /** {@code rows[r] = silu(G) * U}, where the products hold [G | U], of {@code hidden} numbers each. */
    static void recordSwiGlu(Tape tape, int hidden) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, hidden);
        int each = each(f), parts = parts(hidden, each);
        tape.add("swiGluBrain", Grid.perRow(parts, GROUP), (g, id) -> g.task(id, BrainRows::kSwiGluBrain, f.context(), f.step(), to.products(), to.brains(),
                Pair.of(LibraryScratch.FIRST_RESULT, hidden), cut(f, parts, each)));
    }

    /** {@code rows[r] = rmsNorm(y[r]) * silu(z[r])}, the norm by heads of {@code w.size} numbers, {@value #MOST} at most. */
    static void recordGatedNorm(Tape tape, Region y, Region z, Small w, float eps) {
        Frame f = tape.frame();
        LibraryScratch to = scratch(f, y.width());
        int heads = y.width() / w.size(), parts = (heads + WARPS - 1) / WARPS;
        tape.add("gatedNormBrain", Grid.perRow(parts, GROUP), (g, id) -> g.task(id, BrainRows::kGatedNormBrain, f.context(), f.arena(), f.step(), f.layer(),
                w.array(), Pair.of(w.layerStride(), w.at()), to.brains(), Place.of(y), Place.of(z), Pair.of(heads, w.size()),
                cut(f, parts, (w.size() + WARP - 1) / WARP), eps));
    }

    private static int each(Frame f) {
        return f.maxRows() <= FEW_ROWS ? 1 : EACH;
    }

    private static int parts(int width, int each) {
        return (width + each * GROUP - 1) / (each * GROUP);
    }

    /** Work-items that share a row which is normed: more where rows are few, so that each asks for little. */
    private static int group(Frame f, int width) {
        int kept = LibraryProduct.repeated(f) > 0 ? FEW_KEPT : KEPT, items = (width + kept - 1) / kept;
        return Math.min(WIDE, Math.max(LibraryProduct.repeated(f) > 0 ? WARP : GROUP, (items + WARP - 1) / WARP * WARP));
    }

    /** Groups of a row, and a number of each kernel's own; where the first of the rows is, and how many are multiplied in any case. */
    private static long cut(Frame f, int parts, int own) {
        return Pair.of(Pair.small(parts, own), Pair.small(LibraryScratch.FIRST_HALF, LibraryProduct.repeated(f)));
    }

    private static LibraryScratch scratch(Frame f, int width) {
        f.scratch().needBrains(f.maxRows(), width);
        return f.scratch();
    }

    /** cut: the kernel's own number are the columns of a work-item; so in SwiGLU. */
    static void kBrain(KernelContext context, FloatArray arena, IntArray step, ShortArray rows, long x, int width, long cut) {
        float[] own = new float[EACH];
        int parts = Pair.smallFirst(Pair.first(cut)), each = Pair.smallSecond(Pair.first(cut)), row = context.groupIdx / parts, alive = step.get(StepArray.ROWS);
        int end = row < TornadoMath.max(alive, Pair.smallSecond(Pair.second(cut))) ? width : 0, size = row < alive ? end : 0;
        int first = context.groupIdx % parts * each * GROUP + context.localIdx, from = Place.start(x, row), to = Pair.smallFirst(Pair.second(cut)) + row * width;
        for (int i = 0; i < each; i++) own[i] = first + i * GROUP < size ? arena.get(from + first + i * GROUP) : 0f;
        for (int i = 0; i < each; i++) if (first + i * GROUP < end) rows.set(to + first + i * GROUP, BFloat16.bf16FromFloat(own[i]));
    }

    /** cut: in place of groups of a row, of which there is one, its width; the kernel's own number are warps of the group. */
    static void kNormBrain(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights, long weightsAt, ShortArray rows,
                           long x, long cut, float eps) {
        float[] sums = context.allocateFloatLocalArray(WARP);
        float[] own = new float[KEPT];
        float[] scaled = new float[KEPT];
        int width = Pair.smallFirst(Pair.first(cut)), warps = Pair.smallSecond(Pair.first(cut)), group = warps * WARP, turns = (width + group - 1) / group, row = context.groupIdx, item = context.localIdx;
        int alive = step.get(StepArray.ROWS), end = row < TornadoMath.max(alive, Pair.smallSecond(Pair.second(cut))) ? width : 0, size = row < alive ? end : 0;
        int from = Place.start(x, row), to = Pair.smallFirst(Pair.second(cut)) + row * width, w = Place.start(weightsAt, layer.get(0));
        for (int i = 0; i < turns; i++) {
            own[i] = item + i * group < size ? arena.get(from + item + i * group) : 0f;
            scaled[i] = item + i * group < size ? weights.get(w + item + i * group) : 0f;
        }
        float squares = 0f;
        for (int i = 0; i < turns; i++) {
            squares += own[i] * own[i];
            scaled[i] = scaled[i] * own[i];
        }
        float sum = context.simdSum(squares);
        if (item % WARP == 0) sums[item / WARP] = sum;
        context.localBarrier();
        float all = context.simdSum(item % WARP < warps ? sums[item % WARP] : 0f);
        float scale = 1f / TornadoMath.sqrt(all / width + eps);
        for (int i = 0; i < turns; i++) if (item + i * group < end) rows.set(to + item + i * group, BFloat16.bf16FromFloat(scaled[i] * scale));
    }

    /** sizes: where the first product is, and hidden numbers of a row. */
    static void kSwiGluBrain(KernelContext context, IntArray step, FloatArray products, ShortArray rows, long sizes, long cut) {
        float[] gates = new float[EACH];
        float[] ups = new float[EACH];
        int parts = Pair.smallFirst(Pair.first(cut)), each = Pair.smallSecond(Pair.first(cut)), row = context.groupIdx / parts, alive = step.get(StepArray.ROWS);
        int hidden = Pair.second(sizes), end = row < TornadoMath.max(alive, Pair.smallSecond(Pair.second(cut))) ? hidden : 0, size = row < alive ? end : 0;
        int first = context.groupIdx % parts * each * GROUP + context.localIdx, from = Pair.first(sizes) + row * 2 * hidden + first;
        int to = Pair.smallFirst(Pair.second(cut)) + row * hidden + first;
        for (int i = 0; i < each; i++) {
            gates[i] = first + i * GROUP < size ? products.get(from + i * GROUP) : 0f;
            ups[i] = first + i * GROUP < size ? products.get(from + hidden + i * GROUP) : 0f;
        }
        for (int i = 0; i < each; i++) if (first + i * GROUP < end) rows.set(to + i * GROUP, BFloat16.bf16FromFloat(Activation.quickSilu(gates[i]) * ups[i]));
    }

    /** A warp for each head. cut: the kernel's own number are elements of a lane. */
    static void kGatedNormBrain(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray weights, long weightsAt, ShortArray rows,
                                long y, long z, long sizes, long cut, float eps) {
        float[] own = new float[VALUES];
        float[] gates = new float[VALUES];
        float[] scaled = new float[VALUES];
        int heads = Pair.first(sizes), dim = Pair.second(sizes), parts = Pair.smallFirst(Pair.first(cut)), turns = Pair.smallSecond(Pair.first(cut));
        int row = context.groupIdx / parts, lane = context.localIdx % WARP, head = context.groupIdx % parts * WARPS + context.localIdx / WARP;
        int alive = step.get(StepArray.ROWS), end = head < heads && row < TornadoMath.max(alive, Pair.smallSecond(Pair.second(cut))) ? dim : 0, size = row < alive ? end : 0;
        int at = head * dim + lane, w = Place.start(weightsAt, layer.get(0)) + lane;
        int from = Place.start(y, row) + at, gated = Place.start(z, row) + at, to = Pair.smallFirst(Pair.second(cut)) + row * heads * dim + at;
        for (int i = 0; i < turns; i++) {
            own[i] = lane + i * WARP < size ? arena.get(from + i * WARP) : 0f;
            gates[i] = lane + i * WARP < size ? arena.get(gated + i * WARP) : 0f;
            scaled[i] = lane + i * WARP < size ? weights.get(w + i * WARP) : 0f;
        }
        float squares = 0f;
        for (int i = 0; i < turns; i++) squares += own[i] * own[i];
        float norm = 1f / TornadoMath.sqrt(context.simdSum(squares) / dim + eps);
        for (int i = 0; i < turns; i++)
            if (lane + i * WARP < end) rows.set(to + i * WARP, BFloat16.bf16FromFloat(norm * scaled[i] * own[i] * Activation.quickSilu(gates[i])));
    }
}
