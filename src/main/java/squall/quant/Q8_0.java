package squall.quant;

import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i8;

import java.lang.foreign.MemorySegment;

/**
 * 32 signed bytes under one scale: {@code y = d * q}.
 * <pre>
 * byte 0    2
 *      | d  | q[32] i8 |
 * </pre>
 */
final class Q8_0 extends BlockCodec {
    Q8_0() {
        super(32, 34);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        return f16(w, offsetBytes) * i8(w, offsetBytes + 2 + i);
    }
}
