package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
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
        // 32 values at a time: the sub-blocks s and s + 4, which share their bytes; g counts the pairs of a block
        for (int i = 0; i < n; i += 32) {
            long block = offsetBytes + i / 256 * 210L;
            int g = i / 32 % 8;
            int s = g / 4 * 8 + g % 4, shift = g / 2 % 2 * 2;
            float d = f16(w, block + 208);
            float d0 = d * i8(w, block + 192 + s), d1 = d * i8(w, block + 196 + s);
            long ql = block + g / 4 * 64 + g % 4 * 16, qh = block + 128 + g / 4 * 32 + g % 2 * 16;
            int at = dstAt + i / 256 * 256 + 16 * s;
            for (int j = 0; j < 16; j += COUNT) {
                IntVector q = Lanes.u8(w, ql + j);
                IntVector h = Lanes.u8(w, qh + j).lanewise(VectorOperators.LSHR, shift);
                toFloat(q.and(15).or(h.and(3).lanewise(VectorOperators.LSHL, 4)).sub(32)).mul(d0).intoArray(dst, at + j);
                toFloat(q.lanewise(VectorOperators.LSHR, 4).or(h.and(48)).sub(32)).mul(d1).intoArray(dst, at + 64 + j);
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), b = zero();
        for (int i = 0; i < n; i += 32) {
            long block = offsetBytes + i / 256 * 210L;
            int g = i / 32 % 8;
            int s = g / 4 * 8 + g % 4, shift = g / 2 % 2 * 2;
            float d = f16(w, block + 208);
            float d0 = d * i8(w, block + 192 + s), d1 = d * i8(w, block + 196 + s);
            long ql = block + g / 4 * 64 + g % 4 * 16, qh = block + 128 + g / 4 * 32 + g % 2 * 16;
            int at = xAt + i / 256 * 256 + 16 * s;
            for (int j = 0; j < 16; j += COUNT) {
                IntVector q = Lanes.u8(w, ql + j);
                IntVector h = Lanes.u8(w, qh + j).lanewise(VectorOperators.LSHR, shift);
                a = toFloat(q.and(15).or(h.and(3).lanewise(VectorOperators.LSHL, 4)).sub(32)).mul(d0).fma(Lanes.f32(x, at + j), a);
                b = toFloat(q.lanewise(VectorOperators.LSHR, 4).or(h.and(48)).sub(32)).mul(d1).fma(Lanes.f32(x, at + 64 + j), b);
            }
        }
        return Lanes.sum(a.add(b));
    }
}
