package squall.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import squall.quant.Lanes;

/**
 * Products of queries with one key at a time, for vectors with sixteen registers: C2 reads all that a turn needs before it multiplies and
 * unrolls short turns, and a sum that is spilled costs more than all else (twice the time). Operands of one product each are read by
 * the product itself. Values are read ahead meanwhile.
 */
final class OneKeyProducts extends HalfProducts {
    /** Elements of a turn of the loops: two loads. */
    private static final int TURN = 2 * PAIRS;
    private static final int ROW_BYTES = 2 * KvCache.STRIP;
    /** Bytes from one stream of values to the other: two strips (measured: one strip apart they gain nothing). */
    private static final int APART = 2 * KvCache.PAGE * ROW_BYTES;

    private final float[] queries;
    /** Of no meaning: what is read ahead must go somewhere. */
    private final int[] touched = new int[L];

    OneKeyProducts(int headDim, float[] queries) {
        super(headDim);
        this.queries = queries;
    }

    @Override void query(int to, int many, float[] q, int at, float factor) {
        for (int d = 0; d < headDim; d += PAIRS) {
            evens(q, at + d, factor).intoArray(queries, to + d * many);
            odds(q, at + d, factor).intoArray(queries, to + d * many + L);
        }
    }

    @Override void score(MemorySegment page, long keysAt, long valuesAt, int from, int to, int first, int many) {
        long at = keysAt + 2L * headDim * from;
        // no further than the page's values: of heads below 128 the streams begin among its keys
        long streams = valuesAt + Math.min(0, 2L * KvCache.PAGE * headDim - 2 * APART);
        if (many == 4) scoreFour(page, at, valuesAt - keysAt, from, to, first);
        else scorePair(page, at, streams + 2 * ROW_BYTES * from, from, to, first);
    }

    /**
     * {@code lanes = query * key} for two queries. Before each key two lines are read from
     * {@code ahead} on and two that are {@link #APART}: the values that come next, of heads of 128 all of them, of smaller ones keys too. Three
     * streams come from memory faster than one after the other (measured from memory, two threads: 2 to 5 % of the time beside one line
     * of values with each line of a key). Among the products the reads would take a fifth of the loop's time.
     */
    private void scorePair(MemorySegment page, long at, long ahead, int from, int to, int first) {
        IntVector seen = IntVector.zero(Lanes.INTS);
        for (int t = from; t < to; t++) {
            seen = seen.or(IntVector.fromMemorySegment(Lanes.INTS, page, ahead, ByteOrder.LITTLE_ENDIAN));
            seen = seen.or(IntVector.fromMemorySegment(Lanes.INTS, page, ahead + APART, ByteOrder.LITTLE_ENDIAN));
            seen = seen.or(IntVector.fromMemorySegment(Lanes.INTS, page, ahead + ROW_BYTES, ByteOrder.LITTLE_ENDIAN));
            seen = seen.or(IntVector.fromMemorySegment(Lanes.INTS, page, ahead + APART + ROW_BYTES, ByteOrder.LITTLE_ENDIAN));
            ahead += 2 * ROW_BYTES;
            FloatVector s0 = FloatVector.zero(Lanes.FLOATS), s1 = s0, s2 = s0, s3 = s0, r0 = s0, r1 = s0, r2 = s0, r3 = s0;
            for (int d = 0; d < headDim; d += TURN) {
                int q = first + 2 * d & PLACE;
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
    private void scoreFour(MemorySegment page, long at, long ahead, int from, int to, int first) {
        IntVector seen = IntVector.zero(Lanes.INTS);
        for (int t = from; t < to; t++) {
            FloatVector s0 = FloatVector.zero(Lanes.FLOATS), s1 = s0, s2 = s0, s3 = s0, r0 = s0, r1 = s0, r2 = s0, r3 = s0;
            for (int d = 0; d < headDim; d += TURN) {
                int q = first + 4 * d & PLACE;
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
}
