package squall.tornado.kernels;

import squall.ops.HeadShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Pages;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Float8;

/**
 * Causal attention over keys and values in pages, without ever holding all scores: pages are folded into a running softmax
 * (Milakov and Gimelshein, 2018). With m the largest score so far, l the sum of e^(score - m) and o the weighted sum of values,
 * a page that raises m to m' first scales l and o by e^(m - m').
 *
 * <p>With few rows the positions of a row are cut into splits of whole pages, each split leaves (o, m, l), and a second task
 * merges them exactly: {@code y = sum_i e^(m_i - m) o_i / sum_i e^(m_i - m) l_i}. How many pages a split has follows from the
 * row's position, so that a short context costs little however long it may grow.
 */
public final class Attention {
    /** The largest head that the kernels have room for. */
    public static final int MAX_HEAD_DIM = 256;
    /** Rows of a recording for decoding. */
    private static final int FEW = 8;
    /**
     * Work-items wanted before splits are no longer worth their merge, where the profile (setting "split") has no other number: of
     * a CPU with many cores, groups of a large GPU.
     */
    public static final int CPU_ITEMS = 64;
    public static final int GPU_GROUPS = 512;
    /** Splits of a row that is alone in its segment, beside segments of many rows. */
    private static final int SPLITS_AMONG_MANY = 8;
    /** Below every score. */
    static final float LOWEST = -3e38f;

    private Attention() {}

    /** Writes k and v of each row at its position of its slot. k, v: [rows, kvHeads * headDim]. */
    public static void append(Tape tape, Region k, Region v, Pages pages) {
        Frame f = tape.frame();
        int width = pages.kvHeads() * pages.headDim();
        tape.add("appendKv", Grid.itemsPerRow(width, f.traits().group()), (g, id) -> Kept.ready(g, pages).task(id, Attention::kAppend, f.context(),
                f.arena(), f.step(), f.rowsAt(), f.layer(), Kept.keys(pages), Kept.values(pages), Kept.halfKeys(pages),
                Kept.halfValues(pages), Kept.half(pages), pages.table(), pages.pagesPerSlot(), pages.layerStride(), k.at(), k.stride(),
                v.at(), v.stride(), width));
    }

    static void kAppend(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray keys,
                        FloatArray values, HalfFloatArray halfKeys, HalfFloatArray halfValues, int kept, IntArray table, int pagesPerSlot,
                        int layerStride, int k, int kStride, int v, int vStride, int width) {
        int row = context.globalIdx / width;
        int i = context.globalIdx % width;
        if (row < step.get(StepArray.ROWS)) {
            int record = rowsAt + StepArray.RECORD * row;
            int position = step.get(record + StepArray.POSITION);
            int page = table.get(step.get(record + StepArray.SLOT) * pagesPerSlot + (position >> Pages.SHIFT));
            int at = layer.get(0) * layerStride + (page * Pages.SIZE + (position & (Pages.SIZE - 1))) * width + i;
            Kept.set(keys, halfKeys, kept, at, arena.get(k + row * kStride + i));
            Kept.set(values, halfValues, kept, at, arena.get(v + row * vStride + i));
        }
    }

    /** Floats that {@link #record} wants for each row in its {@code partial}; 0: none. */
    public static int partialWidth(Frame frame, int heads, int kvHeads, int headDim) {
        if (warps(frame, headDim)) return Math.multiplyExact(heads * AttentionWarps.splits(frame, kvHeads), headDim + 2);
        int splits = splits(frame, heads, kvHeads, headDim);
        return splits == 1 ? 0 : Math.multiplyExact(heads * splits, headDim + 2);
    }

    /** Whether the device is served by single work-items, whose vectors have eight elements. */
    private static boolean items(Frame f, int headDim) {
        return f.traits().shape() == Traits.Shape.ROWS && headDim % 8 == 0;
    }

    /** Whether rows are served by warps, whose lanes have two neighbours of a head. */
    private static boolean warps(Frame f, int headDim) {
        return f.traits().shape() == Traits.Shape.WARPS && headDim % 2 == 0;
    }

