package squall.quant;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.IntVector.fromMemorySegment;
import static squall.quant.ByteColumns.BYTE;
import static squall.quant.ByteColumns.BYTE_1;
import static squall.quant.ByteColumns.BYTE_2;
import static squall.quant.ByteColumns.PLACE;
import static squall.quant.ByteColumns.numbers;
import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.FLOATS;
import static squall.quant.Lanes.INTS;
import static squall.quant.Lanes.addScaled;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i32;
import static squall.quant.LittleEndian.i8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * 32 signed bytes under one scale: {@code y = d * q}.
 * <pre>
 * byte 0    2
 *      | d  | q[32] i8 |
 * </pre>
 */
final class Q8_0 extends BlockCodec {
    Q8_0() {
        super(32, 34);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        return f16(w, offsetBytes) * i8(w, offsetBytes + 2 + i);
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 32, offsetBytes += 34) {
            float d = f16(w, offsetBytes);
            for (int j = 0; j < 32; j += COUNT)
                toFloat(Lanes.i8(w, offsetBytes + 2 + j)).mul(d).intoArray(dst, dstAt + i + j);
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector sum = zero();
        for (int i = 0; i < n; i += 32, offsetBytes += 34) {
            FloatVector s = zero();
            for (int j = 0; j < 32; j += COUNT)
                s = toFloat(Lanes.i8(w, offsetBytes + 2 + j)).fma(Lanes.f32(x, xAt + i + j), s);
            sum = addScaled(sum, f16(w, offsetBytes), s);
        }
        return Lanes.sum(sum);
    }

    // prepared, for each block: [-128 * the sums of a lane's x: 8 | x by byte columns: 32]; bytes are taken as q + 128

    private static final int PREPARED = 8 + 32;
    private static final IntVector SIGNS = IntVector.broadcast(Lanes.INTS, 0x80808080);

    @Override public int preparedSize(int n) {
        return ByteColumns.ON ? n / 32 * PREPARED : n;
    }

