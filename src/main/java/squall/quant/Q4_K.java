package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

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
        return d * SixBitScales.scaleAt(w, offsetBytes + 4, s) * q - dmin * SixBitScales.minimumAt(w, offsetBytes + 4, s);
    }
}
