package squall.tornado.kernels;

import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Pages;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** {@link Attention} by work-groups, for GPUs: keys in local memory, sums of values in registers. */
public final class AttentionGroups {
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

    private AttentionGroups() {}

    /** Tiles where there may be many rows, and splits for the rest; splits are merged afterwards. */
    static void record(Tape tape, Region y, Region q, Pages pages, int heads, Region partial, int splits) {
        Frame f = tape.frame();
        int group = group(f), dim = pages.headDim(), sharing = heads / pages.kvHeads();
        int block = block(sharing, dim, group);
        int blocks = (sharing + block - 1) / block;
        boolean few = Attention.few(f);
        if (!few) recordTiles(tape, y, q, pages, heads);
        tape.add("attention", Grid.perRow(pages.kvHeads() * blocks * splits, group), (g, id) -> g.task(id, AttentionGroups::kAttendSplit, f.context(),
                f.arena(), f.step(), f.rowsAt(), f.layer(), Kept.keys(pages), Kept.values(pages), pages.table(),
                pages.pagesPerSlot(), pages.layerStride(), partial.at(), partial.stride(), q.at(), q.stride(), heads, sharing, dim, splits,
                few ? 1 : 0, group));
    }

    /** Rows of segments of more than one. */
    static void recordTiles(Tape tape, Region y, Region q, Pages pages, int heads) {
        Frame f = tape.frame();
        int group = group(f);
        Grid grid = new Grid((rows, segments) -> (rows / ROWS + segments) * heads, group);
        tape.add("attentionTiles", grid, (g, id) -> Kept.ready(g, pages).task(id, AttentionGroups::kAttendTile, f.context(), f.arena(), f.step(),
                f.rowsAt(), f.layer(), Kept.keys(pages), Kept.values(pages), Kept.halfKeys(pages),
                Kept.halfValues(pages), Kept.half(pages), pages.table(), pages.pagesPerSlot(), pages.layerStride(), Place.of(y), Place.of(q),
                heads, heads / pages.kvHeads(), pages.headDim(), group));
    }

