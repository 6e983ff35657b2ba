package squall.quant;

import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * A power of two, {@code 2^(e-127)}; 0xFF is NaN. Block scales of newer safetensors files are stored so.
 * <pre>
 * | e 8 |
 * </pre>
 */
final class F8_E8M0 extends BlockCodec {
    F8_E8M0() {
        super(1, 1);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int e = u8(w, offsetBytes + i);
        if (e == 255) return Float.NaN;
        return e == 0 ? 0x1p-127f : Float.intBitsToFloat(e << 23);
    }
}
