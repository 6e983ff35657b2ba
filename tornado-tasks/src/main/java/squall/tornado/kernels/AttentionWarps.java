package squall.tornado.kernels;

import squall.ops.HeadShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.LibraryScratch;
import squall.tornado.Pages;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.BFloat16;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * {@link Attention} of few rows by warps. A warp takes some positions at a time for all heads that share them, its lanes two
 * neighbouring elements of a head each, and keeps a softmax and a sum of values of its own in registers: no barrier before the end.
 */
final class AttentionWarps {
    /** Query heads that share one reading of keys and values. */
    private static final int SHARED = 8;
    /** Positions that a warp has on their way at once. */
    private static final int AHEAD = 4;
    private static final int WARP = 32;
    /** Warps of a group: as many sums of {@value #SHARED} heads as find room in local memory. */
    private static final int WARPS = 4;
    private static final int GROUP = WARPS * WARP;
    /** Elements of a head that a lane has. */
    private static final int VALUES = Attention.MAX_HEAD_DIM / WARP;
    /** Groups that a large GPU has room for at a time, four for each of its 132 multiprocessors. */
    private static final int GROUPS = 528;
    /** Splits of a row where rows alone fill the device: the longest context decides how long a step takes. */
    private static final int LEAST_SPLITS = 8;
    /** Splits of a row that is alone in its segment, beside segments of many rows. */
    private static final int SPLITS_AMONG_MANY = 2;
    /** Rows of a recording for decoding. */
    private static final int FEW = 64;
    /** Work-items of a group that merges. */
    private static final int MERGERS = 256;
    /** Most splits of a row: of two kv heads, as many more groups would each have little to read, and more to merge. */
    private static final int MOST_SPLITS = GROUPS / 4;
    /** A split is some times as many positions, those that a group takes at a time. */
    private static final int UNIT_SHIFT = 4;
    private static final int UNIT = 1 << UNIT_SHIFT;

    // fields of a number of the merge: what rows are merged, whether they are the library's, the elements of a group, and rows in any case
    private static final int ROUNDED_SHIFT = 1;
    private static final int MERGED_SHIFT = 2;
    private static final int LEAST_SHIFT = 16;

    private static final ShortArray NO_ROWS = new ShortArray(1);

    private AttentionWarps() {}

    /** Whether a recording is for rows that come one or some at a time. */
    static boolean few(Frame f) {
        return f.maxRows() <= FEW;
    }

    static int splits(Frame f, int kvHeads) {
        return few(f) ? Math.min(MOST_SPLITS, Math.max(LEAST_SPLITS, GROUPS / (f.maxRows() * kvHeads))) : SPLITS_AMONG_MANY;
    }

    /**
     * All rows, or in a recording for many those that are alone in their segments.
     *
     * @param partial for each head the sums of all splits, [splits, dim], then their maxima and the sums of their weights
     * @param y       null where the result is to be the library's rows and nothing else, see {@link BrainRows}
     * @param gate    null for none
     */
    static void record(Tape tape, Region y, Region q, Pages pages, int heads, Region partial, Region gate, HeadShape shape) {
        Frame f = tape.frame();
        int kvHeads = pages.kvHeads(), dim = pages.headDim(), splits = splits(f, kvHeads), sharing = heads / kvHeads;
        int blocks = (sharing + SHARED - 1) / SHARED, all = few(f) ? 1 : 0;
        boolean paged = AttentionPages.serves(f, pages);
        // tensor cores take a page at a time; where rows fill the device by themselves, what each adds counts
        int least = !paged ? UNIT : f.maxRows() < FEW ? Pages.SIZE : 2 * Pages.SIZE, merged = f.maxRows() == 1 ? WARP : MERGERS;
        if (paged) AttentionPages.record(tape, q, pages, heads, partial, splits, all, least);
        else tape.add("attention", grid(all, kvHeads * blocks * splits, GROUP), (g, id) -> Kept.ready(g, pages).task(id, AttentionWarps::kAttendWarps,
                f.context(), f.arena(), f.step(), f.layer(), Kept.keys(pages), Kept.values(pages), Kept.halfKeys(pages),
                Kept.halfValues(pages), pages.table(), Place.of(partial), Place.of(q), Pair.of(pages.pagesPerSlot(), pages.layerStride()),
                Pair.of(heads, kvHeads), Pair.of(dim, splits), Pair.of(f.rowsAt(), all << 1 | Kept.half(pages))));
        long gates = gate == null ? 0 : Place.of(gate) + shape.offset();
        int how = (y == null ? LibraryProduct.repeated(f) : 0) << LEAST_SHIFT | merged << MERGED_SHIFT | (y == null ? 1 : 0) << ROUNDED_SHIFT | all;
        if (y == null) f.scratch().needBrains(f.maxRows(), heads * dim);
        tape.add("attentionMerge", grid(all, heads * ((dim + merged - 1) / merged), MERGERS), (g, id) -> ready(g).task(id, AttentionWarps::kMergeWarps,
                f.context(), f.arena(), f.step(), y == null ? f.scratch().brains() : NO_ROWS, y == null ? Place.of(LibraryScratch.FIRST_HALF, heads * dim) : Place.of(y),
                Place.of(partial), gates, gate == null ? 0 : shape.stride(), Pair.of(heads, dim), Pair.of(splits, least), Pair.of(f.rowsAt(), how)));
    }

