package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i32;
import static squall.quant.LittleEndian.i64;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * 256 three-bit numbers, a six-bit scale for each 16: {@code y = (d * (sc - 32)) * (q - 4)}.
 * <pre>
 * byte 0           32       96           108
 *      | hmask[32] | qs[64] | scales[12] | d |
 * </pre>
 * Value {@code 128 n + 32 j + l} ({@code n < 2, j < 4, l < 32}) has bits 2j, 2j+1 of {@code qs[32 n + l]} and, as its
 * bit 2, bit {@code 4 n + j} of {@code hmask[l]}. Scale s of 16 values: low four bits in nibble {@code s / 8} of {@code scales[s % 8]},
 * high two in bits {@code 2 (s / 4)} and up of {@code scales[8 + s % 4]}.
 */
final class Q3_K extends BlockCodec {
    Q3_K() {
        super(256, 110);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int q = u8(w, offsetBytes + 32 + i / 128 * 32 + i % 32) >> i / 32 % 4 * 2 & 3;
        int high = u8(w, offsetBytes + i % 32) >> i / 32 & 1;
        int scale = scale(i64(w, offsetBytes + 96), i32(w, offsetBytes + 104), i / 16);
        return f16(w, offsetBytes + 108) * (scale - 32) * ((q | high << 2) - 4);
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 256, offsetBytes += 110) {
            float d = f16(w, offsetBytes + 108);
            long low = i64(w, offsetBytes + 96);
            int high = i32(w, offsetBytes + 104);
            int g = 0; // pairs of sub-blocks, s and s + 2, that share their bytes
            for (int turn = 1; turn < 1 << 8; turn <<= 1) { // shifted, not counted: see BlockCodec
                int s = g / 2 * 4 + g % 2, shift = g / 2 % 2 * 4, highShift = g / 2 * 2;
                float d0 = d * (scale(low, high, s) - 32), d1 = d * (scale(low, high, s + 2) - 32);
                long qs = offsetBytes + 32 + g / 4 * 32 + g % 2 * 16, hmask = offsetBytes + g % 2 * 16;
                int at = dstAt + i + 16 * s;
                for (int j = 0; j < 16; j += COUNT) {
                    IntVector q = Lanes.u8(w, qs + j).lanewise(VectorOperators.LSHR, shift);
                    IntVector h = Lanes.u8(w, hmask + j).lanewise(VectorOperators.LSHR, highShift);
                    IntVector q0 = q.and(3).or(h.and(1).lanewise(VectorOperators.LSHL, 2)).sub(4);
                    IntVector q1 = q.lanewise(VectorOperators.LSHR, 2).and(3)
                            .or(h.and(2).lanewise(VectorOperators.LSHL, 1)).sub(4);
                    toFloat(q0).mul(d0).intoArray(dst, at + j);
                    toFloat(q1).mul(d1).intoArray(dst, at + 32 + j);
                }
                g++;
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), b = zero();
        for (int i = 0; i < n; i += 256, offsetBytes += 110) {
            float d = f16(w, offsetBytes + 108);
            long low = i64(w, offsetBytes + 96);
            int high = i32(w, offsetBytes + 104);
            int g = 0; // pairs of sub-blocks, s and s + 2, that share their bytes
            for (int turn = 1; turn < 1 << 8; turn <<= 1) { // shifted, not counted: see BlockCodec
                int s = g / 2 * 4 + g % 2, shift = g / 2 % 2 * 4, highShift = g / 2 * 2;
                float d0 = d * (scale(low, high, s) - 32), d1 = d * (scale(low, high, s + 2) - 32);
                long qs = offsetBytes + 32 + g / 4 * 32 + g % 2 * 16, hmask = offsetBytes + g % 2 * 16;
                int at = xAt + i + 16 * s;
                for (int j = 0; j < 16; j += COUNT) {
                    IntVector q = Lanes.u8(w, qs + j).lanewise(VectorOperators.LSHR, shift);
                    IntVector h = Lanes.u8(w, hmask + j).lanewise(VectorOperators.LSHR, highShift);
                    IntVector q0 = q.and(3).or(h.and(1).lanewise(VectorOperators.LSHL, 2)).sub(4);
                    IntVector q1 = q.lanewise(VectorOperators.LSHR, 2).and(3)
                            .or(h.and(2).lanewise(VectorOperators.LSHL, 1)).sub(4);
                    a = toFloat(q0).mul(d0).fma(Lanes.f32(x, at + j), a);
                    b = toFloat(q1).mul(d1).fma(Lanes.f32(x, at + 32 + j), b);
                }
                g++;
            }
        }
        return Lanes.sum(a.add(b));
    }

    /** Scale s, 0..63: low is the first eight of the bytes that hold the scales, high the last four. */
    private static int scale(long low, int high, int s) {
        return (int) (low >>> s % 8 * 8 + s / 8 * 4) & 15 | (high >>> s % 4 * 8 + s / 4 * 2 & 3) << 4;
    }
}
