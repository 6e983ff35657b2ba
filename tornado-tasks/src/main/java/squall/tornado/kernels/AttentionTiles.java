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
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * {@link Attention} of prompts on tensor cores (Dao, FlashAttention-2, 2023): queries, keys, values and weights are halves, sums
 * and the running softmax are floats. A group serves {@value #QUERIES} queries, those of some rows in all heads that share a kv
 * head, a warp {@value #SIDE} of them, and goes through the positions {@value #POSITIONS} at a time:
 * <pre>
 *   S = Q K^T                          m' = max(m, S)    p = e^(S - m')
 *   l = e^(m - m') l + sum p           o = e^(m - m') o + p V
 * </pre>
 * Values are on their way while scores are worked out, and the next keys while weights meet values. What a tensor core has
 * worked out goes through local memory, into a place of the work-item's own that is read again at once: the compiler sees that
 * and leaves both out, as long as nothing else comes between.
 */
final class AttentionTiles {
    private static final int WARP = 32;
    private static final int WARPS = 8;
    private static final int GROUP = WARPS * WARP;
    /** Rows of a tile of a tensor core's. */
    private static final int SIDE = 16;
    private static final int QUERIES = WARPS * SIDE;
    private static final int SHIFT = 5;
    private static final int POSITIONS = 1 << SHIFT;
    /** Ints from a position to the next in local memory, 16 bytes more than the largest head has: so eight rows meet all banks. */
    private static final int PITCH = Attention.MAX_HEAD_DIM / 2 + 4;
    private static final int BYTES = 4 * PITCH;
    private static final int VALUES = POSITIONS * PITCH;
    /** Elements of a head that all queries find room for at a time, where keys and values go later. */
    private static final int PART = 128;
    private static final int PART_INTS = PART / 2;
    /** Ints of a warp's weights. */
    private static final int WEIGHTS = SIDE * POSITIONS / 2;
    /** A FloatArray over local memory has its first element behind a header; from a work-item's sums to those of the row eight below. */
    private static final int HEADER = 4;
    private static final int BELOW = 2 * GROUP;
    /** Scores that a work-item has: of two rows, of neighbours in each eight positions. */
    private static final int SCORES = SIDE * POSITIONS / WARP;
    private static final int OUTS = SIDE * Attention.MAX_HEAD_DIM / WARP;

    private AttentionTiles() {}

    /** Whether segments of many rows are served here. */
    static boolean serves(Frame f, Pages pages, int heads) {
        Traits t = f.traits();
        int dim = pages.headDim();
        return t.shape() == Traits.Shape.WARPS && !t.precise() && pages.isHalf() && dim >= WARP && Integer.bitCount(dim) == 1
                && dim <= Attention.MAX_HEAD_DIM && heads / pages.kvHeads() <= QUERIES;
    }

    /** Rows of segments of more than one; gate: null for none. */
    static void record(Tape tape, Region y, Region q, Pages pages, int heads, Region gate, HeadShape shape) {
        Frame f = tape.frame();
        int each = QUERIES / (heads / pages.kvHeads());
        Grid grid = new Grid((rows, segments) -> (rows / each + segments) * pages.kvHeads(), GROUP);
        long gates = gate == null ? 0 : Place.of(gate) + shape.offset();
        tape.add("attentionTiles", grid, (g, id) -> g.task(id, AttentionTiles::kAttendTensor, f.context(), f.arena(), f.step(),
                f.layer(), Kept.halfKeys(pages), Kept.halfValues(pages), pages.table(), Pair.of(pages.pagesPerSlot(), pages.layerStride()), Place.of(y),
                Place.of(q), gates, gate == null ? 0 : shape.stride(), Pair.of(heads, pages.kvHeads()), pages.headDim()));
    }

    /**
     * A group for each kv head and {@code QUERIES / sharing} rows of a segment, the last rows first: they see most positions.
     * Query j is row {@code j / sharing} in head {@code j % sharing} of those that share the kv head. Of a warp's queries a
     * work-item has {@code lane / 4} and the one eight below, of their sums and scores columns {@code lane % 4 * 2} and the next
     * of every eight.
     *
     * @param gate     where the gates of rows start
     * @param gateHead elements from head to head, 0 for no gates
     */
    static void kAttendTensor(KernelContext context, FloatArray arena, IntArray step, IntArray layer, HalfFloatArray keys,
                              HalfFloatArray values, IntArray table, long strides, long y, long q, long gate, int gateHead, long headCounts,
                              int dim) {
        int[] tiles = context.allocateIntLocalArray(2 * VALUES), weights = context.allocateIntLocalArray(WARPS * WEIGHTS);
        float[] sums = context.allocateFloatLocalArray(HEADER + 2 * BELOW), shared = context.allocateFloatLocalArray(2 * GROUP);
        int[] view = (int[]) (Object) tiles;
        FloatArray behind = (FloatArray) (Object) sums;
        float[] out = new float[OUTS], score = new float[SCORES];
        int heads = Pair.first(headCounts), kvHeads = Pair.second(headCounts), sharing = heads / kvHeads, each = QUERIES / sharing;
        int item = context.localIdx, lane = item & (WARP - 1), warp = item / WARP, query = warp * SIDE + lane / 4, pair = lane % 4 * 2;
        int kvHead = context.groupIdx % kvHeads, part = context.groupIdx / kvHeads, found = segment(step, part, each);
        int alive = found < step.get(StepArray.SEGMENTS) ? 1 : 0, segment = alive * found, record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN), end = step.get(record + StepArray.SEGMENT_END);
        int first = begin + alive * (until(step, segment, each) - 1 - part) * each, n = alive * TornadoMath.min(each, end - first);
        int start = step.get(record + StepArray.SEGMENT_START) + first - begin, last = TornadoMath.max(0, start + n - 1), count = n > 0 ? (last >> SHIFT) + 1 : 0;
        int pages = step.get(record + StepArray.SEGMENT_SLOT) * Pair.first(strides), base = layer.get(0) * Pair.second(strides) + kvHead * dim;
        // where a lane's row of a tile starts: of eight keys by 16 elements, of 16 values by eight, of 16 queries or weights by 16
        int inA = ((lane >> 3 & 1) * 8 + (lane & 7)) * 32 + (lane >> 4) * 16, inB = (lane & 7) * 16 + (lane >> 3 & 1) * 128;
        int keyRow = (lane & 7) * BYTES + (lane >> 3 & 1) * 16 - inA, valueRow = 4 * VALUES + (lane & 15) * BYTES - inB;
        int queryRow = (warp * SIDE + (lane & 15)) * 4 * PART_INTS + (lane >> 4) * 16 - inA, weightRow = warp * 4 * WEIGHTS + lane * 16 - inA;
        int own = HEADER + 2 * item, ownRow = -(lane / 4), ownColumn = 2 * item - pair;
        float scale = 1f / TornadoMath.sqrt((float) dim);
        for (int e = item; e < QUERIES * PART_INTS; e += GROUP)
            tiles[e] = pair(arena, at(q, first, n, kvHead, sharing, dim, e / PART_INTS), e % PART_INTS * 2, dim, scale);
        context.localBarrier();
        HalfFloat[] q0 = query(context, view, queryRow, 0), q1 = query(context, view, queryRow, 1), q2 = query(context, view, queryRow, 2), q3 = query(context, view, queryRow, 3);
        HalfFloat[] q4 = query(context, view, queryRow, 4), q5 = query(context, view, queryRow, 5), q6 = query(context, view, queryRow, 6), q7 = query(context, view, queryRow, 7);
        context.localBarrier();
        int more = dim > PART ? QUERIES * PART_INTS : 0;
        for (int e = item; e < more; e += GROUP)
            tiles[e] = pair(arena, at(q, first, n, kvHead, sharing, dim, e / PART_INTS), PART + e % PART_INTS * 2, dim, scale);
        context.localBarrier();
        HalfFloat[] q8 = query(context, view, queryRow, 0), q9 = query(context, view, queryRow, 1), q10 = query(context, view, queryRow, 2), q11 = query(context, view, queryRow, 3);
        HalfFloat[] q12 = query(context, view, queryRow, 4), q13 = query(context, view, queryRow, 5), q14 = query(context, view, queryRow, 6), q15 = query(context, view, queryRow, 7);
        context.localBarrier();
        for (int i = 0; i < OUTS; i++) out[i] = 0f;
        int upperLimit = start + query / sharing, lowerLimit = start + (query + 8) / sharing, width = kvHeads * dim;
        float upperMax = Attention.LOWEST, lowerMax = Attention.LOWEST, upperSum = 0f, lowerSum = 0f;
        copy(context, view, 0, keys, base + place(table, pages, 0) * width, last, width, dim, item);
        for (int t = 0; t < count; t++) {
            context.asyncCopyWaitGroup(0);
            context.localBarrier();
            copy(context, view, VALUES, values, base + place(table, pages, t) * width, last - t * POSITIONS, width, dim, item);
            float[] s0 = scores(context, view, keyRow, dim, q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15);
            float[] s1 = scores(context, view, keyRow + 8 * BYTES, dim, q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15);
            float[] s2 = scores(context, view, keyRow + 16 * BYTES, dim, q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15);
            float[] s3 = scores(context, view, keyRow + 24 * BYTES, dim, q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15);
            for (int c = 0; c < 4; c++) {
                context.mmaStore(Fragments.number(c, s0, s1, s2, s3), behind, ownRow, ownColumn, BELOW / 8);
                for (int i = 0; i < 4; i++) score[4 * c + i] = sums[own + (i >> 1) * BELOW + (i & 1)];
            }
            see(score, t * POSITIONS + pair, upperLimit, lowerLimit);
            shared[item] = most(context, most(score, 0, upperMax));
            shared[GROUP + item] = most(context, most(score, 2, lowerMax));
            context.localBarrier();
            int next = TornadoMath.min(t + 1, count - 1);
            copy(context, view, 0, keys, base + place(table, pages, next) * width, last - next * POSITIONS, width, dim, item);
            float upper = shared[item - lane % 4], lower = shared[GROUP + item - lane % 4];
            float shrink = TornadoMath.exp(upperMax - upper), shrinkLower = TornadoMath.exp(lowerMax - lower);
            upperMax = upper;
            lowerMax = lower;
            upperSum *= shrink;
            lowerSum *= shrinkLower;
            for (int i = 0; i < SCORES; i += 4) {
                float a = TornadoMath.exp(score[i] - upper), b = TornadoMath.exp(score[i + 1] - upper);
                float c = TornadoMath.exp(score[i + 2] - lower), d = TornadoMath.exp(score[i + 3] - lower);
                upperSum += a + b;
                lowerSum += c + d;
                weights[warp * WEIGHTS + i / 2 * WARP + lane] = Pair.halves(a, b);
                weights[warp * WEIGHTS + (i / 2 + 1) * WARP + lane] = Pair.halves(c, d);
            }
            context.asyncCopyWaitGroup(1);
            context.localBarrier();
            HalfFloat[] p0 = context.mmaLoadA(weights, 16, weightRow), p1 = context.mmaLoadA(weights, 16, weightRow + 2 * WEIGHTS);
            for (int i = 0; i < dim / 8; i += 4) {
                float[] o0 = weighed(context, view, valueRow + 16 * i, p0, p1), o1 = weighed(context, view, valueRow + 16 * i + 16, p0, p1);
                float[] o2 = weighed(context, view, valueRow + 16 * i + 32, p0, p1), o3 = weighed(context, view, valueRow + 16 * i + 48, p0, p1);
                for (int c = 0; c < 4; c++) {
                    context.mmaStore(Fragments.number(c, o0, o1, o2, o3), behind, ownRow, ownColumn, BELOW / 8);
                    for (int k = 0; k < 4; k++) out[4 * (i + c) + k] = ((k & 2) == 0 ? shrink : shrinkLower) * out[4 * (i + c) + k] + sums[own + (k >> 1) * BELOW + (k & 1)];
                }
            }
        }
        shared[item] = upperSum;
        shared[GROUP + item] = lowerSum;
        context.localBarrier();
        float total = 0f, totalLower = 0f;
        for (int i = 0; i < 4; i++) {
            total += shared[item - lane % 4 + i];
            totalLower += shared[GROUP + item - lane % 4 + i];
        }
        int to = at(y, first, n, kvHead, sharing, dim, query) + pair, toLower = at(y, first, n, kvHead, sharing, dim, query + 8) + pair;
        int by = at(gate, first, n, kvHead, sharing, gateHead, query) + pair, byLower = at(gate, first, n, kvHead, sharing, gateHead, query + 8) + pair;
        int written = query / sharing < n ? dim / 8 : 0, writtenLower = (query + 8) / sharing < n ? dim / 8 : 0;
        leave(arena, to, out, 0, total, written, dim);
        leave(arena, toLower, out, 2, totalLower, writtenLower, dim);
        gate(arena, to, by, gateHead > 0 ? 2 * written : 0);
        gate(arena, toLower, byLower, gateHead > 0 ? 2 * writtenLower : 0);
    }

    /** 16 queries at the k-th 16 elements of the part that is there. */
    private static HalfFloat[] query(KernelContext context, int[] tiles, int row, int k) {
        return context.mmaLoadA(tiles, 16, row + 32 * k);
    }

    /** Scores of positions that a query does not see are below all others. */
    private static void see(float[] score, int first, int upperLimit, int lowerLimit) {
        for (int i = 0; i < SCORES; i++) {
            int position = first + (i >> 2) * 8 + (i & 1);
            score[i] = position <= ((i & 2) == 0 ? upperLimit : lowerLimit) ? score[i] : Attention.LOWEST;
        }
    }

    /** The largest score of the upper query, whose scores start at {@code from} 0 of every four, or of the lower one, from 2 on. */
    private static float most(float[] score, int from, float before) {
        float most = before;
        for (int i = from; i < SCORES; i += 4) most = TornadoMath.max(TornadoMath.max(most, score[i]), score[i + 1]);
        return most;
    }

    /** A query's sums over the sum of its weights; loops so short that they are unrolled: an array that another reads would lie in memory from the start. */
    private static void leave(FloatArray arena, int to, float[] out, int from, float total, int written, int dim) {
        for (int i = 0; i < dim / 8; i++)
            if (written > 0) set(arena, to + 8 * i, out[4 * i + from] / total, out[4 * i + from + 1] / total);
    }

    /** 16 queries times the eight keys that start at byte {@code at}, 16 elements at a time. */
    private static float[] scores(KernelContext context, int[] tiles, int at, int dim, HalfFloat[] q0, HalfFloat[] q1, HalfFloat[] q2, HalfFloat[] q3,
                                  HalfFloat[] q4, HalfFloat[] q5, HalfFloat[] q6, HalfFloat[] q7, HalfFloat[] q8, HalfFloat[] q9, HalfFloat[] q10,
                                  HalfFloat[] q11, HalfFloat[] q12, HalfFloat[] q13, HalfFloat[] q14, HalfFloat[] q15) {
        float[] s = dot(context, tiles, at + 32, q1, dot(context, tiles, at, q0, context.mmaFragment(0f)));
        if (dim > 32) s = dot(context, tiles, at + 96, q3, dot(context, tiles, at + 64, q2, s));
        if (dim > 64) s = dot(context, tiles, at + 160, q5, dot(context, tiles, at + 128, q4, s));
        if (dim > 64) s = dot(context, tiles, at + 224, q7, dot(context, tiles, at + 192, q6, s));
        if (dim > 128) s = dot(context, tiles, at + 288, q9, dot(context, tiles, at + 256, q8, s));
        if (dim > 128) s = dot(context, tiles, at + 352, q11, dot(context, tiles, at + 320, q10, s));
        if (dim > 128) s = dot(context, tiles, at + 416, q13, dot(context, tiles, at + 384, q12, s));
        if (dim > 128) s = dot(context, tiles, at + 480, q15, dot(context, tiles, at + 448, q14, s));
        return s;
    }

    private static float[] dot(KernelContext context, int[] tiles, int at, HalfFloat[] q, float[] there) {
        return context.mma(q, context.mmaLoadA(tiles, 16, at), there, MMAShape.M16N8K16);
    }

    /** 16 queries' weights of a tile's positions times eight columns of their values, which start at byte {@code at}. */
    private static float[] weighed(KernelContext context, int[] tiles, int at, HalfFloat[] p0, HalfFloat[] p1) {
        float[] o = context.mma(p0, context.mmaLoadB(tiles, 16, at), context.mmaFragment(0f), MMAShape.M16N8K16);
        return context.mma(p1, context.mmaLoadB(tiles, 16, at + 16 * BYTES), o, MMAShape.M16N8K16);
    }

    /** Has a tile's keys or values on their way, those at {@code from} and of the next positions up to number {@code most}. */
    private static void copy(KernelContext context, int[] tiles, int to, HalfFloatArray kept, int from, int most, int width, int dim, int item) {
        int pairs = dim / 2, d = item % pairs;
        for (int i = 0; i < POSITIONS * pairs / GROUP; i++) {
            int p = item / pairs + i * (GROUP / pairs);
            context.asyncCopyToLocal(tiles, to + p * PITCH + d, kept, from + TornadoMath.min(p, most) * width + 2 * d);
        }
        context.asyncCopyCommit();
    }

    /** The largest number of four lanes, in the first of them. */
    private static float most(KernelContext context, float x) {
        float two = TornadoMath.max(x, context.simdShuffleDown(x, 1));
        return TornadoMath.max(two, context.simdShuffleDown(two, 2));
    }

    /** The first position of a tile, counted through all pages. */
    private static int place(IntArray table, int pages, int tile) {
        return table.get(pages + tile * POSITIONS / Pages.SIZE) * Pages.SIZE + tile * POSITIONS % Pages.SIZE;
    }

    /** Groups for a segment and kv head; none for a single row. */
    private static int parts(IntArray step, int segment, int each) {
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        int rows = step.get(record + StepArray.SEGMENT_END) - step.get(record + StepArray.SEGMENT_BEGIN);
        return rows > 1 ? (rows + each - 1) / each : 0;
    }

    /** The segment that has part number {@code part} of all; the number of segments where none has. */
    private static int segment(IntArray step, int part, int each) {
        int segment = 0, left = part - parts(step, 0, each);
        while (segment < step.get(StepArray.SEGMENTS) && left >= 0) {
            segment++;
            left -= segment < step.get(StepArray.SEGMENTS) ? parts(step, segment, each) : 0;
        }
        return segment;
    }

    /** Parts of all segments up to this one. */
    private static int until(IntArray step, int segment, int each) {
        int all = 0;
        for (int s = 0; s <= segment; s++) all += parts(step, s, each);
        return all;
    }

    /** Elements d and d + 1 of a query as halves; zeros behind its end. */
    private static int pair(FloatArray arena, int from, int d, int dim, float scale) {
        int at = from + TornadoMath.min(d, dim - 2);
        float unit = d < dim ? scale : 0f;
        return Pair.halves(arena.get(at) * unit, arena.get(at + 1) * unit);
    }

    /** Where what belongs to query j starts, {@code apart} elements from head to head; beyond the last row in that. */
    private static int at(long rows, int first, int n, int kvHead, int sharing, int apart, int j) {
        int row = TornadoMath.max(0, TornadoMath.min(j / sharing, n - 1));
        return Place.start(rows, first + row) + (kvHead * sharing + j % sharing) * apart;
    }

    private static void set(FloatArray arena, int at, float value, float next) {
        arena.set(at, value);
        arena.set(at + 1, next);
    }

    private static void gate(FloatArray arena, int y, int gate, int elements) {
        for (int i = 0; i < elements; i++) {
            int d = i / 2 * 8 + i % 2;
            arena.set(y + d, arena.get(y + d) * Activation.sigmoid(arena.get(gate + d)));
        }
    }
}
