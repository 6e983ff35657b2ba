package squall.quant;

import static squall.quant.LittleEndian.f32;

import java.lang.foreign.MemorySegment;

/**
 * IEEE single precision.
 * <pre>| f32 |</pre>
 */
final class F32 extends BlockCodec {
    F32() {
        super(1, 4);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        return f32(w, offsetBytes + 4L * i);
    }
}