    private static int group(Frame f) {
        return Math.max(MIN_GROUP, f.traits().group());
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
        float[] query = context.allocateFloatLocalArray(SHARED * Attention.MAX_HEAD_DIM);
        float[] tile = context.allocateFloatLocalArray(TILE * (Attention.MAX_HEAD_DIM + 1));
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
        int length = Attention.length(step, rowsAt, row, all);
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
        float max = Attention.LOWEST;
        float sum = 0f;
        float scale = 1f / TornadoMath.sqrt((float) dim);
        for (int i = lane; i < TornadoMath.min(1, length) * served * dim; i += group) query[i] = arena.get(q + row * qStride + head * dim + i) * scale;
        for (int i = 0; i < SUMS; i++) out[i] = 0f;
        for (int page = first; page < last; page++) {
            int at = base + table.get(pages + page) * Pages.SIZE * width;
            int many = TornadoMath.min(Pages.SIZE, length - page * Pages.SIZE);
            for (int from = 0; from < Pages.SIZE; from += TILE) {
                context.localBarrier();
                for (int i = lane; i < TILE * dim; i += group)
                    if (from + i / dim < many) tile[i / dim * (Attention.MAX_HEAD_DIM + 1) + i % dim] = keys.get(at + (from + i / dim) * width + i % dim);
                context.localBarrier();
                for (int pair = lane; pair < TILE * SHARED; pair += group) {
                    int t = pair / SHARED;
                    int h = pair % SHARED;
                    int n = from + t < many ? (h < served ? dim : 0) : 0;
                    float s = 0f;
                    for (int j = 0; j < n; j += SUMMED) {
                        float part = 0f;
                        for (int i = j; i < TornadoMath.min(n, j + SUMMED); i++) part += query[h * dim + i] * tile[t * (Attention.MAX_HEAD_DIM + 1) + i];
                        s += part;
                    }
                    weights[(from + t) * SHARED + h] = n > 0 ? s : Attention.LOWEST;
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
                            FloatArray values, HalfFloatArray halfKeys, HalfFloatArray halfValues, int kept, IntArray table, int pagesPerSlot,
                            int layerStride, long y, long q, int heads, int sharing, int dim, int group) {
        float[] query = context.allocateFloatLocalArray(ROWS * (Attention.MAX_HEAD_DIM + 1));
        float[] tile = context.allocateFloatLocalArray(TILE * (Attention.MAX_HEAD_DIM + 1));
        float[] weights = context.allocateFloatLocalArray(ROWS * TILE);
        float[] peaks = context.allocateFloatLocalArray(ROWS);
        float[] shrinks = context.allocateFloatLocalArray(ROWS);
        float[] sums = context.allocateFloatLocalArray(ROWS);
        float[] out = new float[Attention.MAX_HEAD_DIM / MIN_GROUP * ROWS];
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
            query[r * (Attention.MAX_HEAD_DIM + 1) + i % dim] = begin + r < end ? arena.get(Place.start(q, begin + r) + head * dim + i % dim) * scale : 0f;
        }
        for (int i = 0; i < Attention.MAX_HEAD_DIM / MIN_GROUP * ROWS; i++) out[i] = 0f;
        if (lane < ROWS) {
            peaks[lane] = Attention.LOWEST;
            sums[lane] = 0f;
        }
        for (int from = 0; from < length; from += TILE) {
            int at = base + (table.get(pages + (from >> Pages.SHIFT)) * Pages.SIZE + (from & (Pages.SIZE - 1))) * width;
            int many = TornadoMath.min(TILE, length - from);
            context.localBarrier();
            for (int i = lane; i < many * dim; i += group) tile[i / dim * (Attention.MAX_HEAD_DIM + 1) + i % dim] = Kept.get(keys, halfKeys, kept, at + i / dim * width + i % dim);
            context.localBarrier();
            for (int pair = lane; pair < ROWS * TILE; pair += group) {
                int r = pair / TILE;
                int t = pair % TILE;
                int n = from + t <= start + r ? (t < many ? dim : 0) : 0;
                float s = 0f;
                for (int j = 0; j < n; j += SUMMED) {
                    float part = 0f;
                    for (int i = j; i < TornadoMath.min(n, j + SUMMED); i++) part += query[r * (Attention.MAX_HEAD_DIM + 1) + i] * tile[t * (Attention.MAX_HEAD_DIM + 1) + i];
                    s += part;
                }
                weights[pair] = n > 0 ? s : Attention.LOWEST;
            }
            context.localBarrier();
            for (int i = lane; i < many * dim; i += group) tile[i / dim * (Attention.MAX_HEAD_DIM + 1) + i % dim] = Kept.get(values, halfValues, kept, at + i / dim * width + i % dim);
            for (int r = lane; r < ROWS; r += group) {
                float most = peaks[r];
                for (int t = 0; t < TILE; t++) most = TornadoMath.max(most, weights[r * TILE + t]);
                shrinks[r] = TornadoMath.exp(peaks[r] - most);
                peaks[r] = most;
                float part = sums[r] * shrinks[r];
                for (int t = 0; t < TILE; t++) {
                    float e = TornadoMath.exp(weights[r * TILE + t] - most);
                    weights[r * TILE + t] = e;
                    part += e;
                }
                sums[r] = part;
            }
            context.localBarrier();
            for (int turn = 0; turn < Attention.MAX_HEAD_DIM / MIN_GROUP; turn++) {
                int column = lane + turn * group;
                if (column < dim) {
                    for (int r = 0; r < ROWS; r++) out[turn * ROWS + r] = out[turn * ROWS + r] * shrinks[r];
                    for (int t = 0; t < many; t++) {
                        float v = tile[t * (Attention.MAX_HEAD_DIM + 1) + column];
                        for (int r = 0; r < ROWS; r++) out[turn * ROWS + r] += weights[r * TILE + t] * v;
                    }
                }
            }
        }
        for (int turn = 0; turn < Attention.MAX_HEAD_DIM / MIN_GROUP; turn++) {
            int column = lane + turn * group;
            int results = column < dim ? end - begin : 0;
            for (int r = 0; r < results; r++)
                arena.set(Place.start(y, begin + r) + head * dim + column, out[turn * ROWS + r] / sums[r]);
        }
    }
}