    /** A graph that has what stands for rows of the library that are not there. */
    private static TaskGraph ready(TaskGraph g) {
        return g.transferToDevice(DataTransferMode.FIRST_EXECUTION, NO_ROWS);
    }

    /** Groups for every row or, as at most one row of a segment is alone in it, for every segment. */
    static Grid grid(int all, int groups, int local) {
        return all == 1 ? Grid.perRow(groups, local) : Grid.perSegment(groups, local);
    }

    /** The row that number n of a grid is for. */
    static int row(IntArray step, int n, int all) {
        int segment = TornadoMath.max(0, TornadoMath.min(n, step.get(StepArray.SEGMENTS) - 1));
        int begin = step.get(StepArray.FIRST_SEGMENT + StepArray.RECORD * segment + StepArray.SEGMENT_BEGIN);
        return all == 1 ? n : begin;
    }

    /** Positions that the row sees which number n of a grid is for; 0 for none. */
    static int length(IntArray step, int rowsAt, int n, int all) {
        int there = all == 1 ? 1 : n < step.get(StepArray.SEGMENTS) ? 1 : 0;
        return there * Attention.length(step, rowsAt, row(step, n, all), all);
    }

    /** Positions of a split of a row that sees {@code length}: so many that splits are equally long but for the last, and {@code least}. */
    static int each(int length, int splits, int least) {
        int units = (length + UNIT - 1) >> UNIT_SHIFT;
        return TornadoMath.max(least, (units + splits - 1) / splits * UNIT);
    }

