package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i8;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

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
}
