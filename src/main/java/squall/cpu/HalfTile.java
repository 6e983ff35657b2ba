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
 * beside it of which nothing is used.
 *
 * <p>Loops are written so that sixteen registers do: C2 reads all that a turn needs before it multiplies and unrolls short turns, and
 * a sum that is spilled costs more than all else (twice the time). Operands of one product each are read by the product itself.
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
    /** Positions after whose products their sums over the lanes are formed: meanwhile what the processor foresees comes from memory. */
    private static final int RUN = 16;
    private static final float UP = 0x1p56f;
    private static final IntVector PLACES = IntVector.broadcast(Lanes.INTS, 0x8FFFE000);
    /**
     * Masks an index. It changes nothing, arrays are shorter; but then the compiler knows that a small number added to it stays
     * an int, and loads have their address in one instruction.
     */
    private static final int PLACE = (1 << 28) - 1;
    private static final VectorSpecies<Float> FOUR = FloatVector.SPECIES_128;
    private static final VectorMask<Float> ODD = VectorMask.fromLong(FOUR, 0b1010), UPPER = VectorMask.fromLong(FOUR, 0b1100);
    private static final VectorShuffle<Float> SWAP_1 = VectorShuffle.fromOp(FOUR, i -> i ^ 1);
    private static final VectorShuffle<Float> SWAP_2 = VectorShuffle.fromOp(FOUR, i -> i ^ 2);
    /** From a strip of one value to that of the next. */
    private static final int ROW_BYTES = 2 * KvCache.STRIP;
    /** Bytes from one stream of values to the other: two strips (measured: one strip apart they gain nothing). */
    private static final int APART = 2 * KvCache.PAGE * ROW_BYTES;

    /** Products of queries and keys, by lanes: [4, PAGE, L]. */
    private final float[] lanes = new float[4 * KvCache.PAGE * L];
    /** Of no meaning: what is read ahead must go somewhere. */
    private final int[] touched = new int[L];

    HalfTile(int headDim, int mostQueries) {
        super(headDim, mostQueries + 1, KvCache.PAGE, 0);
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
        for (int i = 0; i < count; i += together(i))
            for (int t = 0; t < n; t += RUN) score(page, keysAt, valuesAt, t, Math.min(n, t + RUN), i);
        for (int i = 0; i < count; i++) soften(i, Math.clamp(first + i / group + 1, 0, n), width, UP);
        for (int d = 0; d < headDim; d += TURN) {
            long at = valuesAt + strip(d), other = valuesAt + strip(d + PAIRS);
            for (int i = 0; i < count; i += together(i)) {
                if (together(i) == 2) {
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
        long at = keysAt + 2L * headDim * from;
        // no further than the page's values: of heads below 128 the streams begin among its keys
        long streams = valuesAt + Math.min(0, 2L * KvCache.PAGE * headDim - 2 * APART);
        if (many == 4) scoreFour(page, at, valuesAt - keysAt, from, to, i);
        else scorePair(page, at, streams + 2 * ROW_BYTES * from, from, to, i);
        for (int k = 0; k < many; k++) foldLanes((i + k) * positions + from, k * positions + from, to - from);
    }

    /** Where element d of the first value stands, from the values of a page on. */
    private static long strip(int d) {
        return 2L * (KvCache.PAGE * (d / KvCache.STRIP * KvCache.STRIP) + d % KvCache.STRIP);
    }

    /**
     * {@code lanes = query * key} for two queries, still to be summed over the lanes. Before each key two lines are read from
     * {@code ahead} on and two that are {@link #APART}: the values that come next, of heads of 128 all of them, of smaller ones keys too. Three
     * streams come from memory faster than one after the other (measured from memory, two threads: 2 to 5 % of the time beside one line
     * of values with each line of a key). Among the products the reads would take a fifth of the loop's time.
     */
    private void scorePair(MemorySegment page, long at, long ahead, int from, int to, int i) {
        IntVector seen = IntVector.zero(Lanes.INTS);
        for (int t = from; t < to; t++) {
            seen = seen.or(IntVector.fromMemorySegment(Lanes.INTS, page, ahead, ByteOrder.LITTLE_ENDIAN));
            seen = seen.or(IntVector.fromMemorySegment(Lanes.INTS, page, ahead + APART, ByteOrder.LITTLE_ENDIAN));
            seen = seen.or(IntVector.fromMemorySegment(Lanes.INTS, page, ahead + ROW_BYTES, ByteOrder.LITTLE_ENDIAN));
            seen = seen.or(IntVector.fromMemorySegment(Lanes.INTS, page, ahead + APART + ROW_BYTES, ByteOrder.LITTLE_ENDIAN));
            ahead += 2 * ROW_BYTES;
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
            int lane = L * t & PLACE;
            s0.add(s1).add(s2.add(s3)).intoArray(lanes, lane);
            r0.add(r1).add(r2.add(r3)).intoArray(lanes, lane + L * KvCache.PAGE);
        }
        seen.intoArray(touched, 0);
    }

    /** The same for four queries: a key is brought to its place once for all of them, and with each of its lines the line {@code ahead} of it is read. */
    private void scoreFour(MemorySegment page, long at, long ahead, int from, int to, int i) {
        IntVector seen = IntVector.zero(Lanes.INTS);
        for (int t = from; t < to; t++) {
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
                seen = seen.or(IntVector.fromMemorySegment(Lanes.INTS, page, at + ahead, ByteOrder.LITTLE_ENDIAN));
                at += 2 * TURN;
            }
            int lane = L * t & PLACE;
            s0.add(r0).intoArray(lanes, lane);
            s1.add(r1).intoArray(lanes, lane + L * KvCache.PAGE);
            s2.add(r2).intoArray(lanes, lane + 2 * L * KvCache.PAGE);
            s3.add(r3).intoArray(lanes, lane + 3 * L * KvCache.PAGE);
        }
        seen.intoArray(touched, 0);
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
        FloatVector v = FloatVector.fromArray(FOUR, lanes, at);
        for (int i = 4; i < L; i += 4) v = v.add(FloatVector.fromArray(FOUR, lanes, at + i));
        return v;
    }

    /** {@code outputs += sum of weight * value} over the positions, for PAIRS elements of four queries. */
    private void addFour(MemorySegment page, long at, int n, int i, int d) {
        FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, e0 = a0, e1 = a0;
        for (int t = 0; t < n; t++, at += ROW_BYTES) {
            int p = i * KvCache.PAGE + t & PLACE;
            IntVector v = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
            FloatVector even = inPlace(v.lanewise(VectorOperators.LSHL, 16)), odd = inPlace(v);
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
        int to = i * stride + d;
        add(to, a0, a1);
        add(to + PAIRS, a2, a3);
        add(to + stride, b0, b1);
        add(to + stride + PAIRS, b2, b3);
    }

    private void add(int at, FloatVector even, FloatVector odd) {
        FloatVector up = FloatVector.broadcast(Lanes.FLOATS, UP);
        even.fma(up, FloatVector.fromArray(Lanes.FLOATS, outputs, at)).intoArray(outputs, at);
        odd.fma(up, FloatVector.fromArray(Lanes.FLOATS, outputs, at + L)).intoArray(outputs, at + L);
    }

    /** The upper half of each int, times 2^-112. */
    private static FloatVector inPlace(IntVector v) {
        return v.lanewise(VectorOperators.ASHR, 3).and(PLACES).reinterpretAsFloats();
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
        for (int d = 0; d < headDim; d += PAIRS)
            for (int l = 0; l < L; l++) {
                y[at + d + 2 * l] = factor * outputs[from + d + l];
                y[at + d + 2 * l + 1] = factor * outputs[from + d + L + l];
            }
    }
}
