package squall.tornado.kernels;

import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Pages;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * {@link Attention} of prompts on tensor cores (Dao et al., FlashAttention, 2022): queries, keys, values and weights are halves,
 * sums and the running softmax are floats. A group serves {@value #QUERIES} queries, those of some rows in all heads that share
 * a kv head, and goes through the positions {@value #POSITIONS} at a time:
 * <pre>
 *   S^T = K Q^T                        m' = max(m, S)    p = e^(S - m')
 *   l = e^(m - m') l + sum p           o = e^(m - m') o + p V
 * </pre>
 * Tiles of operands lie in local memory as tensor cores load them: of K and p 16 x 16 halves, of Q^T and V 16 x 8.
 */
final class AttentionTiles {
    static final int QUERIES = 32;
    private static final int SHIFT = 5;
    private static final int POSITIONS = 1 << SHIFT;
    private static final int WARP = 32;
    private static final int GROUP = 8 * WARP;
    /** Warps that share a tile of queries, each with a part of the columns of V. */
    private static final int PARTS = 4;
    /** Positions that a work-item weighs for its query. */
    private static final int WEIGHED = POSITIONS * QUERIES / GROUP;
    /** From one position's scores to the next. */
    private static final int PITCH = QUERIES + 1;
    /** Ints of a tile of 16 x 16 halves and of one of 16 x 8, with a gap that keeps neighbours out of each other's banks. */
    private static final int LARGE = 136;
    private static final int SMALL = 68;
    /** Floats of local memory for a warp's 16 x 8 sums, lane by lane without bank conflicts, and from a row's sums to the row eight below. */
    private static final int SUMS = 138;
    private static final int BELOW = 72;
    /** A FloatArray over local memory has its first element behind a header. */
    private static final int HEADER = 4;

    private AttentionTiles() {}

    /** Whether segments of many rows are served here. */
    static boolean serves(Frame f, Pages pages, int heads) {
        Traits t = f.traits();
        int dim = pages.headDim();
        return t.shape() == Traits.Shape.WARPS && !t.precise() && dim % QUERIES == 0 && dim <= Attention.MAX_HEAD_DIM
                && heads / pages.kvHeads() <= QUERIES;
    }

    /** Rows of segments of more than one. */
    static void record(Tape tape, Region y, Region q, Pages pages, int heads) {
        Frame f = tape.frame();
        int each = QUERIES / (heads / pages.kvHeads());
        Grid grid = new Grid((rows, segments) -> (rows / each + segments) * pages.kvHeads(), GROUP);
        tape.add("attentionTiles", grid, (g, id) -> Kept.ready(g, pages).task(id, AttentionTiles::kAttendTensor, f.context(), f.arena(), f.step(),
                f.layer(), Kept.keys(pages), Kept.values(pages), Kept.halfKeys(pages), Kept.halfValues(pages),
                Kept.half(pages), pages.table(), pages.pagesPerSlot(), pages.layerStride(), Place.of(y), Place.of(q), heads,
                heads / pages.kvHeads(), pages.headDim()));
    }

    /**
     * A group for each kv head and {@code QUERIES / sharing} rows of a segment, the last rows first: they see most positions.
     * Query j is row {@code j / sharing} in head {@code j % sharing} of those that share the kv head. A work-item weighs positions
     * of query {@code lane % QUERIES}; all of a query keep m alike and sums l of their own.
     */
    static void kAttendTensor(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray keys, FloatArray values,
                              HalfFloatArray halfKeys, HalfFloatArray halfValues, int kept, IntArray table, int pagesPerSlot, int layerStride,
                              long y, long q, int heads, int sharing, int dim) {
        int[] queries = context.allocateIntLocalArray(QUERIES / 16 * Attention.MAX_HEAD_DIM / 16 * LARGE);
        int[] tile = context.allocateIntLocalArray(POSITIONS / 16 * Attention.MAX_HEAD_DIM / 16 * LARGE);
        int[] weights = context.allocateIntLocalArray(QUERIES / 16 * POSITIONS / 16 * LARGE);
        float[] scores = context.allocateFloatLocalArray(HEADER + POSITIONS * PITCH);
        float[] sums = context.allocateFloatLocalArray(HEADER + GROUP / WARP * SUMS);
        float[] shrinks = context.allocateFloatLocalArray(QUERIES);
        FloatArray scoresBehind = (FloatArray) (Object) scores;
        FloatArray sumsBehind = (FloatArray) (Object) sums;
        float[] out = new float[Attention.MAX_HEAD_DIM / 2 / PARTS];
        int lane = context.localIdx, warp = lane / WARP, inWarp = lane % WARP;
        // unrolled by the compiler, a loop over all positions takes the registers of a second group
        int none = context.groupIdx >> 24;
        int kvHeads = heads / sharing, kvHead = context.groupIdx % kvHeads, each = QUERIES / sharing;
        int part = context.groupIdx / kvHeads;
        int segments = step.get(StepArray.SEGMENTS);
        int segment = 0;
        while (segment < segments && part >= parts(step, segment, each)) {
            part -= parts(step, segment, each);
            segment++;
        }
        int alive = segment < segments ? 1 : 0;
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN), end = step.get(record + StepArray.SEGMENT_END);
        int first = begin + (parts(step, segment * alive, each) - 1 - part) * each;
        int n = alive * TornadoMath.min(each, end - first);
        int start = step.get(record + StepArray.SEGMENT_START) + first - begin;
        int last = start + n - 1;
        int pages = step.get(record + StepArray.SEGMENT_SLOT) * pagesPerSlot;
        int width = kvHeads * dim, base = layer.get(0) * layerStride + kvHead * dim;
        float scale = 1f / TornadoMath.sqrt((float) dim);
        int pairs = dim / 2;
        int filled = n > 0 ? QUERIES * pairs : 0;
        // queries two by two: element by element of a row of Q^T they are neighbours
        for (int e = lane; e < filled; e += GROUP) {
            int d = e % dim, j = e / dim * 2;
            queries[(d / 16 * (QUERIES / 8) + j / 8) * SMALL + d % 16 * 4 + j % 8 / 2] =
                    pack(query(arena, q, first, n, kvHead, sharing, dim, j, d) * scale, query(arena, q, first, n, kvHead, sharing, dim, j + 1, d) * scale);
        }
        for (int i = 0; i < Attention.MAX_HEAD_DIM / 2 / PARTS; i++) out[i] = 0f;
        int mine = lane % QUERIES, from = lane / QUERIES * WEIGHED;
        int limit = start + mine / sharing;
        float max = Attention.LOWEST, sum = 0f;
        int own = warp * SUMS + 2 * inWarp + inWarp / 16;
        int ownRow = -(inWarp / 4), ownColumn = own - inWarp % 4 * 2;
        int tileRow = warp % 2 * 16 + inWarp / 4;
        int tiles = n > 0 ? (last >> SHIFT) + 1 : 0;
        for (int t = 0; t < tiles; t++) {
            int at = base + (table.get(pages + t * POSITIONS / Pages.SIZE) * Pages.SIZE + t * POSITIONS % Pages.SIZE) * width;
            int most = TornadoMath.min(POSITIONS - 1, last - t * POSITIONS);
            for (int e = lane; e < POSITIONS * pairs; e += GROUP) {
                int p = e / pairs, d = e % pairs;
                int to = (p / 16 * (dim / 16) + d / 8) * LARGE + p % 16 * 8 + d % 8, key = at + TornadoMath.min(p, most) * width + 2 * d;
                if (kept == 1) context.asyncCopyToLocal(tile, to, halfKeys, key);
                if (kept == 0) tile[to] = pack(keys.get(key), keys.get(key + 1));
            }
            context.asyncCopyCommit();
            context.asyncCopyWaitGroup(0);
            context.localBarrier();
            float[] product = context.mmaFragment(0f);
            for (int i = 0; i < dim / 16; i++) {
                HalfFloat[] a = context.mmaLoadA(tile, 16, (warp % 2 * (dim / 16) + i) * LARGE * 4);
                HalfFloat[] b = context.mmaLoadB(queries, 16, (i * (QUERIES / 8) + warp / 2) * SMALL * 4);
                product = context.mma(a, b, product, MMAShape.M16N8K16);
            }
            context.mmaStore(product, scoresBehind, warp % 2 * 16, warp / 2 * 8, PITCH);
            context.localBarrier();
            float old = max;
            for (int p = 0; p < POSITIONS + none; p++) {
                float score = t * POSITIONS + p <= limit ? scores[HEADER + p * PITCH + mine] : Attention.LOWEST;
                max = score > max ? score : max;
            }
            float shrink = TornadoMath.exp(old - max);
            sum *= shrink;
            for (int p = from; p < from + WEIGHED; p += 2) {
                float low = t * POSITIONS + p <= limit ? TornadoMath.exp(scores[HEADER + p * PITCH + mine] - max) : 0f;
                float high = t * POSITIONS + p + 1 <= limit ? TornadoMath.exp(scores[HEADER + (p + 1) * PITCH + mine] - max) : 0f;
                sum += low + high;
                weights[(mine / 16 * (POSITIONS / 16) + p / 16) * LARGE + mine % 16 * 8 + p % 16 / 2] = pack(low, high);
            }
            if (lane < QUERIES) shrinks[lane] = shrink;
            for (int e = lane; e < POSITIONS * pairs; e += GROUP) {
                int p = e / pairs, d = e % pairs;
                int to = (p / 16 * (dim / 8) + d / 4) * SMALL + p % 16 * 4 + d % 4, value = at + TornadoMath.min(p, most) * width + 2 * d;
                if (kept == 1) context.asyncCopyToLocal(tile, to, halfValues, value);
                if (kept == 0) tile[to] = pack(values.get(value), values.get(value + 1));
            }
            context.asyncCopyCommit();
            context.asyncCopyWaitGroup(0);
            context.localBarrier();
            float upper = shrinks[tileRow], lower = shrinks[tileRow + 8];
            HalfFloat[] p0 = context.mmaLoadA(weights, 16, warp % 2 * 2 * LARGE * 4);
            HalfFloat[] p1 = context.mmaLoadA(weights, 16, (warp % 2 * 2 + 1) * LARGE * 4);
            for (int i = 0; i < dim / 8 / PARTS; i++) {
                int column = warp / 2 * (dim / 8 / PARTS) + i;
                float[] o = context.mma(p0, context.mmaLoadB(tile, 16, column * SMALL * 4), context.mmaFragment(0f), MMAShape.M16N8K16);
                o = context.mma(p1, context.mmaLoadB(tile, 16, (dim / 8 + column) * SMALL * 4), o, MMAShape.M16N8K16);
                context.mmaStore(o, sumsBehind, ownRow, ownColumn, BELOW / 8);
                out[4 * i] = upper * out[4 * i] + sums[HEADER + own];
                out[4 * i + 1] = upper * out[4 * i + 1] + sums[HEADER + own + 1];
                out[4 * i + 2] = lower * out[4 * i + 2] + sums[HEADER + own + BELOW];
                out[4 * i + 3] = lower * out[4 * i + 3] + sums[HEADER + own + BELOW + 1];
            }
            context.localBarrier();
        }
        scores[HEADER + lane / QUERIES * PITCH + mine] = sum;
        context.localBarrier();
        float total = 0f, totalBelow = 0f;
        for (int i = 0; i < GROUP / QUERIES; i++) {
            total += scores[HEADER + i * PITCH + tileRow];
            totalBelow += scores[HEADER + i * PITCH + tileRow + 8];
        }
        int above = Place.start(y, first + tileRow / sharing) + (kvHead * sharing + tileRow % sharing) * dim;
        int below = Place.start(y, first + (tileRow + 8) / sharing) + (kvHead * sharing + (tileRow + 8) % sharing) * dim;
        for (int i = 0; i < dim / 8 / PARTS; i++) {
            int column = (warp / 2 * (dim / 8 / PARTS) + i) * 8 + inWarp % 4 * 2;
            if (tileRow / sharing < n) {
                arena.set(above + column, out[4 * i] / total);
                arena.set(above + column + 1, out[4 * i + 1] / total);
            }
            if ((tileRow + 8) / sharing < n) {
                arena.set(below + column, out[4 * i + 2] / totalBelow);
                arena.set(below + column + 1, out[4 * i + 3] / totalBelow);
            }
        }
    }

    /** Groups for a segment and kv head; none for a single row. */
    private static int parts(IntArray step, int segment, int each) {
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        int rows = step.get(record + StepArray.SEGMENT_END) - step.get(record + StepArray.SEGMENT_BEGIN);
        return rows > 1 ? (rows + each - 1) / each : 0;
    }

    /** Element d of query j; nothing beyond the last row. */
    private static float query(FloatArray arena, long q, int first, int n, int kvHead, int sharing, int dim, int j, int d) {
        int row = j / sharing;
        float value = arena.get(Place.start(q, first + TornadoMath.min(row, n - 1)) + (kvHead * sharing + j % sharing) * dim + d);
        return row < n ? value : 0f;
    }

    private static int pack(float low, float high) {
        return (new HalfFloat(low).getHalfFloatValue() & 0xFFFF) | (new HalfFloat(high).getHalfFloatValue() & 0xFFFF) << 16;
    }
}