    static boolean few(Frame f) {
        return f.maxRows() <= FEW;
    }

    private static int splits(Frame f, int heads, int kvHeads, int headDim) {
        int wanted = f.traits().choices().split() > 0 ? f.traits().choices().split() : items(f, headDim) ? CPU_ITEMS : GPU_GROUPS;
        if (items(f, headDim)) return few(f) ? Math.max(2, wanted / heads) : 1;
        return few(f) ? Math.max(2, wanted / (f.maxRows() * kvHeads)) : SPLITS_AMONG_MANY;
    }

    /**
     * {@code y[h] = softmax(q[h] K / sqrt(headDim)) V} over positions 0 .. the row's own of its slot; head h reads kv head
     * {@code h / (heads / kvHeads)}. q, y: [rows, heads * headDim].
     *
     * @param partial scratch of {@link #partialWidth}
     */
    public static void record(Tape tape, Region y, Region q, Pages pages, int heads, Region partial) {
        record(tape, y, q, pages, heads, partial, null, null);
    }

    /** Whether {@link #record} can leave y as rows that a library multiplies, in place of y itself. */
    public static boolean rounds(Frame f, Pages pages, int heads) {
        return f.traits().brains() && warps(f, pages.headDim()) && AttentionWarps.few(f) && LibraryProduct.serves(f, heads * pages.headDim());
    }

    /**
     * The same, then {@code y[h] *= sigmoid(gate[h])}, the gate read at {@code shape}; gate: null for none. y: null where it {@link #rounds} and is to
     * be a library's rows only.
     */
    public static void record(Tape tape, Region y, Region q, Pages pages, int heads, Region partial, Region gate, HeadShape shape) {
        if (pages.headDim() > MAX_HEAD_DIM)
            throw new IllegalArgumentException("heads of " + pages.headDim() + " elements: attention takes at most " + MAX_HEAD_DIM);
        Frame f = tape.frame();
        if (warps(f, pages.headDim())) {
            boolean few = AttentionWarps.few(f);
            boolean tiles = !few && AttentionTiles.serves(f, pages, heads);
            if (tiles) AttentionTiles.record(tape, y, q, pages, heads, gate, shape);
            else if (!few) AttentionGroups.recordTiles(tape, y, q, pages, heads);
            AttentionWarps.record(tape, y, q, pages, heads, partial, few || tiles ? gate : null, shape);
            if (!few && !tiles && gate != null) Elementwise.sigmoidMul(tape, y, gate, shape);
            return;
        }
        if (items(f, pages.headDim())) recordItems(tape, y, q, pages, heads, partial);
        else AttentionGroups.record(tape, y, q, pages, heads, partial, splits(f, heads, pages.kvHeads(), pages.headDim()));
        if (splits(f, heads, pages.kvHeads(), pages.headDim()) > 1) recordMerge(tape, y, pages, heads, partial, gate, shape);
        if (gate != null && !few(f)) Elementwise.sigmoidMul(tape, y, gate, shape);
    }

    /** Positions that a row sees, or 0 if it is padded or, without {@code all}, not alone in its segment. */
    static int length(IntArray step, int rowsAt, int row, int all) {
        int record = rowsAt + StepArray.RECORD * row;
        int segment = StepArray.FIRST_SEGMENT + StepArray.RECORD * step.get(record + StepArray.SEGMENT);
        int alone = step.get(segment + StepArray.SEGMENT_END) - step.get(segment + StepArray.SEGMENT_BEGIN) == 1 ? 1 : 0;
        int live = (row < step.get(StepArray.ROWS) ? 1 : 0) & (all | alone);
        return live * (TornadoMath.max(0, step.get(record + StepArray.POSITION)) + 1);
    }

    // ---- CPU devices

