package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.addScaled;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i32;
import static squall.quant.LittleEndian.i32;
import static squall.quant.LittleEndian.u16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;

/**
 * 256 nibbles that index the table of {@link IQ4_NL}, a six-bit scale for each 32: {@code y = (d * (sc - 32)) * VALUES[q]}.
 * <pre>
 * byte 0    2              4             8
 *      | d  | scales_h u16 | scales_l[4] | qs[128] |
 * </pre>
 * Group g of 32 values lies in {@code qs[16 g]} and on: the low nibble of byte j is value {@code 32 g + j}, the high one value
 * {@code 32 g + 16 + j}. Its scale has four low bits in nibble {@code g % 2} of {@code scales_l[g / 2]} and two high bits in
 * bits 2g, 2g+1 of {@code scales_h}.
 */
final class IQ4_XS extends BlockCodec {
    IQ4_XS() {
        super(256, 136);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int g = i / 32;
        int b = u8(w, offsetBytes + 8 + 16 * g + i % 16);
        int q = i % 32 < 16 ? b & 15 : b >> 4;
        return f16(w, offsetBytes) * (scale(i32(w, offsetBytes + 4), u16(w, offsetBytes + 2), g) - 32) * IQ4_NL.VALUES[q];
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 256, offsetBytes += 136) {
            float d = f16(w, offsetBytes);
            int high = u16(w, offsetBytes + 2), low = i32(w, offsetBytes + 4), g = 0;
            for (int turn = 1; turn < 1 << 8; turn <<= 1, g++) { // shifted, not counted: see BlockCodec
                float ds = d * (scale(low, high, g) - 32);
                long qs = offsetBytes + 8 + 16 * g;
                int at = dstAt + i + 32 * g;
                for (int j = 0; j < 16; j += COUNT) {
                    ByteVector b = NibbleTable.load(w, qs + j);
                    IQ4_NL.TABLE.low(b).mul(ds).intoArray(dst, at + j);
                    IQ4_NL.TABLE.high(b).mul(ds).intoArray(dst, at + 16 + j);
                }
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector sum = zero();
        for (int i = 0; i < n; i += 256, offsetBytes += 136) {
            float d = f16(w, offsetBytes);
            int high = u16(w, offsetBytes + 2), low = i32(w, offsetBytes + 4), g = 0;
            for (int turn = 1; turn < 1 << 8; turn <<= 1, g++) { // shifted, not counted: see BlockCodec
                long qs = offsetBytes + 8 + 16 * g;
                int at = xAt + i + 32 * g;
                FloatVector s = zero();
                for (int j = 0; j < 16; j += COUNT) {
                    ByteVector b = NibbleTable.load(w, qs + j);
                    s = IQ4_NL.TABLE.low(b).fma(Lanes.f32(x, at + j), s);
                    s = IQ4_NL.TABLE.high(b).fma(Lanes.f32(x, at + 16 + j), s);
                }
                sum = addScaled(sum, d * (scale(low, high, g) - 32), s);
            }
        }
        return Lanes.sum(sum);
    }

    /** Scale of group g, 0..63. */
    private static int scale(int low, int high, int g) {
        return low >>> 4 * g & 15 | (high >>> 2 * g & 3) << 4;
    }
}