    @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
        if (!ByteColumns.ON) {
            super.prepare(dst, x, xAt, n);
            return;
        }
        for (int i = 0, at = 0; i < n; i += 32, at += PREPARED) {
            ByteColumns.sums(dst, at, x, xAt + i, -128);
            ByteColumns.lay(dst, at + 8, 8, x, xAt + i, 1);
        }
    }

    @Override public void dots(float[] y, int yAt, int yStep, MemorySegment w, long offsetBytes, long stepBytes, float[] x, int n) {
        if (ByteColumns.ON) {
            y[yAt] = dotByColumns(w, offsetBytes, x, n);
            y[yAt + yStep] = dotByColumns(w, offsetBytes + stepBytes, x, n);
        } else super.dots(y, yAt, yStep, w, offsetBytes, stepBytes, x, n);
    }

    /** Two chains of two products, not one of four: what waits for a sum fills the processor's queue. */
    private static float dotByColumns(MemorySegment w, long at, float[] x, int n) {
        FloatVector sum = zero();
        int p = 0;
        for (int i = 0; i < n; i += 32) {
            IntVector q = Lanes.i32(w, at + 2).lanewise(VectorOperators.XOR, SIGNS);
            FloatVector s = numbers(q.and(ByteColumns.BYTE)).fma(Lanes.f32(x, p + 8), Lanes.f32(x, p));
            s = numbers(q.and(ByteColumns.BYTE_1)).fma(Lanes.f32(x, p + 16), s);
            q = q.lanewise(VectorOperators.LSHR, 16);
            FloatVector t = numbers(q.and(ByteColumns.BYTE)).fma(Lanes.f32(x, p + 24), zero());
            t = numbers(q.and(ByteColumns.BYTE_1)).fma(Lanes.f32(x, p + 32), t);
            sum = s.add(t).fma(Halves.spread(w, at), sum);
            at += 34;
            p = p + PREPARED & ByteColumns.PLACE;
        }
        return Lanes.sum(sum) * ByteColumns.SCALE;
    }

    private final RowGroups groups = new Groups(this);

    @Override public RowGroups rowGroups() {
        return groups;
    }

    /** Activations, for each block: [-128 * the sum of x | x / the place of its byte in a word, but not of the last: 32]; bytes are kept as q + 128. */
    private static final class Groups extends RowGroups {
        private static final int PREPARED = 1 + 32;
        private static final FloatVector BYTE_UNITS = ByteColumns.units(1, 0x1p-8f, 0x1p-16f, 1);

        Groups(Codec codec) {
            super(codec, 8, 0, 0, 1);
        }

        @Override int word(MemorySegment block, long at, int i) {
            return i32(block, at + 2 + 4 * i) ^ 0x80808080;
        }

        @Override public int preparedSize(int n) {
            return n / 32 * PREPARED;
        }

        @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
            for (int i = 0, at = 0; i < n; i += 32, at += PREPARED) {
                FloatVector sum = zero();
                for (int j = 0; j < 32; j += COUNT) {
                    FloatVector v = Lanes.f32(x, xAt + i + j);
                    v.mul(BYTE_UNITS).intoArray(dst, at + 1 + j);
                    sum = sum.add(v);
                }
                dst[at] = -128 * ByteColumns.ONE * Lanes.sum(sum);
            }
        }

        @Override public void decode(MemorySegment w, long at, int first, float[] dst, int dstAt, int step, int n, float[] factors) {
            at += 34L * ROWS * first;
            for (int i = 0; i < n; i += 32) {
                FloatVector d = halves(w, at);
                at += HALVES;
                for (int word = 1; word < 1 << 8; word <<= 1) { // shifted, not counted: see BlockCodec
                    IntVector q = Lanes.i32(w, at);
                    toFloat(q.and(255).sub(128)).mul(d).intoArray(dst, dstAt);
                    toFloat(q.lanewise(VectorOperators.LSHR, 8).and(255).sub(128)).mul(d).intoArray(dst, dstAt + step);
                    toFloat(q.lanewise(VectorOperators.LSHR, 16).and(255).sub(128)).mul(d).intoArray(dst, dstAt + 2 * step);
                    toFloat(q.lanewise(VectorOperators.LSHR, 24).sub(128)).mul(d).intoArray(dst, dstAt + 3 * step);
                    at += WORDS;
                    dstAt += 4 * step;
                }
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
                for (int word = 1; word < 1 << 8; word <<= 1) { // shifted, not counted: see BlockCodec
                    IntVector q0 = fromMemorySegment(INTS, w, at, LITTLE_ENDIAN);
                    IntVector q1 = fromMemorySegment(INTS, w, at + step, LITTLE_ENDIAN);
                    IntVector q2 = fromMemorySegment(INTS, w, at + 2 * step, LITTLE_ENDIAN);
                    IntVector q3 = fromMemorySegment(INTS, w, at + 3 * step, LITTLE_ENDIAN);
                    FloatVector v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    s0 = numbers(q0.and(BYTE)).fma(v, s0);
                    s1 = numbers(q1.and(BYTE)).fma(v, s1);
                    s2 = numbers(q2.and(BYTE)).fma(v, s2);
                    s3 = numbers(q3.and(BYTE)).fma(v, s3);
                    v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    t0 = numbers(q0.and(BYTE_1)).fma(v, t0);
                    t1 = numbers(q1.and(BYTE_1)).fma(v, t1);
                    t2 = numbers(q2.and(BYTE_1)).fma(v, t2);
                    t3 = numbers(q3.and(BYTE_1)).fma(v, t3);
                    v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    s0 = numbers(q0.and(BYTE_2)).fma(v, s0);
                    s1 = numbers(q1.and(BYTE_2)).fma(v, s1);
                    s2 = numbers(q2.and(BYTE_2)).fma(v, s2);
                    s3 = numbers(q3.and(BYTE_2)).fma(v, s3);
                    v = broadcast(FLOATS, x[p]);
                    p = p + 1 & PLACE;
                    t0 = numbers(q0.lanewise(VectorOperators.LSHR, 24)).fma(v, t0);
                    t1 = numbers(q1.lanewise(VectorOperators.LSHR, 24)).fma(v, t1);
                    t2 = numbers(q2.lanewise(VectorOperators.LSHR, 24)).fma(v, t2);
                    t3 = numbers(q3.lanewise(VectorOperators.LSHR, 24)).fma(v, t3);
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
