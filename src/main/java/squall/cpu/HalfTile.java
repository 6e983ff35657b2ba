package squall.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import squall.quant.Lanes;

/**
 * Attention of few queries over half-precision keys and values that stay where they are: with one row a step the bytes
 * of the cache are read once, and no copy as floats is written and read again. Two stored numbers are taken as
 * one int, so queries and outputs lie in pairs: for each 2 * {@link Lanes#COUNT} elements those of even places, then
 * those of odd ones. Four queries lie together, or two: {@code [elements / PAIRS][queries][PAIRS]}; an odd last one has a second
 * beside it of which nothing is used. How keys are multiplied depends on the registers ({@link HalfProducts}).
 *
 * <p>A half moved to its place in a single is 2^-112 of its value. Queries and weights are taken times {@link #UP}, so
 * that products are in the middle of the range of singles, and results times {@link #UP} again. The cache has no
 * infinities ({@link KvCache} clamps).
 */
final class HalfTile extends AttentionTile {
    private static final int L = Lanes.COUNT;
    private static final int PAIRS = HalfProducts.PAIRS;
    /** Elements of a turn of the loops: two loads. */
    private static final int TURN = 2 * PAIRS;
    /** Positions after whose products their sums over the lanes are formed: meanwhile what the processor foresees comes from memory. */
    private static final int RUN = 16;
    private static final float UP = 0x1p56f;
    private static final int PLACE = HalfProducts.PLACE;
    private static final VectorSpecies<Float> FOUR = FloatVector.SPECIES_128;
    private static final VectorMask<Float> ODD = VectorMask.fromLong(FOUR, 0b1010), UPPER = VectorMask.fromLong(FOUR, 0b1100);
    private static final VectorShuffle<Float> SWAP_1 = VectorShuffle.fromOp(FOUR, i -> i ^ 1);
    private static final VectorShuffle<Float> SWAP_2 = VectorShuffle.fromOp(FOUR, i -> i ^ 2);
    private static final VectorShuffle<Float> LOW_TWICE = VectorShuffle.fromOp(Lanes.FLOATS, i -> i / 2);
    private static final VectorShuffle<Float> HIGH_TWICE = VectorShuffle.fromOp(Lanes.FLOATS, i -> (i + L) / 2);
    private static final VectorMask<Float> ODD_LANES = VectorMask.fromLong(Lanes.FLOATS, 0xAAAA);
    /** From a strip of one value to that of the next. */
    private static final int ROW_BYTES = 2 * KvCache.STRIP;

    private final HalfProducts products;

    HalfTile(int headDim, int mostQueries) {
        super(headDim, mostQueries + 1, KvCache.PAGE, 0);
        products = HalfProducts.of(headDim, queries);
    }

    /** Whether heads are whole turns and strips, and keys and values of a page enough for two streams. */
    static boolean fits(int headDim) {
        return headDim % Math.max(TURN, KvCache.STRIP) == 0 && headDim >= 2 * KvCache.STRIP;
    }

    /** Queries that lie together with the i-th: four, or two of the last three. */
    private int together(int i) {
        return i < count / 4 * 4 ? 4 : 2;
    }

    @Override public void query(int i, float[] q, int at) {
        int many = together(i);
        products.query((i - i % many) * stride + i % many * PAIRS, many, q, at, scale * UP);
    }

    /** As {@link AttentionTile#fold}, for keys and values of n positions from the given places of a page. */
    void fold(MemorySegment page, long keysAt, long valuesAt, int first, int group, int n) {
        int width = (n + L - 1) / L * L;
        for (int i = 0; i < count; i += together(i))
            for (int t = 0; t < n; t += RUN) score(page, keysAt, valuesAt, t, Math.min(n, t + RUN), i);
        for (int i = 0; i < count; i++) soften(i, Math.clamp(first + i / group + 1, 0, n), width, UP);
        for (int d = 0; d < headDim; d += TURN) {
            long at = valuesAt + strip(d), other = valuesAt + strip(d + PAIRS);
            for (int i = 0; i < count; i += together(i)) {
                if (together(i) == 2 && PAIRS == KvCache.STRIP) {
                    addNextPair(page, at, n, i, d);
                    addNextPair(page, other, n, i, d + PAIRS);
                } else if (together(i) == 2) {
                    addPair(page, at, other, n, i, d);
                } else {
                    addFour(page, at, n, i, d);
                    addFour(page, other, n, i, d + PAIRS);
                }
            }
        }
    }

