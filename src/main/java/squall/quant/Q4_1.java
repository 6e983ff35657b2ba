package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * 32 nibbles under a scale and a minimum: {@code y = d * q + m}, product rounded before the sum.
 * <pre>
 * byte 0    2    4
 *      | d  | m  | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16
 * </pre>
 */
final class Q4_1 extends BlockCodec {
    Q4_1() {
        super(32, 20);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 4 + i % 16);
        int q = i < 16 ? b & 15 : b >> 4;
        return f16(w, offsetBytes) * q + f16(w, offsetBytes + 2);
    }
}
