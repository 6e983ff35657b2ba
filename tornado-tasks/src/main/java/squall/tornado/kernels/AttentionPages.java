package squall.tornado.kernels;

import squall.tornado.Frame;
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
 * {@link Attention} of few rows on tensor cores: queries, keys, values and weights are halves, sums and the running softmax are
 * floats. A group goes through the positions of a split a page at a time, for up to {@value #SHARED} heads that share a kv head:
 * <pre>
 *   S = K Q^T                          m' = max(m, S)    p = e^(S - m')
 *   l = e^(m - m') l + sum p           o = e^(m - m') o + p V
 * </pre>
 * A warp has scores of {@value #SIDE} positions, and sums of values of all positions in a quarter of a head's elements. Keys and
 * values come in parts of {@value #PART} elements of each position, by turns into two places of local memory: while one is worked
 * on, the next is on its way.
 */
final class AttentionPages {
    /** Query heads that share one reading of keys and values: columns of a product of a tensor core's. */
    private static final int SHARED = 8;
    private static final int WARP = 32;
    private static final int WARPS = 4;
    private static final int GROUP = WARPS * WARP;
    /** Positions of a product of a tensor core's, of which a page has as many as there are warps. */
    private static final int SIDE = 16;
    private static final int PART = 128;
    /** Ints from a position to the next in local memory, 16 bytes more than a part has: so eight rows meet all banks. */
    private static final int PITCH = PART / 2 + 4;
    private static final int BYTES = 4 * PITCH;
    /** Ints of a place for a part. */
    private static final int PLACE = Pages.SIZE * PITCH;
    /** Ints of the weights of a warp's positions, and of eight heads of queries at {@value #SIDE} elements. */
    private static final int WEIGHTS = SHARED * SIDE / 2;
    /** A FloatArray over local memory has its first element behind a header; from a work-item's sums to those of the row eight below. */
    private static final int HEADER = 4;
    private static final int BELOW = 2 * GROUP;
    /** Sums of values that a work-item has: of a head, two in every eight elements of its warp's. */
    private static final int OUTS = SHARED * Attention.MAX_HEAD_DIM / GROUP;

    /** A number of pages shifted by this is 0, which the compiler does not know: what it is added to is worked out where it is used. */
    private static final int LOOSE = 24;

    private AttentionPages() {}

    static boolean serves(Frame f, Pages pages) {
        Traits t = f.traits();
        int dim = pages.headDim();
        return t.shape() == Traits.Shape.WARPS && !t.precise() && pages.isHalf() && dim >= WARP && Integer.bitCount(dim) == 1
                && dim <= Attention.MAX_HEAD_DIM;
    }

    /** What {@link AttentionWarps#record} records, up to the merge. */
    static void record(Tape tape, Region q, Pages pages, int heads, Region partial, int splits, int all, int least) {
        Frame f = tape.frame();
        int sharing = heads / pages.kvHeads(), blocks = (sharing + SHARED - 1) / SHARED;
        tape.add("attention", AttentionWarps.grid(all, pages.kvHeads() * blocks * splits, GROUP), (g, id) -> g.task(id, AttentionPages::kAttendPages,
                f.context(), f.arena(), f.step(), f.layer(), Kept.halfKeys(pages), Kept.halfValues(pages), pages.table(), Place.of(partial),
                Place.of(q), Pair.of(pages.pagesPerSlot(), pages.layerStride()), Pair.of(heads, pages.kvHeads()), Pair.of(pages.headDim(), splits),
                Pair.of(f.rowsAt(), least << 1 | all)));
    }

    /**
     * A group for each split of up to {@value #SHARED} heads of one kv head of a row. Of its warp's scores a work-item has those of
     * positions {@code lane / 4 * 2} and the next for heads {@code lane % 4 * 2} and the next: keys lie in local memory in such an
     * order that a product brings two neighbours to one work-item, whose weights go into one int. Of sums of values it has
     * head {@code lane / 4}, elements {@code lane % 4 * 2} and the next of every eight.
     */
    static void kAttendPages(KernelContext context, FloatArray arena, IntArray step, IntArray layer, HalfFloatArray keys,
                             HalfFloatArray values, IntArray table, long partial, long q, long strides, long headCounts, long dimSplits,
                             long rowsLeast) {
        int[] tiles = context.allocateIntLocalArray(2 * PLACE), view = (int[]) (Object) tiles, weights = context.allocateIntLocalArray(WARPS * WEIGHTS);
        float[] sums = context.allocateFloatLocalArray(HEADER + 4 * BELOW);
        float[] peaks = context.allocateFloatLocalArray(WARPS * SHARED), parts = context.allocateFloatLocalArray(WARPS * SHARED);
        FloatArray behind = (FloatArray) (Object) sums;
        float[] out = new float[OUTS], score = new float[4];
        int heads = Pair.first(headCounts), kvHeads = Pair.second(headCounts), dim = Pair.first(dimSplits), splits = Pair.second(dimSplits), all = Pair.second(rowsLeast) & 1;
        int sharing = heads / kvHeads, blocks = (sharing + SHARED - 1) / SHARED, block = (sharing + blocks - 1) / blocks, part = TornadoMath.min(dim, PART);
        int units = kvHeads * blocks, unit = context.groupIdx % units, split = context.groupIdx / units % splits, number = context.groupIdx / (splits * units);
        int item = context.localIdx, lane = item & (WARP - 1), warp = item / WARP, line = lane / 4, pair = lane % 4 * 2;
        int row = AttentionWarps.row(step, number, all), length = AttentionWarps.length(step, Pair.first(rowsLeast), number, all);
        int each = AttentionWarps.each(length, splits, Pair.second(rowsLeast) >> 1), first = split * each, end = TornadoMath.min(length, first + each);
        int head = unit / blocks * sharing + unit % blocks * block, served = TornadoMath.min(block, sharing - unit % blocks * block);
        int start = first >> Pages.SHIFT, count = first < end ? ((end - 1) >> Pages.SHIFT) + 1 - start : 0, asked = count > 0 ? served : 0;
        int width = kvHeads * dim, base = layer.get(0) * Pair.second(strides) + unit / blocks * dim;
        int pages = step.get(Pair.first(rowsLeast) + StepArray.RECORD * row + StepArray.SLOT) * Pair.first(strides) + start;
        // where a lane's row of a tile starts: of 16 keys or eight heads' weights by 16 positions, of 16 values by eight elements
        int inA = ((lane >> 3 & 1) * 8 + (lane & 7)) * 32 + (lane >> 4) * 16, inB = (lane & 7) * 16 + (lane >> 3 & 1) * 128;
        int keyRow = (warp * SIDE + (lane & 15)) * BYTES + (lane >> 4) * 16 - inA, valueRow = (lane & 15) * BYTES + warp * part / 2 - inB;
        int weightRow = (lane & 7) * 32 + (lane >> 4) * 16 - inA, own = HEADER + 2 * item, ownColumn = 2 * item - pair;
        // queries are asked for before anything is waited for, and all of them before one is stored: a load waits behind a store, whichever memory that is to
        for (int i = 0; i < OUTS; i++) out[i] = element(arena, Place.start(q, row) + head * dim, (2 * item + i % 2) % SHARED, served, (item + i / 2 * GROUP) / (SHARED / 2), dim);
        if (count > 0) copy(context, view, 0, keys, base + table.get(pages) * Pages.SIZE * width, first, end, start, width, part, item, 1);
        for (int i = 0; i < OUTS; i += 2) tiles[PLACE + item + i / 2 * GROUP] = Pair.halves(out[i], out[i + 1]);
        context.localBarrier();
        HalfFloat[] q0 = query(context, view, 0), q1 = query(context, view, 1), q2 = query(context, view, 2), q3 = query(context, view, 3);
        HalfFloat[] q4 = query(context, view, 4), q5 = query(context, view, 5), q6 = query(context, view, 6), q7 = query(context, view, 7);
        HalfFloat[] q8 = query(context, view, 8), q9 = query(context, view, 9), q10 = query(context, view, 10), q11 = query(context, view, 11);
        HalfFloat[] q12 = query(context, view, 12), q13 = query(context, view, 13), q14 = query(context, view, 14), q15 = query(context, view, 15);
        for (int i = 0; i < OUTS; i++) out[i] = 0f;
        float max = Attention.LOWEST, maxNext = Attention.LOWEST, maxOut = Attention.LOWEST, sum = 0f, sumNext = 0f;
        for (int t = 0; t < count; t++) {
            int loose = t >> LOOSE, page = start + t, at = base + table.get(pages + t) * Pages.SIZE * width;
            arrived(context);
            if (dim > PART) copy(context, view, PLACE, keys, at + PART, first, end, page, width, part, item, 1);
            else copy(context, view, PLACE, values, at, first, end, page, width, part, item, 0);
            float[] s = scores(context, view, keyRow + loose, part, q0, q1, q2, q3, context.mmaFragment(0f));
            if (part > 64) s = scores(context, view, keyRow + loose + 128, part, q4, q5, q6, q7, s);
            if (dim > PART) {
                arrived(context);
                copy(context, view, 0, values, at, first, end, page, width, part, item, 0);
                s = scores(context, view, keyRow + loose + 4 * PLACE, part, q8, q9, q10, q11, s);
                s = scores(context, view, keyRow + loose + 4 * PLACE + 128, part, q12, q13, q14, q15, s);
            }
            context.mmaStore(s, behind, -line, ownColumn, BELOW / 8);
            for (int i = 0; i < 4; i++) {
                int position = page * Pages.SIZE + warp * SIDE + 2 * line + (i >> 1);
                score[i] = position >= first && position < end ? sums[own + (i >> 1) * BELOW + (i & 1)] : Attention.LOWEST;
            }
            float most = largest(context, TornadoMath.max(score[0], score[2])), mostNext = largest(context, TornadoMath.max(score[1], score[3])), mostOut = maxOut;
            if (lane < 4) peaks[warp * SHARED + pair] = most;
            if (lane < 4) peaks[warp * SHARED + pair + 1] = mostNext;
            context.localBarrier();
            most = max;
            mostNext = maxNext;
            for (int w = 0; w < WARPS * SHARED; w += SHARED) {
                most = TornadoMath.max(most, peaks[w + pair]);
                mostNext = TornadoMath.max(mostNext, peaks[w + pair + 1]);
                mostOut = TornadoMath.max(mostOut, peaks[w + line]);
            }
            float shrink = TornadoMath.exp(maxOut - mostOut);
            for (int i = 0; i < 4; i++) score[i] = TornadoMath.exp(score[i] - ((i & 1) == 0 ? most : mostNext));
            sum = sum * TornadoMath.exp(max - most) + (score[0] + score[2]);
            sumNext = sumNext * TornadoMath.exp(maxNext - mostNext) + (score[1] + score[3]);
            max = most;
            maxNext = mostNext;
            maxOut = mostOut;
            weights[warp * WEIGHTS + pair * SHARED + line] = Pair.halves(score[0], score[2]);
            weights[warp * WEIGHTS + (pair + 1) * SHARED + line] = Pair.halves(score[1], score[3]);
            arrived(context);
            int next = base + table.get(pages + TornadoMath.min(t + 1, count - 1)) * Pages.SIZE * width, more = t + 1 < count ? 1 : 0;
            if (dim > PART) copy(context, view, PLACE, values, at + PART, first, end, page, width, part, item, 0);
            if (dim <= PART && more == 1) copy(context, view, 0, keys, next, first, end, page + 1, width, part, item, 1);
            HalfFloat[] p0 = context.mmaLoadA(weights, 16, weightRow + loose), p1 = context.mmaLoadA(weights, 16, weightRow + loose + 4 * WEIGHTS);
            HalfFloat[] p2 = context.mmaLoadA(weights, 16, weightRow + loose + 8 * WEIGHTS), p3 = context.mmaLoadA(weights, 16, weightRow + loose + 12 * WEIGHTS);
            // twice eight columns at a time: one sum is not waited for before the next is begun
            for (int i = 0; i < dim / 16; i += 4) {
                if (i == PART / 16) arrived(context);
                if (i == PART / 16 && more == 1) copy(context, view, 0, keys, next, first, end, page + 1, width, part, item, 1);
                int from = (dim > PART ? i / (PART / 16) : 1) * 4 * PLACE + i % (PART / 16) * 8;
                float[] o = weighed(context, view, valueRow + loose + from, p0, p1, p2, p3);
                if (dim > WARP) context.mmaStore(weighed(context, view, valueRow + loose + from + 16, p0, p1, p2, p3), behind, -line, ownColumn + 2 * BELOW, BELOW / 8);
                context.mmaStore(o, behind, -line, ownColumn, BELOW / 8);
                for (int k = 0; k < TornadoMath.min(4, dim / 16); k++) out[i + k] = shrink * out[i + k] + sums[own + k / 2 * 2 * BELOW + k % 2];
            }
        }
        float whole = total(context, sum), wholeNext = total(context, sumNext);
        if (lane < 4) parts[warp * SHARED + pair] = whole;
        if (lane < 4) parts[warp * SHARED + pair + 1] = wholeNext;
        context.localBarrier();
        int to = Place.start(partial, row) + (head + line) * splits * (dim + 2), written = line < asked ? 1 : 0, tails = lane % 4 + warp == 0 ? written : 0;
        // loops so short that they are unrolled: an array that another reads would lie in memory from the start
        for (int i = 0; i < dim / 16; i++)
            if (written == 1) arena.set(to + split * dim + i / (PART / 16) * PART + warp * part / 4 + i % (PART / 16) / 2 * 8 + pair + i % 2, out[i]);
        if (tails == 1)
            AttentionWarps.tail(arena, to + splits * dim + split, splits, maxOut, parts[line] + parts[SHARED + line] + (parts[2 * SHARED + line] + parts[3 * SHARED + line]));
    }

    /** Eight queries at the k-th 16 elements of their heads. */
    private static HalfFloat[] query(KernelContext context, int[] tiles, int k) {
        return context.mmaLoadB(tiles, 16, 4 * PLACE + 4 * WEIGHTS * k);
    }

    /** 16 keys from byte {@code at} on times eight queries, 64 elements of a part or the 32 that it has, added to what is there. */
    private static float[] scores(KernelContext context, int[] tiles, int at, int part, HalfFloat[] q0, HalfFloat[] q1, HalfFloat[] q2, HalfFloat[] q3,
                                  float[] there) {
        float[] s = context.mma(context.mmaLoadA(tiles, 16, at), q0, there, MMAShape.M16N8K16);
        s = context.mma(context.mmaLoadA(tiles, 16, at + 32), q1, s, MMAShape.M16N8K16);
        if (part > 32) s = context.mma(context.mmaLoadA(tiles, 16, at + 64), q2, s, MMAShape.M16N8K16);
        if (part > 32) s = context.mma(context.mmaLoadA(tiles, 16, at + 96), q3, s, MMAShape.M16N8K16);
        return s;
    }

    /** Eight heads' weights of a page's positions times eight columns of their values, which start at byte {@code at}. */
    private static float[] weighed(KernelContext context, int[] tiles, int at, HalfFloat[] p0, HalfFloat[] p1, HalfFloat[] p2, HalfFloat[] p3) {
        float[] o = context.mma(p0, context.mmaLoadB(tiles, 16, at), context.mmaFragment(0f), MMAShape.M16N8K16);
        o = context.mma(p1, context.mmaLoadB(tiles, 16, at + 16 * BYTES), o, MMAShape.M16N8K16);
        o = context.mma(p2, context.mmaLoadB(tiles, 16, at + 32 * BYTES), o, MMAShape.M16N8K16);
        return context.mma(p3, context.mmaLoadB(tiles, 16, at + 48 * BYTES), o, MMAShape.M16N8K16);
    }

    /**
     * Has a part of a page's keys or values on its way, of positions from {@code first} to before {@code end}; others are copies of
     * the nearest.
     *
     * @param from  where the page starts
     * @param mixed 1 for keys: of every 16 positions the even ones, then the odd ones
     */
    private static void copy(KernelContext context, int[] tiles, int to, HalfFloatArray kept, int from, int first, int end, int page, int width,
                             int part, int item, int mixed) {
        int pairs = part / 2, each = GROUP / pairs, d = item % pairs, r = item / pairs;
        int least = first - page * Pages.SIZE, most = end - 1 - page * Pages.SIZE, own = to + (mixed == 1 ? r % 2 * SIDE / 2 + r / 2 : r) * PITCH + d;
        // unrolled only within 16 positions: else the compiler takes all registers that there are for addresses
        int sides = WARPS + (page >> LOOSE);
        for (int side = 0; side < sides; side++)
            for (int i = 0; i < SIDE; i += each) {
                int p = TornadoMath.min(TornadoMath.max(side * SIDE + i + r, least), most);
                context.asyncCopyToLocal(tiles, own + (side * SIDE + (mixed == 1 ? i / 2 : i)) * PITCH, kept, from + p * width + 2 * d);
            }
        context.asyncCopyCommit();
    }

    /** All work-items have what each has let come, and have done with what comes next in its place. */
    private static void arrived(KernelContext context) {
        context.asyncCopyWaitGroup(0);
        context.localBarrier();
    }

    /** The largest number of eight lanes that are four apart, in the first of them. */
    private static float largest(KernelContext context, float x) {
        float two = TornadoMath.max(x, context.simdShuffleDown(x, 16)), four = TornadoMath.max(two, context.simdShuffleDown(two, 8));
        return TornadoMath.max(four, context.simdShuffleDown(four, 4));
    }

    /** What eight lanes that are four apart have together, in the first of them. */
    private static float total(KernelContext context, float x) {
        float two = x + context.simdShuffleDown(x, 16), four = two + context.simdShuffleDown(two, 8);
        return four + context.simdShuffleDown(four, 4);
    }

    /** Element d of query h, divided by sqrt(dim) as scores are to be; 0 behind the last query and behind its end. */
    private static float element(FloatArray arena, int from, int h, int heads, int d, int dim) {
        float scale = h < heads && d < dim ? 1f / TornadoMath.sqrt((float) dim) : 0f;
        return arena.get(from + TornadoMath.min(h, heads - 1) * dim + TornadoMath.min(d, dim - 1)) * scale;
    }
}
