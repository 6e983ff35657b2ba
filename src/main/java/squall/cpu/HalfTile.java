package squall.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import squall.quant.Lanes;

/**
 * Attention of few queries over half-precision keys and values that stay where they are: with one row a step the bytes
 * of the cache are read once, and no copy as floats is written and read again. Two stored numbers are taken as
 * one int, so queries and outputs lie in pairs: for each 2 * {@link Lanes#COUNT} elements those of even places, then
 * those of odd ones.
 *
 * <p>A half moved to its place in a single is 2^-112 of its value. Queries and weights are taken times {@link #UP}, so
 * that products are in the middle of the range of singles, and results times {@link #UP} again. The cache has no
 * infinities ({@link KvCache} clamps).
 */
final class HalfTile extends AttentionTile {
    private static final int L = Lanes.COUNT;
    /** Elements that one load brings. */
    private static final int PAIRS = 2 * L;
    /** Elements of a turn of the loops: two loads. */
    private static final int TURN = 2 * PAIRS;
    private static final float UP = 0x1p56f;
    private static final IntVector PLACES = IntVector.broadcast(Lanes.INTS, 0x8FFFE000);
    /**
     * Masks an index. It changes nothing, arrays are shorter; but then the compiler knows that a small number added to it stays
     * an int, and loads have their address in one instruction.
     */
    private static final int PLACE = (1 << 28) - 1;
    private static final int ROW_BYTES = 2 * KvCache.STRIP;

    /** Products of queries and keys, by lanes: [4, PAGE, L]. */
    private final float[] lanes = new float[4 * KvCache.PAGE * L];
    /** Sums of weighted values: [4, PAIRS] or [2, TURN]. */
    private final float[] sums = new float[4 * PAIRS];

    HalfTile(int headDim, int mostQueries) {
        super(headDim, mostQueries + 1, KvCache.PAGE, 0);
    }

    /** Whether heads are whole turns and strips. */
    static boolean fits(int headDim) {
        return headDim % Math.max(TURN, KvCache.STRIP) == 0;
    }

    /** Queries that lie together with the i-th: four, or two of the last three. */
    private int together(int i) {
        return i < count / 4 * 4 ? 4 : 2;
    }

    @Override void query(int i, float[] q, int at) {
        int many = together(i);
        int to = (i - i % many) * stride + i % many * PAIRS;
        for (int d = 0; d < headDim; d += PAIRS)
            for (int l = 0; l < L; l++) {
                queries[to + d * many + l] = q[at + d + 2 * l] * scale * UP;
                queries[to + d * many + L + l] = q[at + d + 2 * l + 1] * scale * UP;
            }
    }

    /** As {@link AttentionTile#fold}, for keys and values of n positions from the given places of a page. */
    void fold(MemorySegment page, long keysAt, long valuesAt, int first, int group, int n) {
        int width = (n + L - 1) / L * L;
        for (int i = 0; i < count; i += together(i)) {
            int many = together(i);
            if (many == 4) scoreFour(page, keysAt, n, i);
            else scorePair(page, keysAt, n, i);
            RowKernels.sums(scores, i * positions, lanes, 0, many * positions, UP);
        }
        for (int i = 0; i < count; i++) {
            soften(i, Math.clamp(first + i / group + 1, 0, n), width);
            RowKernels.scale(scores, i * positions, width, UP);
        }
        int fours = count / 4 * 4;
        for (int d = 0; fours > 0 && d < headDim; d += PAIRS) {
            long at = valuesAt + strip(d);
            for (int i = 0; i < fours; i += 4) {
                addFour(page, at, n, i * positions);
                for (int k = 0; k < 4; k++) RowKernels.addScaled(outputs, (i + k) * stride + d, sums, k * PAIRS, PAIRS, UP);
            }
        }
        for (int d = 0; fours < count && d < headDim; d += TURN)
            for (int i = fours; i < count; i += 2) {
                addPair(page, valuesAt + strip(d), valuesAt + strip(d + PAIRS), n, i * positions);
                for (int k = 0; k < 2; k++) RowKernels.addScaled(outputs, (i + k) * stride + d, sums, k * TURN, TURN, UP);
            }
    }

    private static long strip(int d) {
        return 2L * (KvCache.PAGE * (d / KvCache.STRIP * KvCache.STRIP) + d % KvCache.STRIP);
    }

