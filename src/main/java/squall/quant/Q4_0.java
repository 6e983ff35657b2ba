package squall.quant;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.IntVector.fromMemorySegment;
import static squall.quant.ByteColumns.HIGH;
import static squall.quant.ByteColumns.HIGH_1;
import static squall.quant.ByteColumns.LOW;
import static squall.quant.ByteColumns.LOW_1;
import static squall.quant.ByteColumns.PLACE;
import static squall.quant.ByteColumns.layNibbles;
import static squall.quant.ByteColumns.numbers;
import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.FLOATS;
import static squall.quant.Lanes.INTS;
import static squall.quant.Lanes.addScaled;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i32;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * 32 nibbles under one scale: {@code y = d * (q - 8)}.
 * <pre>
 * byte 0    2
 *      | d  | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16
 * </pre>
 */
final class Q4_0 extends BlockCodec {
    Q4_0() {
        super(32, 18);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 2 + i % 16);
        int q = i < 16 ? b & 15 : b >> 4;
        return f16(w, offsetBytes) * (q - 8);
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 32, offsetBytes += 18) {
            float d = f16(w, offsetBytes);
            for (int j = 0; j < 16; j += COUNT) {
                IntVector b = Lanes.u8(w, offsetBytes + 2 + j);
                toFloat(b.and(15).sub(8)).mul(d).intoArray(dst, dstAt + i + j);
                toFloat(b.lanewise(VectorOperators.LSHR, 4).sub(8)).mul(d).intoArray(dst, dstAt + i + 16 + j);
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector sum = zero();
        for (int i = 0; i < n; i += 32, offsetBytes += 18) {
            FloatVector s = zero();
            for (int j = 0; j < 16; j += COUNT) {
                IntVector b = Lanes.u8(w, offsetBytes + 2 + j);
                s = toFloat(b.and(15).sub(8)).fma(Lanes.f32(x, xAt + i + j), s);
                s = toFloat(b.lanewise(VectorOperators.LSHR, 4).sub(8)).fma(Lanes.f32(x, xAt + i + 16 + j), s);
            }
            sum = addScaled(sum, f16(w, offsetBytes), s);
        }
        return Lanes.sum(sum);
    }

    // prepared where rows are whole pairs of blocks, and vectors of eight: for each pair, lanes 0 to 3 for the first block,
    // [-8 * the sums of a lane's x: 8 | by nibbles of the ints, the lower ones of a byte before the higher ones, / their place: 64]

    private static final int PAIR = 8 + 64;

    private static boolean inPairs(int n) {
        return COUNT == 8 && n % 64 == 0;
    }

    /** A nibble is used where it lies: of 16 bits the first is taken once, the second 16 times too large, and so on. */
    private static void preparePairs(float[] dst, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += 32) {
            int at = i / 64 * PAIR + i % 64 / 8;
            for (int l = 0; l < 4; l++) {
                float sum = 0;
                for (int j = 0; j < 4; j++) {
                    float low = x[xAt + i + 4 * l + j], high = x[xAt + i + 4 * l + j + 16];
                    sum += low + high;
                    dst[at + 8 + 16 * j + l] = low * ByteColumns.PER_BYTE[j % 2];
                    dst[at + 16 + 16 * j + l] = high * ByteColumns.PER_BYTE[j % 2] / 16;
                }
                dst[at + l] = -8 * sum;
            }
        }
    }

    /** Converted: as the numbers of {@link ByteColumns} nibbles are faster by 6 % from cache, but slower by 15 % in a model. */
    private static float dotOfPairs(MemorySegment w, long at, float[] x, int n) {
        FloatVector sum = zero();
        int p = 0;
        for (int i = 0; i < n; i += 64) {
            IntVector q = Lanes.i32(w, at + 2).blend(Lanes.i32(w, at + 4), ByteColumns.UPPER_INTS);
            FloatVector s = toFloat(q.and(ByteColumns.LOW)).fma(Lanes.f32(x, p + 8), Lanes.f32(x, p));
            FloatVector t = toFloat(q.and(ByteColumns.HIGH)).mul(Lanes.f32(x, p + 16));
            s = toFloat(q.and(ByteColumns.LOW_1)).fma(Lanes.f32(x, p + 24), s);
            t = toFloat(q.and(ByteColumns.HIGH_1)).fma(Lanes.f32(x, p + 32), t);
            q = q.lanewise(VectorOperators.LSHR, 16);
            s = toFloat(q.and(ByteColumns.LOW)).fma(Lanes.f32(x, p + 40), s);
            t = toFloat(q.and(ByteColumns.HIGH)).fma(Lanes.f32(x, p + 48), t);
            s = toFloat(q.and(ByteColumns.LOW_1)).fma(Lanes.f32(x, p + 56), s);
            t = toFloat(q.and(ByteColumns.HIGH_1)).fma(Lanes.f32(x, p + 64), t);
            FloatVector d = Halves.spread(w, at).blend(Halves.spread(w, at + 18), ByteColumns.UPPER_FLOATS);
            sum = s.add(t).fma(d, sum);
            at += 36;
            p = p + PAIR & ByteColumns.PLACE;
        }
        return Lanes.sum(sum);
    }

    // prepared elsewhere, for each block: [-8 * the sums of a lane's x: COUNT | x of low nibbles: 16 | of high ones, / 16: 16];
    // a high nibble is used where it lies, 16 times too large, and the offset is where a sum starts from

    private static final int PREPARED = COUNT + 32;

    @Override public int preparedSize(int n) {
        return inPairs(n) ? n / 64 * PAIR : n / 32 * PREPARED;
    }

    @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
        if (inPairs(n)) {
            preparePairs(dst, x, xAt, n);
            return;
        }
        for (int i = 0, at = 0; i < n; i += 32, at += PREPARED) {
            for (int j = 0; j < COUNT; j++) dst[at + j] = 0;
            for (int j = 0; j < 32; j++) dst[at + j % COUNT] -= 8 * x[xAt + i + j];
            for (int j = 0; j < 16; j++) {
                dst[at + COUNT + j] = x[xAt + i + j];
                dst[at + COUNT + 16 + j] = x[xAt + i + 16 + j] / 16;
            }
        }
    }

    @Override public void dots(float[] y, int yAt, int yStep, MemorySegment w, long offsetBytes, long stepBytes, float[] x, int n) {
        boolean pairs = inPairs(n);
        y[yAt] = pairs ? dotOfPairs(w, offsetBytes, x, n) : dotPrepared(w, offsetBytes, x, n);
        y[yAt + yStep] = pairs ? dotOfPairs(w, offsetBytes + stepBytes, x, n) : dotPrepared(w, offsetBytes + stepBytes, x, n);
    }

    private static float dotPrepared(MemorySegment w, long at, float[] x, int n) {
        FloatVector sum = zero();
        int p = 0;
        for (int i = 0; i < n; i += 32, at += 18) {
            FloatVector s = Lanes.f32(x, p), t = zero();
            for (int j = 0; j < 16; j += COUNT) {
                IntVector q = Lanes.i8(w, at + 2 + j);
                s = toFloat(q.and(ByteColumns.LOW)).fma(Lanes.f32(x, p + COUNT + j), s);
                t = toFloat(q.and(ByteColumns.HIGH)).fma(Lanes.f32(x, p + COUNT + 16 + j), t);
            }
            sum = s.add(t).fma(Halves.spread(w, at), sum);
            p = p + PREPARED & ByteColumns.PLACE;
        }
        return Lanes.sum(sum);
    }

    private final RowGroups groups = new Groups(this);

    @Override public RowGroups rowGroups() {
        return groups;
    }

    /**
     * Activations, for each block: [-8 * the sum of x | for each word by nibbles of its lower half, then of its upper one, / their
     * place in the half: 8, ...].
     */
    private static final class Groups extends RowGroups {
        private static final int PREPARED = 1 + 32;
        /** The first half of the numbers of a vector, each twice, and the others. */
        private static final VectorShuffle<Float> FIRST = VectorShuffle.fromOp(FLOATS, i -> i / 2);
        private static final VectorShuffle<Float> SECOND = VectorShuffle.fromOp(FLOATS, i -> (COUNT + i) / 2);
        private static final VectorMask<Float> ODD = VectorMask.fromLong(FLOATS, 0xAAAAAAAAL & (1L << COUNT) - 1);

        Groups(Codec codec) {
            super(codec, 4, 0, 0, 1);
        }

        @Override int word(MemorySegment block, long at, int i) {
            return i32(block, at + 2 + 4 * i);
        }

        @Override public int preparedSize(int n) {
            return n / 32 * PREPARED;
        }

        @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
            for (int i = 0, at = 0; i < n; i += 32, at += PREPARED) {
                FloatVector sum = zero();
                for (int j = 0; j < 16; j += COUNT) {
                    FloatVector low = Lanes.f32(x, xAt + i + j), high = Lanes.f32(x, xAt + i + 16 + j);
                    layNibbles(dst, at + 1 + 2 * j, low.rearrange(FIRST).blend(high.rearrange(FIRST), ODD));
                    layNibbles(dst, at + 1 + COUNT + 2 * j, low.rearrange(SECOND).blend(high.rearrange(SECOND), ODD));
                    sum = sum.add(low).add(high);
                }
                dst[at] = -8 * ByteColumns.ONE * Lanes.sum(sum);
            }
        }

        @Override public void decode(MemorySegment w, long at, int first, float[] dst, int dstAt, int step, int n, float[] factors) {
            at += 18L * ROWS * first;
            for (int i = 0; i < n; i += 32) {
                FloatVector d = halves(w, at);
                at += HALVES;
                for (int word = 1; word < 1 << 4; word <<= 1) { // shifted, not counted: see BlockCodec
                    IntVector q = Lanes.i32(w, at);
                    for (int b = 1; b < 1 << 4; b <<= 1) {
                        toFloat(q.and(15).sub(8)).mul(d).intoArray(dst, dstAt);
                        toFloat(q.lanewise(VectorOperators.LSHR, 4).and(15).sub(8)).mul(d).intoArray(dst, dstAt + 16 * step);
                        q = q.lanewise(VectorOperators.LSHR, 8);
                        dstAt += step;
                    }
                    at += WORDS;
                }
                dstAt += 16 * step;
            }
        }

        @Override void dots(float[] y, int yAt, int yStep, MemorySegment w, long at, long step, float[] x, int n, float[] factors) {
            FloatVector a0 = zero(), a1 = zero(), a2 = zero(), a3 = zero();
            int p = 0;
            for (int i = 0; i < n; i += 32) {
                FloatVector s0 = broadcast(FLOATS, x[p]), s1 = s0, s2 = s0, s3 = s0;
                FloatVector t0 = zero(), t1 = zero(), t2 = zero(), t3 = zero();
                p = p + 1 & PLACE;
                long scales = at;
                at += HALVES;
                for (int word = 1; word < 1 << 4; word <<= 1) { // shifted, not counted: see BlockCodec
                    IntVector q0 = fromMemorySegment(INTS, w, at, LITTLE_ENDIAN);
                    IntVector q1 = fromMemorySegment(INTS, w, at + step, LITTLE_ENDIAN);
                    IntVector q2 = fromMemorySegment(INTS, w, at + 2 * step, LITTLE_ENDIAN);
                    IntVector q3 = fromMemorySegment(INTS, w, at + 3 * step, LITTLE_ENDIAN);
                    FloatVector v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    s0 = numbers(q0.and(LOW)).fma(v, s0);
                    s1 = numbers(q1.and(LOW)).fma(v, s1);
                    s2 = numbers(q2.and(LOW)).fma(v, s2);
                    s3 = numbers(q3.and(LOW)).fma(v, s3);
                    v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    t0 = numbers(q0.and(HIGH)).fma(v, t0);
                    t1 = numbers(q1.and(HIGH)).fma(v, t1);
                    t2 = numbers(q2.and(HIGH)).fma(v, t2);
                    t3 = numbers(q3.and(HIGH)).fma(v, t3);
                    v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    s0 = numbers(q0.and(LOW_1)).fma(v, s0);
                    s1 = numbers(q1.and(LOW_1)).fma(v, s1);
                    s2 = numbers(q2.and(LOW_1)).fma(v, s2);
                    s3 = numbers(q3.and(LOW_1)).fma(v, s3);
                    v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    t0 = numbers(q0.and(HIGH_1)).fma(v, t0);
                    t1 = numbers(q1.and(HIGH_1)).fma(v, t1);
                    t2 = numbers(q2.and(HIGH_1)).fma(v, t2);
                    t3 = numbers(q3.and(HIGH_1)).fma(v, t3);
                    q0 = q0.lanewise(VectorOperators.LSHR, 16);
                    q1 = q1.lanewise(VectorOperators.LSHR, 16);
                    q2 = q2.lanewise(VectorOperators.LSHR, 16);
                    q3 = q3.lanewise(VectorOperators.LSHR, 16);
                    v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    s0 = numbers(q0.and(LOW)).fma(v, s0);
                    s1 = numbers(q1.and(LOW)).fma(v, s1);
                    s2 = numbers(q2.and(LOW)).fma(v, s2);
                    s3 = numbers(q3.and(LOW)).fma(v, s3);
                    v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    t0 = numbers(q0.and(HIGH)).fma(v, t0);
                    t1 = numbers(q1.and(HIGH)).fma(v, t1);
                    t2 = numbers(q2.and(HIGH)).fma(v, t2);
                    t3 = numbers(q3.and(HIGH)).fma(v, t3);
                    v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    s0 = numbers(q0.and(LOW_1)).fma(v, s0);
                    s1 = numbers(q1.and(LOW_1)).fma(v, s1);
                    s2 = numbers(q2.and(LOW_1)).fma(v, s2);
                    s3 = numbers(q3.and(LOW_1)).fma(v, s3);
                    v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    t0 = numbers(q0.and(HIGH_1)).fma(v, t0);
                    t1 = numbers(q1.and(HIGH_1)).fma(v, t1);
                    t2 = numbers(q2.and(HIGH_1)).fma(v, t2);
                    t3 = numbers(q3.and(HIGH_1)).fma(v, t3);
                    at += WORDS;
                }
                IntVector d0 = (IntVector) ShortVector.fromMemorySegment(SHORTS, w, scales, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, INTS, 0);
                a0 = s0.add(t0).mul(HALF).fma(d0.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats(), a0);
                IntVector d1 = (IntVector) ShortVector.fromMemorySegment(SHORTS, w, scales + step, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, INTS, 0);
                a1 = s1.add(t1).mul(HALF).fma(d1.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats(), a1);
                IntVector d2 = (IntVector) ShortVector.fromMemorySegment(SHORTS, w, scales + 2 * step, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, INTS, 0);
                a2 = s2.add(t2).mul(HALF).fma(d2.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats(), a2);
                IntVector d3 = (IntVector) ShortVector.fromMemorySegment(SHORTS, w, scales + 3 * step, LITTLE_ENDIAN).convertShape(VectorOperators.S2I, INTS, 0);
                a3 = s3.add(t3).mul(HALF).fma(d3.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats(), a3);
            }
            a0.mul(ByteColumns.SCALE).intoArray(y, yAt);
            a1.mul(ByteColumns.SCALE).intoArray(y, yAt + yStep);
            a2.mul(ByteColumns.SCALE).intoArray(y, yAt + 2 * yStep);
            a3.mul(ByteColumns.SCALE).intoArray(y, yAt + 3 * yStep);
        }
    }
}
