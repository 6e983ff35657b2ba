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
    /** Work-items wanted before splits are no longer worth their merge: of a CPU with many cores, groups of a large GPU. */
    private static final int CPU_ITEMS = 64;
    private static final int GPU_GROUPS = 512;
    /** Splits of a row that is alone in its segment, beside segments of many rows. */
    private static final int SPLITS_AMONG_MANY = 8;
    /** Query heads that share one reading of a page. */
    private static final int SHARED = 8;
    /** Positions whose keys are in local memory at once. */
    private static final int TILE = 16;
    /** Query rows of a tile of {@code kAttendTile}. */
    private static final int ROWS = 16;
    /** The smallest group that the tiles' registers are laid out for. */
    private static final int MIN_GROUP = 64;
    /** Sums of values that a work-item keeps. */
    private static final int SUMS = 32;
    /** Products that are summed before they join the rest, which keeps the rounding of long sums small. */
    private static final int SUMMED = 32;
    /** Below every score. */
    private static final float LOWEST = -3e38f;

    private Attention() {}

    /** Writes k and v of each row at its position of its slot. k, v: [rows, kvHeads * headDim]. */
    public static void append(Tape tape, Region k, Region v, Pages pages) {
        Frame f = tape.frame();
        int width = pages.kvHeads() * pages.headDim();
        tape.add("appendKv", Grid.itemsPerRow(width, f.traits().group()), (g, id) -> g.task(id, Attention::kAppend, f.context(), f.arena(),
                f.step(), f.rowsAt(), f.layer(), pages.keys(), pages.values(), pages.table(), pages.pagesPerSlot(), pages.layerStride(),
                k.at(), k.stride(), v.at(), v.stride(), width));
    }

    static void kAppend(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray keys,
                        FloatArray values, IntArray table, int pagesPerSlot, int layerStride, int k, int kStride, int v, int vStride,
                        int width) {
        int row = context.globalIdx / width;
        int i = context.globalIdx % width;
        if (row < step.get(StepArray.ROWS)) {
            int record = rowsAt + StepArray.RECORD * row;
            int position = step.get(record + StepArray.POSITION);
            int page = table.get(step.get(record + StepArray.SLOT) * pagesPerSlot + (position >> Pages.SHIFT));
            int at = layer.get(0) * layerStride + (page * Pages.SIZE + (position & (Pages.SIZE - 1))) * width + i;
            keys.set(at, arena.get(k + row * kStride + i));
            values.set(at, arena.get(v + row * vStride + i));
        }
    }

    /** Floats that {@link #record} wants for each row in its {@code partial}; 0: none. */
    public static int partialWidth(Frame frame, int heads, int kvHeads, int headDim) {
        int splits = splits(frame, heads, kvHeads, headDim);
        return splits == 1 ? 0 : Math.multiplyExact(heads * splits, headDim + 2);
    }

    /** Whether the device is served by single work-items, whose vectors have eight elements. */
    private static boolean items(Frame f, int headDim) {
        return f.traits().shape() == Traits.Shape.ROWS && headDim % 8 == 0;
    }

    private static boolean few(Frame f) {
        return f.maxRows() <= SHARED;
    }

    private static int splits(Frame f, int heads, int kvHeads, int headDim) {
        if (items(f, headDim)) return few(f) ? Math.max(2, CPU_ITEMS / heads) : 1;
        return few(f) ? Math.max(2, GPU_GROUPS / (f.maxRows() * kvHeads)) : SPLITS_AMONG_MANY;
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

    /** The same, then {@code y[h] *= sigmoid(gate[h])}, the gate read at {@code shape}; gate: null for none. */
    public static void record(Tape tape, Region y, Region q, Pages pages, int heads, Region partial, Region gate, HeadShape shape) {
        if (pages.headDim() > MAX_HEAD_DIM)
            throw new IllegalArgumentException("heads of " + pages.headDim() + " elements: attention takes at most " + MAX_HEAD_DIM);
        Frame f = tape.frame();
        if (items(f, pages.headDim())) recordItems(tape, y, q, pages, heads, partial);
        else recordGroups(tape, y, q, pages, heads, partial);
        if (splits(f, heads, pages.kvHeads(), pages.headDim()) > 1) recordMerge(tape, y, pages, heads, partial, gate, shape);
        if (gate != null && !few(f)) Elementwise.sigmoidMul(tape, y, gate, shape);
    }

    // ---- CPU devices

    private static void recordItems(Tape tape, Region y, Region q, Pages pages, int heads, Region partial) {
        Frame f = tape.frame();
        int splits = splits(f, heads, pages.kvHeads(), pages.headDim());
        Region to = splits == 1 ? y : partial;
        tape.add("attention", Grid.perRow(heads * splits, 1), (g, id) -> g.task(id, Attention::kAttendItem, f.context(), f.arena(),
                f.step(), f.rowsAt(), f.layer(), pages.keys(), pages.values(), pages.table(), pages.pagesPerSlot(), pages.layerStride(),
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

    // ---- GPUs

    private static void recordGroups(Tape tape, Region y, Region q, Pages pages, int heads, Region partial) {
        Frame f = tape.frame();
        int group = Math.max(MIN_GROUP, f.traits().group());
        int dim = pages.headDim();
        int sharing = heads / pages.kvHeads();
        int splits = splits(f, heads, pages.kvHeads(), pages.headDim());
        int block = block(sharing, dim, group);
        int blocks = (sharing + block - 1) / block;
        if (!few(f))
            tape.add("attentionTiles", new Grid((rows, segments) -> (rows / ROWS + segments) * heads, group), (g, id) -> g.task(id, Attention::kAttendTile, f.context(), f.arena(),
                    f.step(), f.rowsAt(), f.layer(), pages.keys(), pages.values(), pages.table(), pages.pagesPerSlot(), pages.layerStride(),
                    y.at(), y.stride(), q.at(), q.stride(), heads, sharing, dim, group));
        tape.add("attention", Grid.perRow(pages.kvHeads() * blocks * splits, group), (g, id) -> g.task(id, Attention::kAttendSplit, f.context(),
                f.arena(), f.step(), f.rowsAt(), f.layer(), pages.keys(), pages.values(), pages.table(), pages.pagesPerSlot(),
                pages.layerStride(), partial.at(), partial.stride(), q.at(), q.stride(), heads, sharing, dim, splits, few(f) ? 1 : 0, group));
    }

    /** Heads that one group serves: their sums of values are in registers, at most 32 of a work-item. */
    private static int block(int sharing, int dim, int group) {
        return Math.min(Math.min(sharing, SHARED), SUMS / ((dim + group - 1) / group));
    }

    /**
     * A group for each split of up to {@code SHARED} heads of one kv head of a row: keys of a tile of positions go through local
     * memory, values are read by the work-item that owns their column. m and l of head {@code lane % SHARED} are kept alike by
     * all work-items of that head. Without {@code all}, only rows that are alone in their segment are served.
     */
    static void kAttendSplit(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray keys,
                             FloatArray values, IntArray table, int pagesPerSlot, int layerStride, int partial, int partialStride, int q,
                             int qStride, int heads, int sharing, int dim, int splits, int all, int group) {
        float[] query = context.allocateFloatLocalArray(SHARED * MAX_HEAD_DIM);
        float[] tile = context.allocateFloatLocalArray(TILE * (MAX_HEAD_DIM + 1));
        float[] weights = context.allocateFloatLocalArray(Pages.SIZE * SHARED);
        float[] peaks = context.allocateFloatLocalArray(group);
        float[] parts = context.allocateFloatLocalArray(group);
        float[] shrinks = context.allocateFloatLocalArray(SHARED);
        float[] out = new float[SUMS];
        int turns = (dim + group - 1) / group;
        int block = TornadoMath.min(TornadoMath.min(sharing, SHARED), SUMS / turns);
        int blocks = (sharing + block - 1) / block;
        int units = heads / sharing * blocks;
        int lane = context.localIdx;
        int split = context.groupIdx % splits;
        int unit = context.groupIdx / splits % units;
        int row = context.groupIdx / (splits * units);
        int record = rowsAt + StepArray.RECORD * row;
        int segment = StepArray.FIRST_SEGMENT + StepArray.RECORD * step.get(record + StepArray.SEGMENT);
        int alone = step.get(segment + StepArray.SEGMENT_END) - step.get(segment + StepArray.SEGMENT_BEGIN) == 1 ? 1 : 0;
        int live = (row < step.get(StepArray.ROWS) ? 1 : 0) & (all | alone);
        int length = live * (TornadoMath.max(0, step.get(record + StepArray.POSITION)) + 1);
        int pageCount = (length + Pages.SIZE - 1) >> Pages.SHIFT;
        int each = (pageCount + splits - 1) / splits;
        int first = split * each;
        int last = TornadoMath.min(pageCount, first + each);
        int pages = step.get(record + StepArray.SLOT) * pagesPerSlot;
        int width = heads / sharing * dim;
        int base = layer.get(0) * layerStride + unit / blocks * dim;
        int head = unit / blocks * sharing + unit % blocks * block;
        int served = TornadoMath.min(block, sharing - unit % blocks * block);
        int mine = lane & (SHARED - 1);
        float max = LOWEST;
        float sum = 0f;
        float scale = 1f / TornadoMath.sqrt((float) dim);
        for (int i = lane; i < live * served * dim; i += group) query[i] = arena.get(q + row * qStride + head * dim + i) * scale;
        for (int i = 0; i < SUMS; i++) out[i] = 0f;
        for (int page = first; page < last; page++) {
            int at = base + table.get(pages + page) * Pages.SIZE * width;
            int many = TornadoMath.min(Pages.SIZE, length - page * Pages.SIZE);
            for (int from = 0; from < Pages.SIZE; from += TILE) {
                context.localBarrier();
                for (int i = lane; i < TILE * dim; i += group) {
                    int t = i / dim;
                    if (from + t < many) tile[t * (MAX_HEAD_DIM + 1) + i % dim] = keys.get(at + (from + t) * width + i % dim);
                }
                context.localBarrier();
                for (int pair = lane; pair < TILE * SHARED; pair += group) {
                    int t = pair / SHARED;
                    int h = pair % SHARED;
                    int n = from + t < many ? (h < served ? dim : 0) : 0;
                    float s = 0f;
                    for (int j = 0; j < n; j += SUMMED) {
                        float part = 0f;
                        for (int i = j; i < TornadoMath.min(n, j + SUMMED); i++) part += query[h * dim + i] * tile[t * (MAX_HEAD_DIM + 1) + i];
                        s += part;
                    }
                    weights[(from + t) * SHARED + h] = n > 0 ? s : LOWEST;
                }
            }
            context.localBarrier();
            float most = max;
            for (int t = lane / SHARED; t < Pages.SIZE; t += group / SHARED) most = TornadoMath.max(most, weights[t * SHARED + mine]);
            peaks[lane] = most;
            context.localBarrier();
            for (int i = mine; i < group; i += SHARED) most = TornadoMath.max(most, peaks[i]);
            float part = 0f;
            for (int t = lane / SHARED; t < Pages.SIZE; t += group / SHARED) {
                float e = TornadoMath.exp(weights[t * SHARED + mine] - most);
                weights[t * SHARED + mine] = e;
                part += e;
            }
            float shrink = TornadoMath.exp(max - most);
            parts[lane] = part;
            if (lane < SHARED) shrinks[lane] = shrink;
            context.localBarrier();
            sum = sum * shrink;
            for (int i = mine; i < group; i += SHARED) sum += parts[i];
            max = most;
            for (int turn = 0; turn < turns; turn++) {
                int column = lane + turn * group;
                if (column < dim) {
                    for (int h = 0; h < block; h++) out[turn * block + h] = out[turn * block + h] * shrinks[h];
                    for (int t = 0; t < many; t++) {
                        float v = values.get(at + t * width + column);
                        for (int h = 0; h < block; h++) out[turn * block + h] += weights[t * SHARED + h] * v;
                    }
                }
            }
        }
        int to = partial + row * partialStride;
        if (first < last) {
            for (int turn = 0; turn < turns; turn++) {
                int column = lane + turn * group;
                int results = column < dim ? served : 0;
                for (int h = 0; h < results; h++)
                    arena.set(to + ((head + h) * splits + split) * (dim + 2) + column, out[turn * block + h]);
            }
            if (lane < served) {
                arena.set(to + ((head + lane) * splits + split) * (dim + 2) + dim, max);
                arena.set(to + ((head + lane) * splits + split) * (dim + 2) + dim + 1, sum);
            }
        }
    }

    /**
     * A group for each head of a tile of up to {@code ROWS} rows of one segment of more than one: keys, then values of a tile of
     * positions go through local memory; a work-item owns columns of y for all rows.
     */
    static void kAttendTile(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray keys,
                            FloatArray values, IntArray table, int pagesPerSlot, int layerStride, int y, int yStride, int q, int qStride,
                            int heads, int sharing, int dim, int group) {
        float[] query = context.allocateFloatLocalArray(ROWS * (MAX_HEAD_DIM + 1));
        float[] tile = context.allocateFloatLocalArray(TILE * (MAX_HEAD_DIM + 1));
        float[] weights = context.allocateFloatLocalArray(ROWS * TILE);
        float[] peaks = context.allocateFloatLocalArray(ROWS);
        float[] shrinks = context.allocateFloatLocalArray(ROWS);
        float[] sums = context.allocateFloatLocalArray(ROWS);
        float[] out = new float[MAX_HEAD_DIM / MIN_GROUP * ROWS];
        int lane = context.localIdx;
        int head = context.groupIdx % heads;
        int left = context.groupIdx / heads;
        int begin = 0;
        int end = 0;
        for (int s = 0; s < step.get(StepArray.SEGMENTS); s++) {
            int from = step.get(StepArray.FIRST_SEGMENT + StepArray.RECORD * s + StepArray.SEGMENT_BEGIN);
            int to = step.get(StepArray.FIRST_SEGMENT + StepArray.RECORD * s + StepArray.SEGMENT_END);
            int tiles = to - from > 1 ? (TornadoMath.max(0, to - from) + ROWS - 1) / ROWS : 0;
            int here = (left >= 0 ? 1 : 0) & (left < tiles ? 1 : 0);
            if (here == 1) {
                begin = from + left * ROWS;
                end = TornadoMath.min(to, begin + ROWS);
            }
            left -= tiles;
        }
        int record = rowsAt + StepArray.RECORD * begin;
        int start = step.get(record + StepArray.POSITION);
        int length = end > begin ? start + end - begin : 0;
        int pages = step.get(record + StepArray.SLOT) * pagesPerSlot;
        int width = heads / sharing * dim;
        int base = layer.get(0) * layerStride + head / sharing * dim;
        float scale = 1f / TornadoMath.sqrt((float) dim);
        for (int i = lane; i < ROWS * dim; i += group) {
            int r = i / dim;
            query[r * (MAX_HEAD_DIM + 1) + i % dim] = begin + r < end ? arena.get(q + (begin + r) * qStride + head * dim + i % dim) * scale : 0f;
        }
        for (int i = 0; i < MAX_HEAD_DIM / MIN_GROUP * ROWS; i++) out[i] = 0f;
        if (lane < ROWS) {
            peaks[lane] = LOWEST;
            sums[lane] = 0f;
        }
        for (int from = 0; from < length; from += TILE) {
            int at = base + (table.get(pages + (from >> Pages.SHIFT)) * Pages.SIZE + (from & (Pages.SIZE - 1))) * width;
            int many = TornadoMath.min(TILE, length - from);
            context.localBarrier();
            for (int i = lane; i < many * dim; i += group) tile[i / dim * (MAX_HEAD_DIM + 1) + i % dim] = keys.get(at + i / dim * width + i % dim);
            context.localBarrier();
            for (int pair = lane; pair < ROWS * TILE; pair += group) {
                int r = pair / TILE;
                int t = pair % TILE;
                int n = from + t <= start + r ? (t < many ? dim : 0) : 0;
                float s = 0f;
                for (int j = 0; j < n; j += SUMMED) {
                    float part = 0f;
                    for (int i = j; i < TornadoMath.min(n, j + SUMMED); i++) part += query[r * (MAX_HEAD_DIM + 1) + i] * tile[t * (MAX_HEAD_DIM + 1) + i];
                    s += part;
                }
                weights[pair] = n > 0 ? s : LOWEST;
            }
            context.localBarrier();
            for (int i = lane; i < many * dim; i += group) tile[i / dim * (MAX_HEAD_DIM + 1) + i % dim] = values.get(at + i / dim * width + i % dim);
            if (lane < ROWS) {
                float most = peaks[lane];
                for (int t = 0; t < TILE; t++) most = TornadoMath.max(most, weights[lane * TILE + t]);
                shrinks[lane] = TornadoMath.exp(peaks[lane] - most);
                peaks[lane] = most;
                float part = sums[lane] * shrinks[lane];
                for (int t = 0; t < TILE; t++) {
                    float e = TornadoMath.exp(weights[lane * TILE + t] - most);
                    weights[lane * TILE + t] = e;
                    part += e;
                }
                sums[lane] = part;
            }
            context.localBarrier();
            for (int turn = 0; turn < MAX_HEAD_DIM / MIN_GROUP; turn++) {
                int column = lane + turn * group;
                if (column < dim) {
                    for (int r = 0; r < ROWS; r++) out[turn * ROWS + r] = out[turn * ROWS + r] * shrinks[r];
                    for (int t = 0; t < many; t++) {
                        float v = tile[t * (MAX_HEAD_DIM + 1) + column];
                        for (int r = 0; r < ROWS; r++) out[turn * ROWS + r] += weights[r * TILE + t] * v;
                    }
                }
            }
        }
        for (int turn = 0; turn < MAX_HEAD_DIM / MIN_GROUP; turn++) {
            int column = lane + turn * group;
            int results = column < dim ? end - begin : 0;
            for (int r = 0; r < results; r++)
                arena.set(y + (begin + r) * yStride + head * dim + column, out[turn * ROWS + r] / sums[r]);
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
        int record = rowsAt + StepArray.RECORD * row;
        int segment = StepArray.FIRST_SEGMENT + StepArray.RECORD * step.get(record + StepArray.SEGMENT);
        int alone = step.get(segment + StepArray.SEGMENT_END) - step.get(segment + StepArray.SEGMENT_BEGIN) == 1 ? 1 : 0;
        int live = (row < step.get(StepArray.ROWS) ? 1 : 0) & (all | alone);
        int pageCount = live * ((TornadoMath.max(0, step.get(record + StepArray.POSITION)) >> Pages.SHIFT) + 1);
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
            if (gated == 1) open = 1f / (1f + TornadoMath.exp(-arena.get(gate + row * gateStride + head * gateHeadStride + i)));
            arena.set(y + row * yStride + head * dim + i, o / tree[0] * open);
        }
    }
}