    private static void recordItems(Tape tape, Region y, Region q, Pages pages, int heads, Region partial) {
        Frame f = tape.frame();
        int splits = splits(f, heads, pages.kvHeads(), pages.headDim());
        Region to = splits == 1 ? y : partial;
        tape.add("attention", Grid.perRow(heads * splits, 1), (g, id) -> g.task(id, Attention::kAttendItem, f.context(), f.arena(),
                f.step(), f.rowsAt(), f.layer(), Kept.keys(pages), Kept.values(pages), pages.table(), pages.pagesPerSlot(), pages.layerStride(),
                to.at(), to.stride(), q.at(), q.stride(), heads, heads / pages.kvHeads(), pages.headDim(), splits));
    }

    private static Float8 eight(FloatArray a, int at) {
        return new Float8(a.get(at), a.get(at + 1), a.get(at + 2), a.get(at + 3), a.get(at + 4), a.get(at + 5), a.get(at + 6), a.get(at + 7));
    }

    private static Float8 all(float x) {
        return new Float8(x, x, x, x, x, x, x, x);
    }

    private static float sum(Float8 v) {
        return ((v.getS0() + v.getS1()) + (v.getS2() + v.getS3())) + ((v.getS4() + v.getS5()) + (v.getS6() + v.getS7()));
    }

    /**
     * One work-item for each split of each head of a row, vectors of eight over the head: CPU devices. With one split, {@code to}
     * takes y itself, else (o, m, l).
     */
    static void kAttendItem(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray keys,
                            FloatArray values, IntArray table, int pagesPerSlot, int layerStride, int to, int toStride, int q,
                            int qStride, int heads, int sharing, int dim, int splits) {
        int split = context.globalIdx % splits;
        int head = context.globalIdx / splits % heads;
        int row = context.globalIdx / (splits * heads);
        if (row >= step.get(StepArray.ROWS)) return;
        float[] score = new float[Pages.SIZE];
        float[] out = new float[MAX_HEAD_DIM];
        int record = rowsAt + StepArray.RECORD * row;
        int length = TornadoMath.max(0, step.get(record + StepArray.POSITION)) + 1;
        int all = (length + Pages.SIZE - 1) >> Pages.SHIFT;
        int each = (all + splits - 1) / splits;
        int first = split * each;
        int last = TornadoMath.min(all, first + each);
        if (first >= last) return;
        int pages = step.get(record + StepArray.SLOT) * pagesPerSlot;
        int width = heads / sharing * dim;
        int base = layer.get(0) * layerStride + head / sharing * dim;
        int query = q + row * qStride + head * dim;
        float unit = 1f / TornadoMath.sqrt((float) dim);
        float max = LOWEST;
        float sum = 0f;
        for (int i = 0; i < dim; i++) out[i] = 0f;
        for (int page = first; page < last; page++) {
            int at = base + table.get(pages + page) * Pages.SIZE * width;
            int many = TornadoMath.min(Pages.SIZE, length - page * Pages.SIZE);
            float most = max;
            for (int t = 0; t < many; t++) {
                Float8 dot = Float8.mult(eight(arena, query), eight(keys, at + t * width));
                for (int i = 8; i < dim; i += 8) dot = Float8.add(dot, Float8.mult(eight(arena, query + i), eight(keys, at + t * width + i)));
                float s = sum(dot) * unit;
                score[t] = s;
                most = TornadoMath.max(most, s);
            }
            float shrink = TornadoMath.exp(max - most);
            float part = 0f;
            for (int t = 0; t < many; t++) {
                float e = TornadoMath.exp(score[t] - most);
                score[t] = e;
                part += e;
            }
            sum = sum * shrink + part;
            max = most;
            for (int i = 0; i < dim; i += 8) {
                Float8 o = Float8.mult(eight(values, at + i), all(score[0]));
                for (int t = 1; t < many; t++) o = Float8.add(o, Float8.mult(eight(values, at + t * width + i), all(score[t])));
                out[i] = out[i] * shrink + o.getS0();
                out[i + 1] = out[i + 1] * shrink + o.getS1();
                out[i + 2] = out[i + 2] * shrink + o.getS2();
                out[i + 3] = out[i + 3] * shrink + o.getS3();
                out[i + 4] = out[i + 4] * shrink + o.getS4();
                out[i + 5] = out[i + 5] * shrink + o.getS5();
                out[i + 6] = out[i + 6] * shrink + o.getS6();
                out[i + 7] = out[i + 7] * shrink + o.getS7();
            }
        }
        int result = to + row * toStride + (splits == 1 ? head * dim : (head * splits + split) * (dim + 2));
        float scale = splits == 1 ? 1f / sum : 1f;
        for (int i = 0; i < dim; i++) arena.set(result + i, out[i] * scale);
        if (splits > 1) {
            arena.set(result + dim, max);
            arena.set(result + dim + 1, sum);
        }
    }