    /** {@code scores} of positions [from, to) of the page for the queries that lie together with the i-th. */
    private void score(MemorySegment page, long keysAt, long valuesAt, int from, int to, int i) {
        int many = together(i);
        products.score(page, keysAt, valuesAt, from, to, i * stride, many);
        for (int k = 0; k < many; k++) foldLanes((i + k) * positions + from, k * positions + from, to - from);
    }

    /** Where element d of the first value stands, from the values of a page on. */
    private static long strip(int d) {
        return 2L * (KvCache.PAGE * (d / KvCache.STRIP * KvCache.STRIP) + d % KvCache.STRIP);
    }

    /**
     * {@code scores[at + i] = sum of vector first + i of lanes}, i < n, and up to three more: four vectors are folded into one, which
     * takes half the operations of four sums.
     */
    private void foldLanes(int at, int first, int n) {
        FloatVector up = FloatVector.broadcast(FOUR, UP);
        for (int i = 0; i < n; i += 4) {
            int from = L * (first + i) & PLACE;
            FloatVector a = four(from), b = four(from + L), c = four(from + 2 * L), d = four(from + 3 * L);
            FloatVector ab = a.blend(b, ODD).add(b.blend(a, ODD).rearrange(SWAP_1));   // a0 + a1, b1 + b0, a2 + a3, b3 + b2
            FloatVector cd = c.blend(d, ODD).add(d.blend(c, ODD).rearrange(SWAP_1));
            ab.blend(cd, UPPER).add(cd.blend(ab, UPPER).rearrange(SWAP_2)).mul(up).intoArray(scores, at + i);
        }
    }

    /** The quarters of a vector added up; or its halves, or itself. */
    private FloatVector four(int at) {
        FloatVector v = FloatVector.fromArray(FOUR, products.lanes, at);
        for (int i = 4; i < L; i += 4) v = v.add(FloatVector.fromArray(FOUR, products.lanes, at + i));
        return v;
    }

