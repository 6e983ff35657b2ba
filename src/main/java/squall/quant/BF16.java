package squall.quant;

import static squall.quant.LittleEndian.u16;

import java.lang.foreign.MemorySegment;

/**
 * The upper half of an IEEE single.
 * <pre>| bf16 |</pre>
 */
final class BF16 extends BlockCodec {
    BF16() {
        super(1, 2);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        return Float.intBitsToFloat(u16(w, offsetBytes + 2L * i) << 16);
    }
}
