package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * 32 nibbles under a scale and a minimum: {@code y = d * q + m}, product rounded before the sum.
 * <pre>
 * byte 0    2    4
 *      | d  | m  | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16
 * </pre>
 */
final class Q4_1 extends BlockCodec {
    Q4_1() {
        super(32, 20);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 4 + i % 16);
        int q = i < 16 ? b & 15 : b >> 4;
        return f16(w, offsetBytes) * q + f16(w, offsetBytes + 2);
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 32, offsetBytes += 20) {
            float d = f16(w, offsetBytes), m = f16(w, offsetBytes + 2);
            for (int j = 0; j < 16; j += COUNT) {
                IntVector b = Lanes.u8(w, offsetBytes + 4 + j);
                toFloat(b.and(15)).mul(d).add(m).intoArray(dst, dstAt + i + j);
                toFloat(b.lanewise(VectorOperators.LSHR, 4)).mul(d).add(m).intoArray(dst, dstAt + i + 16 + j);
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), c = zero();
        for (int i = 0; i < n; i += 32, offsetBytes += 20) {
            float d = f16(w, offsetBytes), m = f16(w, offsetBytes + 2);
            for (int j = 0; j < 16; j += COUNT) {
                IntVector b = Lanes.u8(w, offsetBytes + 4 + j);
                a = toFloat(b.and(15)).mul(d).add(m).fma(Lanes.f32(x, xAt + i + j), a);
                c = toFloat(b.lanewise(VectorOperators.LSHR, 4)).mul(d).add(m).fma(Lanes.f32(x, xAt + i + 16 + j), c);
            }
        }
        return Lanes.sum(a.add(c));
    }
}
