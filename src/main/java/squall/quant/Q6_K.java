package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i64;
import static squall.quant.LittleEndian.i8;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * 256 six-bit numbers, a signed byte of scale for each 16: {@code y = (d * sc) * (q - 32)}.
 * <pre>
 * byte 0         128      192             208
 *      | ql[128] | qh[64] | scales[16] i8 | d |
 * </pre>
 * Value {@code 128 n + 32 j + l} ({@code n < 2, j < 4, l < 32}) has four low bits in nibble {@code j / 2} of
 * {@code ql[64 n + 32 (j % 2) + l]} and two high bits in bits 2j, 2j+1 of {@code qh[32 n + l]}.
 */
final class Q6_K extends BlockCodec {
    Q6_K() {
        super(256, 210);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int n = i / 128, j = i / 32 % 4, l = i % 32;
        int low = u8(w, offsetBytes + 64 * n + 32 * (j % 2) + l) >> j / 2 * 4 & 15;
        int high = u8(w, offsetBytes + 128 + 32 * n + l) >> 2 * j & 3;
        return f16(w, offsetBytes + 208) * i8(w, offsetBytes + 192 + i / 16) * ((low | high << 4) - 32);
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 256, offsetBytes += 210) {
            float d = f16(w, offsetBytes + 208);
            int g = 0; // pairs of sub-blocks, s and s + 4, that share their bytes
            for (int turn = 1; turn < 1 << 8; turn <<= 1) { // shifted, not counted: see BlockCodec
                int s = g / 4 * 8 + g % 4, shift = g / 2 % 2 * 2;
                long scales = i64(w, offsetBytes + 192 + g / 4 * 8) >>> g % 4 * 8;
                float d0 = d * (byte) scales, d1 = d * (byte) (scales >>> 32);
                long ql = offsetBytes + g * 16, qh = offsetBytes + 128 + g / 4 * 32 + g % 2 * 16;
                int at = dstAt + i + 16 * s;
                for (int j = 0; j < 16; j += COUNT) {
                    IntVector q = Lanes.u8(w, ql + j);
                    IntVector h = Lanes.u8(w, qh + j).lanewise(VectorOperators.LSHR, shift);
                    IntVector q0 = q.and(15).or(h.and(3).lanewise(VectorOperators.LSHL, 4)).sub(32);
                    IntVector q1 = q.lanewise(VectorOperators.LSHR, 4).or(h.and(48)).sub(32);
                    toFloat(q0).mul(d0).intoArray(dst, at + j);
                    toFloat(q1).mul(d1).intoArray(dst, at + 64 + j);
                }
                g++;
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), b = zero();
        for (int i = 0; i < n; i += 256, offsetBytes += 210) {
            float d = f16(w, offsetBytes + 208);
            int g = 0; // pairs of sub-blocks, s and s + 4, that share their bytes
            for (int turn = 1; turn < 1 << 8; turn <<= 1) { // shifted, not counted: see BlockCodec
                int s = g / 4 * 8 + g % 4, shift = g / 2 % 2 * 2;
                long scales = i64(w, offsetBytes + 192 + g / 4 * 8) >>> g % 4 * 8;
                float d0 = d * (byte) scales, d1 = d * (byte) (scales >>> 32);
                long ql = offsetBytes + g * 16, qh = offsetBytes + 128 + g / 4 * 32 + g % 2 * 16;
                int at = xAt + i + 16 * s;
                for (int j = 0; j < 16; j += COUNT) {
                    IntVector q = Lanes.u8(w, ql + j);
                    IntVector h = Lanes.u8(w, qh + j).lanewise(VectorOperators.LSHR, shift);
                    IntVector q0 = q.and(15).or(h.and(3).lanewise(VectorOperators.LSHL, 4)).sub(32);
                    IntVector q1 = q.lanewise(VectorOperators.LSHR, 4).or(h.and(48)).sub(32);
                    a = toFloat(q0).mul(d0).fma(Lanes.f32(x, at + j), a);
                    b = toFloat(q1).mul(d1).fma(Lanes.f32(x, at + 64 + j), b);
                }
                g++;
            }
        }
        return Lanes.sum(a.add(b));
    }
}
