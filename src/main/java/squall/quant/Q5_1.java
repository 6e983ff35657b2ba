package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i32;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * 32 five-bit numbers under a scale and a minimum: {@code y = d * q + m}, product rounded before the sum.
 * <pre>
 * byte 0    2    4        8
 *      | d  | m  | qh u32 | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16; bit i of qh: bit 4 of value i
 * </pre>
 */
final class Q5_1 extends BlockCodec {
    Q5_1() {
        super(32, 24);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 8 + i % 16);
        int q = (i < 16 ? b & 15 : b >> 4) | (i32(w, offsetBytes + 4) >>> i & 1) << 4;
        return f16(w, offsetBytes) * q + f16(w, offsetBytes + 2);
    }
}
