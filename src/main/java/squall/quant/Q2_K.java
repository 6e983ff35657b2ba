package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i64;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * 256 two-bit numbers, a four-bit scale and minimum for each 16:
 * {@code y = (d * sc) * q - dmin * mn}, each product rounded before the difference.
 * <pre>
 * byte 0            16       80   82
 *      | scales[16] | qs[64] | d  | dmin |
 * </pre>
 * Value {@code 128 n + 32 j + l} ({@code n < 2, j < 4, l < 32}) is bits 2j, 2j+1 of {@code qs[32 n + l]}; sub-block s of 16 values
 * has scale {@code scales[s] & 15} and minimum {@code scales[s] >> 4}.
 */
final class Q2_K extends BlockCodec {
    Q2_K() {
        super(256, 84);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int q = u8(w, offsetBytes + 16 + i / 128 * 32 + i % 32) >> i / 32 % 4 * 2 & 3;
        int scale = u8(w, offsetBytes + i / 16);
        float d = f16(w, offsetBytes + 80), dmin = f16(w, offsetBytes + 82);
        return d * (scale & 15) * q - dmin * (scale >> 4);
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 256, offsetBytes += 84) {
            float d = f16(w, offsetBytes + 80), dmin = f16(w, offsetBytes + 82);
            int g = 0; // pairs of sub-blocks, s and s + 2, that share their bytes
            for (int turn = 1; turn < 1 << 8; turn <<= 1) { // shifted, not counted: see BlockCodec
                int s = g / 2 * 4 + g % 2, shift = g / 2 % 2 * 4;
                long scales = i64(w, offsetBytes + s / 8 * 8) >>> s % 8 * 8;
                float d0 = d * (scales & 15), m0 = dmin * (scales >>> 4 & 15);
                float d1 = d * (scales >>> 16 & 15), m1 = dmin * (scales >>> 20 & 15);
                long qs = offsetBytes + 16 + g / 4 * 32 + g % 2 * 16;
                int at = dstAt + i + 16 * s;
                for (int j = 0; j < 16; j += COUNT) {
                    IntVector q = Lanes.u8(w, qs + j).lanewise(VectorOperators.LSHR, shift);
                    IntVector q0 = q.and(3);
                    IntVector q1 = q.lanewise(VectorOperators.LSHR, 2).and(3);
                    toFloat(q0).mul(d0).sub(m0).intoArray(dst, at + j);
                    toFloat(q1).mul(d1).sub(m1).intoArray(dst, at + 32 + j);
                }
                g++;
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), b = zero();
        for (int i = 0; i < n; i += 256, offsetBytes += 84) {
            float d = f16(w, offsetBytes + 80), dmin = f16(w, offsetBytes + 82);
            int g = 0; // pairs of sub-blocks, s and s + 2, that share their bytes
            for (int turn = 1; turn < 1 << 8; turn <<= 1) { // shifted, not counted: see BlockCodec
                int s = g / 2 * 4 + g % 2, shift = g / 2 % 2 * 4;
                long scales = i64(w, offsetBytes + s / 8 * 8) >>> s % 8 * 8;
                float d0 = d * (scales & 15), m0 = dmin * (scales >>> 4 & 15);
                float d1 = d * (scales >>> 16 & 15), m1 = dmin * (scales >>> 20 & 15);
                long qs = offsetBytes + 16 + g / 4 * 32 + g % 2 * 16;
                int at = xAt + i + 16 * s;
                for (int j = 0; j < 16; j += COUNT) {
                    IntVector q = Lanes.u8(w, qs + j).lanewise(VectorOperators.LSHR, shift);
                    IntVector q0 = q.and(3);
                    IntVector q1 = q.lanewise(VectorOperators.LSHR, 2).and(3);
                    a = toFloat(q0).mul(d0).sub(m0).fma(Lanes.f32(x, at + j), a);
                    b = toFloat(q1).mul(d1).sub(m1).fma(Lanes.f32(x, at + 32 + j), b);
                }
                g++;
            }
        }
        return Lanes.sum(a.add(b));
    }
}