    /** {@code outputs += sum of weight * value} over the positions, for PAIRS elements of four queries. */
    private void addFour(MemorySegment page, long at, int n, int i, int d) {
        FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, e0 = a0, e1 = a0;
        for (int t = 0; t < n; t++, at += ROW_BYTES) {
            int p = i * KvCache.PAGE + t & PLACE;
            IntVector v = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
            FloatVector even = HalfProducts.inPlace(v.lanewise(VectorOperators.LSHL, 16)), odd = HalfProducts.inPlace(v);
            FloatVector w = FloatVector.broadcast(Lanes.FLOATS, scores[p]);
            a0 = even.fma(w, a0);
            a1 = odd.fma(w, a1);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[p + KvCache.PAGE]);
            b0 = even.fma(w, b0);
            b1 = odd.fma(w, b1);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[p + 2 * KvCache.PAGE]);
            c0 = even.fma(w, c0);
            c1 = odd.fma(w, c1);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[p + 3 * KvCache.PAGE]);
            e0 = even.fma(w, e0);
            e1 = odd.fma(w, e1);
        }
        int to = i * stride + d;
        add(to, a0, a1);
        add(to + stride, b0, b1);
        add(to + 2 * stride, c0, c1);
        add(to + 3 * stride, e0, e1);
    }

    /** The same for two queries and two places, TURN elements. */
    private void addPair(MemorySegment page, long at, long other, int n, int i, int d) {
        FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        int first = i * KvCache.PAGE, second = first + KvCache.PAGE;
        for (int t = 0; t < n; t++, at += ROW_BYTES, other += ROW_BYTES) {
            FloatVector w = FloatVector.broadcast(Lanes.FLOATS, scores[first + t]);
            FloatVector x = FloatVector.broadcast(Lanes.FLOATS, scores[second + t]);
            IntVector v = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
            FloatVector even = HalfProducts.inPlace(v.lanewise(VectorOperators.LSHL, 16)), odd = HalfProducts.inPlace(v);
            a0 = even.fma(w, a0);
            a1 = odd.fma(w, a1);
            b0 = even.fma(x, b0);
            b1 = odd.fma(x, b1);
            v = IntVector.fromMemorySegment(Lanes.INTS, page, other, ByteOrder.LITTLE_ENDIAN);
            even = HalfProducts.inPlace(v.lanewise(VectorOperators.LSHL, 16));
            odd = HalfProducts.inPlace(v);
            a2 = even.fma(w, a2);
            a3 = odd.fma(w, a3);
            b2 = even.fma(x, b2);
            b3 = odd.fma(x, b3);
        }
        int to = i * stride + d;
        add(to, a0, a1);
        add(to + PAIRS, a2, a3);
        add(to + stride, b0, b1);
        add(to + stride + PAIRS, b2, b3);
    }

    /** The same for a whole strip, two positions at a time, so that memory is read in its order; one past the last has no weight. */
    private void addNextPair(MemorySegment page, long at, int n, int i, int d) {
        FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int t = 0; t < n; t += 2, at += 2 * ROW_BYTES) {
            int p = i * KvCache.PAGE + t & PLACE;
            IntVector v = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
            FloatVector even = HalfProducts.inPlace(v.lanewise(VectorOperators.LSHL, 16)), odd = HalfProducts.inPlace(v);
            FloatVector w = FloatVector.broadcast(Lanes.FLOATS, scores[p]);
            a0 = even.fma(w, a0);
            a1 = odd.fma(w, a1);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[p + KvCache.PAGE]);
            b0 = even.fma(w, b0);
            b1 = odd.fma(w, b1);
            v = IntVector.fromMemorySegment(Lanes.INTS, page, at + ROW_BYTES, ByteOrder.LITTLE_ENDIAN);
            even = HalfProducts.inPlace(v.lanewise(VectorOperators.LSHL, 16));
            odd = HalfProducts.inPlace(v);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[p + 1]);
            a2 = even.fma(w, a2);
            a3 = odd.fma(w, a3);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[p + KvCache.PAGE + 1]);
            b2 = even.fma(w, b2);
            b3 = odd.fma(w, b3);
        }
        int to = i * stride + d;
        add(to, a0.add(a2), a1.add(a3));
        add(to + stride, b0.add(b2), b1.add(b3));
    }

    private void add(int at, FloatVector even, FloatVector odd) {
        FloatVector up = FloatVector.broadcast(Lanes.FLOATS, UP);
        even.fma(up, FloatVector.fromArray(Lanes.FLOATS, outputs, at)).intoArray(outputs, at);
        odd.fma(up, FloatVector.fromArray(Lanes.FLOATS, outputs, at + L)).intoArray(outputs, at + L);
    }

    @Override public void finish(int i, float[] y, int at) {
        unpair(i, y, at, 1 / sum[i]);
    }

    @Override public void keep(int i, float[] partial, int at) {
        unpair(i, partial, at, 1);
        partial[at + headDim] = max[i];
        partial[at + headDim + 1] = sum[i];
    }

    private void unpair(int i, float[] y, int at, float factor) {
        int from = i * stride;
        FloatVector f = FloatVector.broadcast(Lanes.FLOATS, factor);
        for (int d = 0; d < headDim; d += PAIRS) {
            FloatVector even = FloatVector.fromArray(Lanes.FLOATS, outputs, from + d).mul(f);
            FloatVector odd = FloatVector.fromArray(Lanes.FLOATS, outputs, from + d + L).mul(f);
            even.rearrange(LOW_TWICE).blend(odd.rearrange(LOW_TWICE), ODD_LANES).intoArray(y, at + d);
            even.rearrange(HIGH_TWICE).blend(odd.rearrange(HIGH_TWICE), ODD_LANES).intoArray(y, at + d + L);
        }
    }
}
