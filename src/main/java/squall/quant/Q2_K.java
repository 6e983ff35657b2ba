package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

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
}
