package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * 256 three-bit numbers, a six-bit scale for each 16: {@code y = (d * (sc - 32)) * (q - 4)}.
 * <pre>
 * byte 0           32       96           108
 *      | hmask[32] | qs[64] | scales[12] | d |
 * </pre>
 * Value {@code 128 n + 32 j + l} ({@code n < 2, j < 4, l < 32}) has bits 2j, 2j+1 of {@code qs[32 n + l]} and, as its bit 2, bit
 * {@code 4 n + j} of {@code hmask[l]}. Scale s of 16 values: low four bits in nibble {@code s / 8} of {@code scales[s % 8]},
 * high two in bits {@code 2 (s / 4)} and up of {@code scales[8 + s % 4]}.
 */
final class Q3_K extends BlockCodec {
    Q3_K() {
        super(256, 110);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int q = u8(w, offsetBytes + 32 + i / 128 * 32 + i % 32) >> i / 32 % 4 * 2 & 3;
        int high = u8(w, offsetBytes + i % 32) >> i / 32 & 1;
        int s = i / 16;
        int scale = u8(w, offsetBytes + 96 + s % 8) >> s / 8 * 4 & 15
                | (u8(w, offsetBytes + 104 + s % 4) >> s / 4 * 2 & 3) << 4;
        return f16(w, offsetBytes + 108) * (scale - 32) * ((q | high << 2) - 4);
    }
}