    /** {@code scores = query · key} for two queries. */
    private void scorePair(MemorySegment page, long at, int n, int i) {
        for (int t = 0; t < n; t++) {
            FloatVector s0 = FloatVector.zero(Lanes.FLOATS), s1 = s0, s2 = s0, s3 = s0, r0 = s0, r1 = s0, r2 = s0, r3 = s0;
            for (int d = 0; d < headDim; d += TURN) {
                int q = i * stride + 2 * d & PLACE;
                IntVector k = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
                FloatVector even = inPlace(k.lanewise(VectorOperators.LSHL, 16)), odd = inPlace(k);
                s0 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q), s0);
                s1 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + L), s1);
                r0 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 2 * L), r0);
                r1 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 3 * L), r1);
                k = IntVector.fromMemorySegment(Lanes.INTS, page, at + 2 * PAIRS, ByteOrder.LITTLE_ENDIAN);
                even = inPlace(k.lanewise(VectorOperators.LSHL, 16));
                odd = inPlace(k);
                s2 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 4 * L), s2);
                s3 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 5 * L), s3);
                r2 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 6 * L), r2);
                r3 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 7 * L), r3);
                at += 2 * TURN;
            }
            int to = L * t & PLACE;
            s0.add(s1).add(s2.add(s3)).intoArray(lanes, to);
            r0.add(r1).add(r2.add(r3)).intoArray(lanes, to + L * KvCache.PAGE);
        }
    }

    /** The same for four queries: a key is brought to its place once for all of them. */
    private void scoreFour(MemorySegment page, long at, int n, int i) {
        for (int t = 0; t < n; t++) {
            FloatVector s0 = FloatVector.zero(Lanes.FLOATS), s1 = s0, s2 = s0, s3 = s0, r0 = s0, r1 = s0, r2 = s0, r3 = s0;
            for (int d = 0; d < headDim; d += TURN) {
                int q = i * stride + 4 * d & PLACE;
                IntVector k = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
                FloatVector even = inPlace(k.lanewise(VectorOperators.LSHL, 16)), odd = inPlace(k);
                s0 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q), s0);
                r0 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + L), r0);
                s1 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 2 * L), s1);
                r1 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 3 * L), r1);
                s2 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 4 * L), s2);
                r2 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 5 * L), r2);
                s3 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 6 * L), s3);
                r3 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 7 * L), r3);
                k = IntVector.fromMemorySegment(Lanes.INTS, page, at + 2 * PAIRS, ByteOrder.LITTLE_ENDIAN);
                even = inPlace(k.lanewise(VectorOperators.LSHL, 16));
                odd = inPlace(k);
                s0 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 8 * L), s0);
                r0 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 9 * L), r0);
                s1 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 10 * L), s1);
                r1 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 11 * L), r1);
                s2 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 12 * L), s2);
                r2 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 13 * L), r2);
                s3 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 14 * L), s3);
                r3 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q + 15 * L), r3);
                at += 2 * TURN;
            }
            int to = L * t & PLACE;
            s0.add(r0).intoArray(lanes, to);
            s1.add(r1).intoArray(lanes, to + L * KvCache.PAGE);
            s2.add(r2).intoArray(lanes, to + 2 * L * KvCache.PAGE);
            s3.add(r3).intoArray(lanes, to + 3 * L * KvCache.PAGE);
        }
    }

    /** {@code sums = sum of weight * value} over the positions, for four queries: [4, PAIRS], times 2^-56. */
    private void addFour(MemorySegment page, long at, int n, int p) {
        FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
        for (int t = p; t < p + n; t++, at += ROW_BYTES) {
            IntVector v = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
            FloatVector even = inPlace(v.lanewise(VectorOperators.LSHL, 16)), odd = inPlace(v);
            FloatVector w = FloatVector.broadcast(Lanes.FLOATS, scores[t]);
            a0 = even.fma(w, a0);
            a1 = odd.fma(w, a1);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[t + KvCache.PAGE]);
            b0 = even.fma(w, b0);
            b1 = odd.fma(w, b1);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[t + 2 * KvCache.PAGE]);
            c0 = even.fma(w, c0);
            c1 = odd.fma(w, c1);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[t + 3 * KvCache.PAGE]);
            d0 = even.fma(w, d0);
            d1 = odd.fma(w, d1);
        }
        a0.intoArray(sums, 0);
        a1.intoArray(sums, L);
        b0.intoArray(sums, 2 * L);
        b1.intoArray(sums, 3 * L);
        c0.intoArray(sums, 4 * L);
        c1.intoArray(sums, 5 * L);
        d0.intoArray(sums, 6 * L);
        d1.intoArray(sums, 7 * L);
    }

    /** The same for two queries and two places: [2, TURN]. */
    private void addPair(MemorySegment page, long at, long other, int n, int p) {
        FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int t = p; t < p + n; t++, at += ROW_BYTES, other += ROW_BYTES) {
            int to = t & PLACE;
            FloatVector w = FloatVector.broadcast(Lanes.FLOATS, scores[to]);
            FloatVector x = FloatVector.broadcast(Lanes.FLOATS, scores[to + KvCache.PAGE]);
            IntVector v = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
            FloatVector even = inPlace(v.lanewise(VectorOperators.LSHL, 16)), odd = inPlace(v);
            a0 = even.fma(w, a0);
            a1 = odd.fma(w, a1);
            b0 = even.fma(x, b0);
            b1 = odd.fma(x, b1);
            v = IntVector.fromMemorySegment(Lanes.INTS, page, other, ByteOrder.LITTLE_ENDIAN);
            even = inPlace(v.lanewise(VectorOperators.LSHL, 16));
            odd = inPlace(v);
            a2 = even.fma(w, a2);
            a3 = odd.fma(w, a3);
            b2 = even.fma(x, b2);
            b3 = odd.fma(x, b3);
        }
        a0.intoArray(sums, 0);
        a1.intoArray(sums, L);
        a2.intoArray(sums, 2 * L);
        a3.intoArray(sums, 3 * L);
        b0.intoArray(sums, 4 * L);
        b1.intoArray(sums, 5 * L);
        b2.intoArray(sums, 6 * L);
        b3.intoArray(sums, 7 * L);
    }

    /** The upper half of each int, times 2^-112. */
    private static FloatVector inPlace(IntVector v) {
        return v.lanewise(VectorOperators.ASHR, 3).and(PLACES).reinterpretAsFloats();
    }

    @Override void finish(int i, float[] y, int at) {
        unpair(i, y, at, 1 / sum[i]);
    }

    @Override void keep(int i, float[] partial, int at) {
        unpair(i, partial, at, 1);
        partial[at + headDim] = max[i];
        partial[at + headDim + 1] = sum[i];
    }

    private void unpair(int i, float[] y, int at, float factor) {
        int from = i * stride;
        for (int d = 0; d < headDim; d += PAIRS)
            for (int l = 0; l < L; l++) {
                y[at + d + 2 * l] = factor * outputs[from + d + l];
                y[at + d + 2 * l + 1] = factor * outputs[from + d + L + l];
            }
    }
}
