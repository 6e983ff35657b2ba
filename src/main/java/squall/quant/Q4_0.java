package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.addScaled;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

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
}