    // ---- merge

    private static void recordMerge(Tape tape, Region y, Pages pages, int heads, Region partial, Region gate, HeadShape shape) {
        Frame f = tape.frame();
        int group = items(f, pages.headDim()) ? 1 : f.traits().group();
        int gated = gate != null && few(f) ? 1 : 0;
        tape.add("attentionMerge", Grid.perRow(heads, group), (g, id) -> g.task(id, Attention::kMerge, f.context(), f.arena(), f.step(),
                f.rowsAt(), y.at(), y.stride(), partial.at(), partial.stride(), heads, pages.headDim(), splits(f, heads, pages.kvHeads(), pages.headDim()),
                few(f) ? 1 : 0, gated, gated == 1 ? gate.at() + shape.offset() : 0, gated == 1 ? gate.stride() : 0,
                gated == 1 ? shape.stride() : 0, group));
    }

    /** A group for each head of a row. */
    static void kMerge(KernelContext context, FloatArray arena, IntArray step, int rowsAt, int y, int yStride, int partial,
                       int partialStride, int heads, int dim, int splits, int all, int gated, int gate, int gateStride, int gateHeadStride,
                       int group) {
        float[] weights = context.allocateFloatLocalArray(splits);
        float[] tree = context.allocateFloatLocalArray(group);
        int lane = context.localIdx;
        int head = context.groupIdx % heads;
        int row = context.groupIdx / heads;
        int length = length(step, rowsAt, row, all);
        int live = TornadoMath.min(1, length);
        int pageCount = (length + Pages.SIZE - 1) >> Pages.SHIFT;
        int each = (pageCount + splits - 1) / splits;
        int used = live * ((pageCount + each - 1) / TornadoMath.max(1, each));
        int from = partial + row * partialStride + head * splits * (dim + 2);
        float max = LOWEST;
        for (int s = lane; s < used; s += group) max = TornadoMath.max(max, arena.get(from + s * (dim + 2) + dim));
        tree[lane] = max;
        context.localBarrier();
        for (int half = group >> 1; half > 0; half >>= 1) {
            if (lane < half) tree[lane] = TornadoMath.max(tree[lane], tree[lane + half]);
            context.localBarrier();
        }
        max = tree[0];
        context.localBarrier();
        float sum = 0f;
        for (int s = lane; s < used; s += group) {
            float weight = TornadoMath.exp(arena.get(from + s * (dim + 2) + dim) - max);
            weights[s] = weight;
            sum += weight * arena.get(from + s * (dim + 2) + dim + 1);
        }
        tree[lane] = sum;
        context.localBarrier();
        for (int half = group >> 1; half > 0; half >>= 1) {
            if (lane < half) tree[lane] += tree[lane + half];
            context.localBarrier();
        }
        for (int i = lane; i < live * dim; i += group) {
            float o = 0f;
            for (int s = 0; s < used; s++) o += weights[s] * arena.get(from + s * (dim + 2) + i);
            float open = 1f;
            if (gated == 1) open = Activation.sigmoid(arena.get(gate + row * gateStride + head * gateHeadStride + i));
            arena.set(y + row * yStride + head * dim + i, o / tree[0] * open);
        }
    }
}
