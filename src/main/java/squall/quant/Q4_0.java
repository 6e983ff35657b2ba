package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * 32 nibbles under one scale: {@code y = d * (q - 8)}.
 * <pre>
 * byte 0    2
 *      | d  | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16
 * </pre>
 */
final class Q4_0 extends BlockCodec {
    Q4_0() {
        super(32, 18);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 2 + i % 16);
        int q = i < 16 ? b & 15 : b >> 4;
        return f16(w, offsetBytes) * (q - 8);
    }
}
