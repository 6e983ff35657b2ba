package squall.quant;

import static squall.quant.LittleEndian.f16;

import java.lang.foreign.MemorySegment;

/**
 * IEEE half precision.
 * <pre>| f16 |</pre>
 */
final class F16 extends BlockCodec {
    F16() {
        super(1, 2);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        return f16(w, offsetBytes + 2L * i);
    }
}