    /** A group for each split of up to {@value #SHARED} heads of one kv head of a row. */
    static void kAttendWarps(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray keys, FloatArray values,
                             HalfFloatArray halfKeys, HalfFloatArray halfValues, IntArray table, long partial, long q, long pages,
                             long headCounts, long dimSplits, long rowsHalf) {
        float[] merged = context.allocateFloatLocalArray(WARPS * SHARED * Attention.MAX_HEAD_DIM);
        float[] peaks = context.allocateFloatLocalArray(WARPS * SHARED);
        float[] parts = context.allocateFloatLocalArray(WARPS * SHARED);
        float[] query = new float[SHARED * VALUES];
        float[] out = new float[SHARED * VALUES];
        float[] key = new float[AHEAD * VALUES];
        float[] value = new float[AHEAD * VALUES];
        float[] score = new float[AHEAD];
        float[] max = new float[SHARED];
        float[] sum = new float[SHARED];
        int heads = Pair.first(headCounts), kvHeads = Pair.second(headCounts), dim = Pair.first(dimSplits), splits = Pair.second(dimSplits);
        int half = Pair.second(rowsHalf) & 1, sharing = heads / kvHeads, blocks = (sharing + SHARED - 1) / SHARED, block = (sharing + blocks - 1) / blocks;
        int split = context.groupIdx % splits, unit = context.groupIdx / splits % (kvHeads * blocks), number = context.groupIdx / (splits * kvHeads * blocks);
        int lane = context.localIdx & (WARP - 1), warp = context.localIdx / WARP;
        int all = Pair.second(rowsHalf) >> 1, row = row(step, number, all), length = length(step, Pair.first(rowsHalf), number, all);
        int record = Pair.first(rowsHalf) + StepArray.RECORD * row;
        int first = split * each(length, splits, UNIT), end = TornadoMath.min(length, first + each(length, splits, UNIT));
        int head = unit / blocks * sharing + unit % blocks * block, served = TornadoMath.min(block, sharing - unit % blocks * block);
        int width = kvHeads * dim, base = layer.get(0) * Pair.second(pages) + unit / blocks * dim + 2 * lane;
        int slot = step.get(record + StepArray.SLOT) * Pair.first(pages), from = Place.start(q, row) + head * dim + 2 * lane;
        float unitScore = 1f / TornadoMath.sqrt((float) dim);
        int asked = first < end ? served : 0;
        for (int h = 0; h < block; h++) {
            max[h] = Attention.LOWEST;
            sum[h] = 0f;
            for (int j = 0; j < VALUES; j++) {
                int i = (j >> 1) * 2 * WARP + (j & 1);
                query[h * VALUES + j] = h < asked && 2 * lane + i < dim ? arena.get(from + h * dim + i) * unitScore : 0f;
                out[h * VALUES + j] = 0f;
            }
        }
        for (int p = first + AHEAD * warp; p < end; p += AHEAD * WARPS) {
            int at = base + (table.get(slot + (p >> Pages.SHIFT)) * Pages.SIZE + (p & (Pages.SIZE - 1))) * width;
            for (int t = 0; t < AHEAD; t++)
                for (int j = 0; j < VALUES; j += 2) {
                    int i = at + TornadoMath.min(t, end - 1 - p) * width + j * WARP, inside = 2 * lane + j * WARP < dim ? 1 : 0;
                    if (half == 1 && inside == 1) {
                        Half2 k = halfKeys.getHalf2(i), v = halfValues.getHalf2(i);
                        set(key, t * VALUES + j, Half2.lowFloat(k), Half2.highFloat(k));
                        set(value, t * VALUES + j, Half2.lowFloat(v), Half2.highFloat(v));
                    }
                    if (half == 0 && inside == 1) {
                        set(key, t * VALUES + j, keys.get(i), keys.get(i + 1));
                        set(value, t * VALUES + j, values.get(i), values.get(i + 1));
                    }
                    if (inside == 0) {
                        set(key, t * VALUES + j, 0f, 0f);
                        set(value, t * VALUES + j, 0f, 0f);
                    }
                }
            for (int h = 0; h < block; h++) {
                float most = max[h];
                for (int t = 0; t < AHEAD; t++) {
                    float dot = 0f;
                    for (int j = 0; j < VALUES; j++) dot += query[h * VALUES + j] * key[t * VALUES + j];
                    float whole = context.simdSum(dot);
                    score[t] = p + t < end ? whole : Attention.LOWEST;
                    most = TornadoMath.max(most, score[t]);
                }
                float shrink = TornadoMath.exp(max[h] - most);
                max[h] = most;
                sum[h] = sum[h] * shrink;
                for (int j = 0; j < VALUES; j++) out[h * VALUES + j] = out[h * VALUES + j] * shrink;
                for (int t = 0; t < AHEAD; t++) {
                    float e = TornadoMath.exp(score[t] - most);
                    sum[h] = sum[h] + e;
                    for (int j = 0; j < VALUES; j++) out[h * VALUES + j] += e * value[t * VALUES + j];
                }
            }
        }
        for (int h = 0; h < block; h++) {
            for (int j = 0; j < VALUES; j++) merged[(warp * SHARED + h) * Attention.MAX_HEAD_DIM + (j >> 1) * 2 * WARP + (j & 1) + 2 * lane] = out[h * VALUES + j];
            if (lane == 0) {
                peaks[warp * SHARED + h] = max[h];
                parts[warp * SHARED + h] = sum[h];
            }
        }
        context.localBarrier();
        int to = Place.start(partial, row) + head * splits * (dim + 2) + split * dim;
        for (int i = context.localIdx; i < asked * dim; i += GROUP) {
            int h = i / dim, j = i % dim;
            float most = TornadoMath.max(TornadoMath.max(peaks[h], peaks[SHARED + h]), TornadoMath.max(peaks[2 * SHARED + h], peaks[3 * SHARED + h]));
            float o = 0f, l = 0f;
            for (int k = 0; k < WARPS; k++) {
                float e = TornadoMath.exp(peaks[k * SHARED + h] - most);
                o += e * merged[(k * SHARED + h) * Attention.MAX_HEAD_DIM + j];
                l += e * parts[k * SHARED + h];
            }
            arena.set(to + h * splits * (dim + 2) + j, o);
            if (j == 0) tail(arena, to - split * dim + h * splits * (dim + 2) + splits * dim + split, splits, most, l);
        }
    }

    /** Two neighbours of a work-item's own numbers. */
    private static void set(float[] to, int i, float first, float second) {
        to[i] = first;
        to[i + 1] = second;
    }

