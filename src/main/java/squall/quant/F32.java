package squall.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** IEEE single precision: {@code | f32 | }, 4 bytes a value. */
final class F32 implements Codec {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override public int blockSize() {
        return 1;
    }

    @Override public int blockBytes() {
        return 4;
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        return w.get(FLOAT, offsetBytes + 4L * i);
    }
}
