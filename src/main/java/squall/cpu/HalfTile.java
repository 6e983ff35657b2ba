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
    /** Elements of the values that stay in registers: two loads of a position. */
    private static final int STRIP = 2 * PAIRS;
    private static final float UP = 0x1p56f;
    private static final IntVector PLACES = IntVector.broadcast(Lanes.INTS, 0x8FFFE000);

    private static final int LINE = 64;

    private final float[] strip = new float[2 * STRIP];
    /** Of no meaning: what is read must go somewhere. */
    private int touched;

    HalfTile(int headDim, int mostQueries) {
        super(headDim, mostQueries);
    }

    /** Whether heads are whole strips. */
    static boolean fits(int headDim) {
        return headDim % STRIP == 0;
    }

    @Override void query(int i, float[] q, int at) {
        int to = i * stride;
        for (int d = 0; d < headDim; d += PAIRS)
            for (int l = 0; l < L; l++) {
                queries[to + d + l] = q[at + d + 2 * l] * scale * UP;
                queries[to + d + L + l] = q[at + d + 2 * l + 1] * scale * UP;
            }
    }

    /**
     * As {@link AttentionTile#fold}, for keys and values of n positions from the given places of a page.
     *
     * @param rowBytes of a position of one head
     */
    void fold(MemorySegment page, long keysAt, long valuesAt, long rowBytes, int first, int group, int n) {
        int width = (n + L - 1) / L * L;
        int fours = count / 4 * 4;
        for (int i = 0; i < fours; i += 4) scoreFour(page, keysAt, i == 0 ? valuesAt : keysAt, rowBytes, n, i);
        for (int i = fours; i < count; i += 2) {
            int other = Math.min(i + 1, count - 1);
            scorePair(page, keysAt, i == 0 ? valuesAt : keysAt, rowBytes, n, i, other);
        }
        for (int i = 0; i < count; i++) soften(i, Math.clamp(first + i / group + 1, 0, n), width);
        for (int i = 0; i < fours; i += 4)
            for (int d = 0; d < headDim; d += PAIRS) {
                addFour(page, valuesAt + 2L * d, rowBytes, n, i * POSITIONS);
                for (int q = 0; q < 4; q++) RowKernels.addScaled(outputs, (i + q) * stride + d, strip, q * PAIRS, PAIRS, UP);
            }
        for (int i = fours; i < count; i += 2) {
            int other = Math.min(i + 1, count - 1);
            for (int d = 0; d < headDim; d += STRIP) {
                addPair(page, valuesAt + 2L * d, rowBytes, n, i * POSITIONS, other * POSITIONS);
                RowKernels.addScaled(outputs, i * stride + d, strip, 0, STRIP, UP);
                if (other != i) RowKernels.addScaled(outputs, other * stride + d, strip, STRIP, STRIP, UP);
            }
        }
    }

    /** {@code scores = query · key} for two queries. Rows from {@code ahead} on are {@link #touch}ed meanwhile. */
    private void scorePair(MemorySegment page, long at, long ahead, long rowBytes, int n, int i, int other) {
        int q0 = i * stride, q1 = other * stride;
        for (int t = 0; t < n; t++, at += rowBytes, ahead += rowBytes) {
            FloatVector s0 = FloatVector.zero(Lanes.FLOATS), s1 = s0, r0 = s0, r1 = s0;
            for (int d = 0; d < headDim; d += PAIRS) {
                IntVector k = IntVector.fromMemorySegment(Lanes.INTS, page, at + 2L * d, ByteOrder.LITTLE_ENDIAN);
                FloatVector even = inPlace(k.lanewise(VectorOperators.LSHL, 16)), odd = inPlace(k);
                s0 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q0 + d), s0);
                s1 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q0 + d + L), s1);
                r0 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q1 + d), r0);
                r1 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q1 + d + L), r1);
            }
            touch(page, ahead, rowBytes);
            scores[i * POSITIONS + t] = Lanes.sum(s0.add(s1)) * UP;
            scores[other * POSITIONS + t] = Lanes.sum(r0.add(r1)) * UP;
        }
    }

    /** The same for four queries: a key is brought to its place once for all of them. */
    private void scoreFour(MemorySegment page, long at, long ahead, long rowBytes, int n, int i) {
        int q0 = i * stride, q1 = q0 + stride, q2 = q1 + stride, q3 = q2 + stride;
        for (int t = 0; t < n; t++, at += rowBytes, ahead += rowBytes) {
            FloatVector s0 = FloatVector.zero(Lanes.FLOATS), s1 = s0, s2 = s0, s3 = s0;
            for (int d = 0; d < headDim; d += PAIRS) {
                IntVector k = IntVector.fromMemorySegment(Lanes.INTS, page, at + 2L * d, ByteOrder.LITTLE_ENDIAN);
                FloatVector even = inPlace(k.lanewise(VectorOperators.LSHL, 16)), odd = inPlace(k);
                s0 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q0 + d), s0);
                s0 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q0 + d + L), s0);
                s1 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q1 + d), s1);
                s1 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q1 + d + L), s1);
                s2 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q2 + d), s2);
                s2 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q2 + d + L), s2);
                s3 = even.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q3 + d), s3);
                s3 = odd.fma(FloatVector.fromArray(Lanes.FLOATS, queries, q3 + d + L), s3);
            }
            touch(page, ahead, rowBytes);
            int to = i * POSITIONS + t;
            scores[to] = Lanes.sum(s0) * UP;
            scores[to + POSITIONS] = Lanes.sum(s1) * UP;
            scores[to + 2 * POSITIONS] = Lanes.sum(s2) * UP;
            scores[to + 3 * POSITIONS] = Lanes.sum(s3) * UP;
        }
    }

    /** {@code strip = sum of weight * value} over the positions, for four queries: [4, PAIRS], times 2^-56. */
    private void addFour(MemorySegment page, long at, long rowBytes, int n, int p) {
        FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
        for (int t = p; t < p + n; t++, at += rowBytes) {
            IntVector v = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
            FloatVector even = inPlace(v.lanewise(VectorOperators.LSHL, 16)), odd = inPlace(v);
            FloatVector w = FloatVector.broadcast(Lanes.FLOATS, scores[t] * UP);
            a0 = even.fma(w, a0);
            a1 = odd.fma(w, a1);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[t + POSITIONS] * UP);
            b0 = even.fma(w, b0);
            b1 = odd.fma(w, b1);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[t + 2 * POSITIONS] * UP);
            c0 = even.fma(w, c0);
            c1 = odd.fma(w, c1);
            w = FloatVector.broadcast(Lanes.FLOATS, scores[t + 3 * POSITIONS] * UP);
            d0 = even.fma(w, d0);
            d1 = odd.fma(w, d1);
        }
        a0.intoArray(strip, 0);
        a1.intoArray(strip, L);
        b0.intoArray(strip, 2 * L);
        b1.intoArray(strip, 3 * L);
        c0.intoArray(strip, 4 * L);
        c1.intoArray(strip, 5 * L);
        d0.intoArray(strip, 6 * L);
        d1.intoArray(strip, 7 * L);
    }

    /**
     * Reads a number of each line of a row, so that values come from memory in its order: strips take them 32 or 64 bytes a
     * row, which no processor foresees (at 16384 positions a third of the time of attention, on Zen 2).
     */
    private void touch(MemorySegment page, long at, long rowBytes) {
        for (long b = 0; b < rowBytes; b += LINE) touched += page.get(ValueLayout.JAVA_INT_UNALIGNED, at + b);
    }

    /** {@code strip = sum of weight * value} over the positions, for two queries: [2, STRIP], times 2^-56. */
    private void addPair(MemorySegment page, long at, long rowBytes, int n, int p0, int p1) {
        FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int t = 0; t < n; t++, at += rowBytes) {
            FloatVector p = FloatVector.broadcast(Lanes.FLOATS, scores[p0 + t] * UP);
            FloatVector q = FloatVector.broadcast(Lanes.FLOATS, scores[p1 + t] * UP);
            IntVector v = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
            FloatVector even = inPlace(v.lanewise(VectorOperators.LSHL, 16)), odd = inPlace(v);
            a0 = even.fma(p, a0);
            a1 = odd.fma(p, a1);
            b0 = even.fma(q, b0);
            b1 = odd.fma(q, b1);
            v = IntVector.fromMemorySegment(Lanes.INTS, page, at + 2 * PAIRS, ByteOrder.LITTLE_ENDIAN);
            even = inPlace(v.lanewise(VectorOperators.LSHL, 16));
            odd = inPlace(v);
            a2 = even.fma(p, a2);
            a3 = odd.fma(p, a3);
            b2 = even.fma(q, b2);
            b3 = odd.fma(q, b3);
        }
        a0.intoArray(strip, 0);
        a1.intoArray(strip, L);
        a2.intoArray(strip, 2 * L);
        a3.intoArray(strip, 3 * L);
        b0.intoArray(strip, 4 * L);
        b1.intoArray(strip, 5 * L);
        b2.intoArray(strip, 6 * L);
        b3.intoArray(strip, 7 * L);
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
