package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.INDEX;
import static squall.quant.Lanes.INTS;
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
 * 32 five-bit numbers under a scale and a minimum: {@code y = d * q + m}, product rounded before the sum.
 * <pre>
 * byte 0    2    4        8
 *      | d  | m  | qh u32 | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16; bit i of qh: bit 4 of value i
 * </pre>
 */
final class Q5_1 extends BlockCodec {
    Q5_1() {
        super(32, 24);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 8 + i % 16);
        int q = (i < 16 ? b & 15 : b >> 4) | (i32(w, offsetBytes + 4) >>> i & 1) << 4;
        return f16(w, offsetBytes) * q + f16(w, offsetBytes + 2);
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 32, offsetBytes += 24) {
            float d = f16(w, offsetBytes), m = f16(w, offsetBytes + 2);
            int qh = i32(w, offsetBytes + 4);
            for (int j = 0; j < 16; j += COUNT) {
                IntVector b = Lanes.u8(w, offsetBytes + 8 + j);
                IntVector q0 = b.and(15).or(sixteens(qh << 4 >>> j));
                IntVector q1 = b.lanewise(VectorOperators.LSHR, 4).or(sixteens(qh >>> 12 + j));
                toFloat(q0).mul(d).add(m).intoArray(dst, dstAt + i + j);
                toFloat(q1).mul(d).add(m).intoArray(dst, dstAt + i + 16 + j);
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), c = zero();
        for (int i = 0; i < n; i += 32, offsetBytes += 24) {
            float d = f16(w, offsetBytes), m = f16(w, offsetBytes + 2);
            int qh = i32(w, offsetBytes + 4);
            for (int j = 0; j < 16; j += COUNT) {
                IntVector b = Lanes.u8(w, offsetBytes + 8 + j);
                IntVector q0 = b.and(15).or(sixteens(qh << 4 >>> j));
                IntVector q1 = b.lanewise(VectorOperators.LSHR, 4).or(sixteens(qh >>> 12 + j));
                a = toFloat(q0).mul(d).add(m).fma(Lanes.f32(x, xAt + i + j), a);
                c = toFloat(q1).mul(d).add(m).fma(Lanes.f32(x, xAt + i + 16 + j), c);
            }
        }
        return Lanes.sum(a.add(c));
    }

    /** 16 in the lanes of {@code high} whose bit, counted from bit 4, is set. */
    private static IntVector sixteens(int high) {
        return IntVector.broadcast(INTS, high).lanewise(VectorOperators.LSHR, INDEX).and(16);
    }
}
