package squall.quant;

import static squall.quant.ByteColumns.numbers;
import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.addScaled;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
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
}
