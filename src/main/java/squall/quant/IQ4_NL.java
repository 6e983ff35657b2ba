package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * 32 nibbles that index a table of unevenly spaced values: {@code y = d * VALUES[q]}.
 * <pre>
 * byte 0    2
 *      | d  | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16
 * </pre>
 */
final class IQ4_NL extends BlockCodec {
    IQ4_NL() {
        super(32, 18);
    }

    static final byte[] VALUES = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 2 + i % 16);
        int q = i < 16 ? b & 15 : b >> 4;
        return f16(w, offsetBytes) * VALUES[q];
    }
}
