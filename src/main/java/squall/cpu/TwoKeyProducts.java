package squall.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import squall.quant.Lanes;

/**
 * Products of queries with two keys at a time, for vectors with thirty-two registers: a query is read once for both. Nothing is read
 * ahead: on Zen 5 a core reads memory best in one stream and in its order (measured in C, runs of 32 KB: 25 GB/s, 13 in two streams; two queries
 * by one key 27 GB/s, with a line read that is 1 to 64 KB ahead 17 to 21).
 */
final class TwoKeyProducts extends HalfProducts {
    /**
     * Outside the heap, on whole lines: an array begins on a multiple of 8 bytes and not of 64, so that each of its vectors is read from two lines
     * (measured on Zen 5, from cache: with this and two keys at a time four queries of 256 take 0.77 us a tile in place of 1.78).
     */
    private final MemorySegment queries;

    TwoKeyProducts(int headDim, int elements) {
        super(headDim);
        queries = Arena.ofAuto().allocate(4L * elements, 64);
    }

    @Override void query(int to, int many, float[] q, int at, float factor) {
        for (int d = 0; d < headDim; d += PAIRS) {
            evens(q, at + d, factor).intoMemorySegment(queries, 4L * (to + d * many), ByteOrder.LITTLE_ENDIAN);
            odds(q, at + d, factor).intoMemorySegment(queries, 4L * (to + d * many + L), ByteOrder.LITTLE_ENDIAN);
        }
    }

    /** An odd last key has the next beside it. */
    @Override void score(MemorySegment page, long keysAt, long valuesAt, int from, int to, int first, int many) {
        long at = keysAt + 2L * headDim * from;
        if (many == 4) scoreFour(page, at, from, to, first);
        else scorePair(page, at, from, to, first);
    }

    /** {@code lanes = query * key} for two queries. */
    private void scorePair(MemorySegment page, long at, int from, int to, int first) {
        long row = 2L * headDim, q = 4L * first;
        for (int t = from; t < to; t += 2, at += row) {
            FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, e0 = a0, e1 = a0;
            for (int d = 0; d < headDim; d += PAIRS, at += 2 * PAIRS) {
                IntVector k = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
                IntVector l = IntVector.fromMemorySegment(Lanes.INTS, page, at + row, ByteOrder.LITTLE_ENDIAN);
                FloatVector x = inPlace(k.lanewise(VectorOperators.LSHL, 16)), y = inPlace(l.lanewise(VectorOperators.LSHL, 16));
                FloatVector w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 8 * d, ByteOrder.LITTLE_ENDIAN);
                a0 = x.fma(w, a0);
                b0 = y.fma(w, b0);
                w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 8 * d + 8 * L, ByteOrder.LITTLE_ENDIAN);
                c0 = x.fma(w, c0);
                e0 = y.fma(w, e0);
                x = inPlace(k);
                y = inPlace(l);
                w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 8 * d + 4 * L, ByteOrder.LITTLE_ENDIAN);
                a1 = x.fma(w, a1);
                b1 = y.fma(w, b1);
                w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 8 * d + 12 * L, ByteOrder.LITTLE_ENDIAN);
                c1 = x.fma(w, c1);
                e1 = y.fma(w, e1);
            }
            int lane = L * t & PLACE;
            a0.add(a1).intoArray(lanes, lane);
            b0.add(b1).intoArray(lanes, lane + L);
            c0.add(c1).intoArray(lanes, lane + L * KvCache.PAGE);
            e0.add(e1).intoArray(lanes, lane + L * KvCache.PAGE + L);
        }
    }

    /** The same for four queries. */
    private void scoreFour(MemorySegment page, long at, int from, int to, int first) {
        long row = 2L * headDim, q = 4L * first;
        for (int t = from; t < to; t += 2, at += row) {
            FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, e0 = a0, e1 = a0;
            for (int d = 0; d < headDim; d += PAIRS, at += 2 * PAIRS) {
                IntVector k = IntVector.fromMemorySegment(Lanes.INTS, page, at, ByteOrder.LITTLE_ENDIAN);
                IntVector l = IntVector.fromMemorySegment(Lanes.INTS, page, at + row, ByteOrder.LITTLE_ENDIAN);
                FloatVector x = inPlace(k.lanewise(VectorOperators.LSHL, 16)), y = inPlace(l.lanewise(VectorOperators.LSHL, 16));
                FloatVector w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 16 * d, ByteOrder.LITTLE_ENDIAN);
                a0 = x.fma(w, a0);
                a1 = y.fma(w, a1);
                w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 16 * d + 8 * L, ByteOrder.LITTLE_ENDIAN);
                b0 = x.fma(w, b0);
                b1 = y.fma(w, b1);
                w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 16 * d + 16 * L, ByteOrder.LITTLE_ENDIAN);
                c0 = x.fma(w, c0);
                c1 = y.fma(w, c1);
                w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 16 * d + 24 * L, ByteOrder.LITTLE_ENDIAN);
                e0 = x.fma(w, e0);
                e1 = y.fma(w, e1);
                x = inPlace(k);
                y = inPlace(l);
                w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 16 * d + 4 * L, ByteOrder.LITTLE_ENDIAN);
                a0 = x.fma(w, a0);
                a1 = y.fma(w, a1);
                w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 16 * d + 12 * L, ByteOrder.LITTLE_ENDIAN);
                b0 = x.fma(w, b0);
                b1 = y.fma(w, b1);
                w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 16 * d + 20 * L, ByteOrder.LITTLE_ENDIAN);
                c0 = x.fma(w, c0);
                c1 = y.fma(w, c1);
                w = FloatVector.fromMemorySegment(Lanes.FLOATS, queries, q + 16 * d + 28 * L, ByteOrder.LITTLE_ENDIAN);
                e0 = x.fma(w, e0);
                e1 = y.fma(w, e1);
            }
            int lane = L * t & PLACE;
            a0.intoArray(lanes, lane);
            a1.intoArray(lanes, lane + L);
            b0.intoArray(lanes, lane + L * KvCache.PAGE);
            b1.intoArray(lanes, lane + L * KvCache.PAGE + L);
            c0.intoArray(lanes, lane + 2 * L * KvCache.PAGE);
            c1.intoArray(lanes, lane + 2 * L * KvCache.PAGE + L);
            e0.intoArray(lanes, lane + 3 * L * KvCache.PAGE);
            e1.intoArray(lanes, lane + 3 * L * KvCache.PAGE + L);
        }
    }
}
