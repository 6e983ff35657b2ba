package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.u16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

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
        int scale = u8(w, offsetBytes + 4 + g / 2) >> g % 2 * 4 & 15 | (u16(w, offsetBytes + 2) >> 2 * g & 3) << 4;
        return f16(w, offsetBytes) * (scale - 32) * IQ4_NL.VALUES[q];
    }
}
