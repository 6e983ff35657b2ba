package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i32;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * 32 five-bit numbers under one scale: {@code y = d * (q - 16)}.
 * <pre>
 * byte 0    2        6
 *      | d  | qh u32 | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16; bit i of qh: bit 4 of value i
 * </pre>
 */
final class Q5_0 extends BlockCodec {
    Q5_0() {
        super(32, 22);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 6 + i % 16);
        int q = (i < 16 ? b & 15 : b >> 4) | (i32(w, offsetBytes + 2) >>> i & 1) << 4;
        return f16(w, offsetBytes) * (q - 16);
    }
}
