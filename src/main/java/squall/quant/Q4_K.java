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
 * 256 nibbles, a six-bit scale and minimum for each 32: {@code y = (d * sc) * q - dmin * mn}, each product rounded
 * before the difference.
 * <pre>
 * byte 0    2      4            16
 *      | d  | dmin | scales[12] | qs[128] |
 * </pre>
 * Value {@code 64 t + l} ({@code t < 4, l < 32}) is the low nibble of {@code qs[32 t + l]}, value {@code 64 t + 32 + l} the high one.
 * The scales are packed as {@link SixBitScales} draws.
 */
final class Q4_K extends BlockCodec {
    Q4_K() {
        super(256, 144);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int s = i / 32;
        int b = u8(w, offsetBytes + 16 + s / 2 * 32 + i % 32);
        int q = s % 2 == 0 ? b & 15 : b >> 4;
        float d = f16(w, offsetBytes), dmin = f16(w, offsetBytes + 2);
        int scale = SixBitScales.scaleAt(w, offsetBytes + 4, s), minimum = SixBitScales.minimumAt(w, offsetBytes + 4, s);
        return d * scale * q - dmin * minimum;
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 256, offsetBytes += 144) {
            float d = f16(w, offsetBytes), dmin = f16(w, offsetBytes + 2);
            long scales = SixBitScales.scales(w, offsetBytes + 4);
            long minima = SixBitScales.minima(w, offsetBytes + 4);
            long qs = offsetBytes + 16;
            int at = dstAt + i;
            for (int turn = 1; turn < 1 << 4; turn <<= 1) { // shifted, not counted: see BlockCodec
                float d0 = d * (scales & 63), d1 = d * (scales >>> 8 & 63);
                float m0 = dmin * (minima & 63), m1 = dmin * (minima >>> 8 & 63);
                for (int j = 0; j < 32; j += COUNT) {
                    IntVector q = Lanes.u8(w, qs + j);
                    IntVector q0 = q.and(15);
                    IntVector q1 = q.lanewise(VectorOperators.LSHR, 4);
                    toFloat(q0).mul(d0).sub(m0).intoArray(dst, at + j);
                    toFloat(q1).mul(d1).sub(m1).intoArray(dst, at + 32 + j);
                }
                scales >>>= 16;
                minima >>>= 16;
                qs += 32;
                at += 64;
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), b = zero();
        for (int i = 0; i < n; i += 256, offsetBytes += 144) {
            float d = f16(w, offsetBytes), dmin = f16(w, offsetBytes + 2);
            long scales = SixBitScales.scales(w, offsetBytes + 4);
            long minima = SixBitScales.minima(w, offsetBytes + 4);
            long qs = offsetBytes + 16;
            int at = xAt + i;
            for (int turn = 1; turn < 1 << 4; turn <<= 1) { // shifted, not counted: see BlockCodec
                float d0 = d * (scales & 63), d1 = d * (scales >>> 8 & 63);
                float m0 = dmin * (minima & 63), m1 = dmin * (minima >>> 8 & 63);
                for (int j = 0; j < 32; j += COUNT) {
                    IntVector q = Lanes.u8(w, qs + j);
                    IntVector q0 = q.and(15);
                    IntVector q1 = q.lanewise(VectorOperators.LSHR, 4);
                    a = toFloat(q0).mul(d0).sub(m0).fma(Lanes.f32(x, at + j), a);
                    b = toFloat(q1).mul(d1).sub(m1).fma(Lanes.f32(x, at + 32 + j), b);
                }
                scales >>>= 16;
                minima >>>= 16;
                qs += 32;
                at += 64;
            }
        }
        return Lanes.sum(a.add(b));
    }
}
