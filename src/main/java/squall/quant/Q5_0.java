package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.INDEX;
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
import jdk.incubator.vector.VectorOperators;

/**
 * 32 five-bit numbers under one scale: {@code y = d * (q - 16)}.
 * <pre>
 * byte 0    2        6
 *      | d  | qh u32 | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16; bit i of qh: bit 4 of value i
 * </pre>
 */
final class Q5_0 extends BlockCodec {
    Q5_0() {
        super(32, 22);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 6 + i % 16);
        int q = (i < 16 ? b & 15 : b >> 4) | (i32(w, offsetBytes + 2) >>> i & 1) << 4;
        return f16(w, offsetBytes) * (q - 16);
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 32, offsetBytes += 22) {
            float d = f16(w, offsetBytes);
            int qh = i32(w, offsetBytes + 2);
            for (int j = 0; j < 16; j += COUNT) {
                IntVector b = Lanes.u8(w, offsetBytes + 6 + j);
                IntVector q0 = b.and(15).or(sixteens(qh << 4 >>> j)).sub(16);
                IntVector q1 = b.lanewise(VectorOperators.LSHR, 4).or(sixteens(qh >>> 12 + j)).sub(16);
                toFloat(q0).mul(d).intoArray(dst, dstAt + i + j);
                toFloat(q1).mul(d).intoArray(dst, dstAt + i + 16 + j);
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector sum = zero();
        for (int i = 0; i < n; i += 32, offsetBytes += 22) {
            int qh = i32(w, offsetBytes + 2);
            FloatVector s = zero();
            for (int j = 0; j < 16; j += COUNT) {
                IntVector b = Lanes.u8(w, offsetBytes + 6 + j);
                IntVector q0 = b.and(15).or(sixteens(qh << 4 >>> j)).sub(16);
                IntVector q1 = b.lanewise(VectorOperators.LSHR, 4).or(sixteens(qh >>> 12 + j)).sub(16);
                s = toFloat(q0).fma(Lanes.f32(x, xAt + i + j), s);
                s = toFloat(q1).fma(Lanes.f32(x, xAt + i + 16 + j), s);
            }
            sum = addScaled(sum, f16(w, offsetBytes), s);
        }
        return Lanes.sum(sum);
    }

    /** 16 in the lanes of {@code high} whose bit, counted from bit 4, is set. */
    private static IntVector sixteens(int high) {
        return IntVector.broadcast(INTS, high).lanewise(VectorOperators.LSHR, INDEX).and(16);
    }
}
