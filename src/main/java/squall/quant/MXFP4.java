package squall.quant;

import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * 32 four-bit floats (E2M1) under a shared power of two: {@code y = 2^(e-128) * DOUBLED[q]}, the table holding twice
 * the E2M1 value so that it is whole; {@code e = 0} and {@code e = 1} make the scale a subnormal single.
 * <pre>
 * byte 0      1
 *      | e u8 | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16
 * </pre>
 */
final class MXFP4 extends BlockCodec {
    MXFP4() {
        super(32, 17);
    }

    private static final float[] DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, -0f, -1, -2, -3, -4, -6, -8, -12};

    /** 2^(e-128), exact for every e in 0..255. */
    private static float scale(int e) {
        return Float.intBitsToFloat(e < 2 ? 0x200000 << e : e - 1 << 23);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 1 + i % 16);
        int q = i < 16 ? b & 15 : b >> 4;
        return scale(u8(w, offsetBytes)) * DOUBLED[q];
    }
}