    /** Leaves the largest score of a split and the sum of its weights. */
    static void tail(FloatArray arena, int at, int splits, float most, float sum) {
        arena.set(at, most);
        arena.set(at + splits, sum);
    }

    /**
     * A group for some elements of a head of a row; its parts of as many work-items take a split each by turns. Every warp works
     * out the weights of all splits by itself: {@code y = sum_s e^(m_s - m) o_s / sum_s e^(m_s - m) l_s}, then times sigmoid(gate)
     * where heads have one.
     *
     * @param gate        where the gates of rows start
     * @param gateHead    elements from head to head, 0 for no gates
     * @param splitsLeast splits, and the fewest positions of one
     * @param y           rows of the arena or, rounded, of {@code rows}, where those that are not alive become zeros
     * @param rowsMerged  where rows' records start; and how, see the fields
     */
    static void kMergeWarps(KernelContext context, FloatArray arena, IntArray step, ShortArray rows, long y, long partial, long gate, int gateHead,
                            long headsDim, long splitsLeast, long rowsMerged) {
        float[] weights = context.allocateFloatLocalArray(MOST_SPLITS);
        float[] sums = context.allocateFloatLocalArray(MERGERS);
        int heads = Pair.first(headsDim), dim = Pair.second(headsDim), splits = Pair.first(splitsLeast), how = Pair.second(rowsMerged), all = how & 1;
        int merged = how >> MERGED_SHIFT & (1 << LEAST_SHIFT - MERGED_SHIFT) - 1, rounded = how >> ROUNDED_SHIFT & 1, blocks = (dim + merged - 1) / merged;
        int item = context.localIdx, lane = item & (WARP - 1), part = item / merged;
        int column = context.groupIdx % blocks * merged + item % merged;
        int head = context.groupIdx / blocks % heads, number = context.groupIdx / (blocks * heads);
        int row = row(step, number, all), length = length(step, Pair.first(rowsMerged), number, all), alive = TornadoMath.min(1, length);
        int each = each(length, splits, Pair.second(splitsLeast)), used = (length + each - 1) / each;
        int from = Place.start(partial, row) + head * splits * (dim + 2), tail = from + splits * dim;
        int mine = column < dim ? used : 0, tails = (splits + WARP - 1) / WARP, parts = MERGERS / merged, own = (splits + parts - 1) / parts;
        float[] peak = new float[MOST_SPLITS / WARP + 1], share = new float[MOST_SPLITS / WARP + 1], there = new float[MOST_SPLITS];
        // everything is asked for before anything is waited for
        float gated = gateHead * alive > 0 ? arena.get(Place.start(gate, row) + head * gateHead + TornadoMath.min(column, dim - 1)) : 0f;
        for (int k = 0; k < tails; k++) {
            peak[k] = lane + k * WARP < used ? arena.get(tail + lane + k * WARP) : Attention.LOWEST;
            share[k] = lane + k * WARP < used ? arena.get(tail + splits + lane + k * WARP) : 0f;
        }
        for (int k = 0; k < own; k++) there[k] = part + k * parts < mine ? arena.get(from + (part + k * parts) * dim + column) : 0f;
        float most = peak[0];
        for (int k = 1; k < tails; k++) most = TornadoMath.max(most, peak[k]);
        for (int by = WARP >> 1; by > 0; by >>= 1) most = TornadoMath.max(most, context.simdShuffleDown(most, by));
        most = context.simdBroadcastFirst(most);
        float whole = 0f;
        for (int k = 0; k < tails; k++) {
            float weight = TornadoMath.exp(peak[k] - most);
            whole += weight * share[k];
            if (item < WARP && lane + k * WARP < splits) weights[lane + k * WARP] = weight;
        }
        whole = context.simdSum(whole);
        context.localBarrier();
        float o = 0f;
        for (int k = 0; k < own; k++) o += weights[TornadoMath.min(part + k * parts, splits - 1)] * there[k];
        sums[item] = o;
        context.localBarrier();
        int written = item < merged ? alive * dim : 0, end = column < written ? MERGERS : 0, to = Place.start(y, row) + head * dim + column;
        float result = 0f;
        for (int i = item; i < end; i += merged) result += sums[i];
        if (column < written) result = result / whole;
        if (column < written && gateHead > 0) result = result * Activation.sigmoid(gated);
        if (column < written && rounded == 0) arena.set(to, result);
        int zeroed = item < merged && row < TornadoMath.max(alive * (row + 1), how >> LEAST_SHIFT) ? rounded * dim : 0;
        if (column < zeroed) rows.set(to, BFloat16.bf16FromFloat(result));
    }
}
