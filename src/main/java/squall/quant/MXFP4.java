package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.addScaled;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;

/**
 * 32 four-bit floats (E2M1) under a shared power of two: {@code y = 2^(e-128) * DOUBLED[q]}, the table holding twice
 * the E2M1 value so that it is whole; {@code e = 0} and {@code e = 1} make the scale a subnormal single. Code 8, minus zero, reads as
 * plus zero, as in ggml.
 * <pre>
 * byte 0      1
 *      | e u8 | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16
 * </pre>
 */
final class MXFP4 extends BlockCodec {
    MXFP4() {
        super(32, 17);
    }

    private static final byte[] DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    private static final NibbleTable TABLE = NibbleTable.of(DOUBLED);

    /** 2^(e-128), exact for every e in 0..255. */
    private static float scale(int e) {
        return Float.intBitsToFloat(e < 2 ? 0x200000 << e : e - 1 << 23);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 1 + i % 16);
        int q = i < 16 ? b & 15 : b >> 4;
        return scale(u8(w, offsetBytes)) * DOUBLED[q];
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 32, offsetBytes += 17) {
            float d = scale(u8(w, offsetBytes));
            for (int j = 0; j < 16; j += COUNT) {
                ByteVector b = NibbleTable.load(w, offsetBytes + 1 + j);
                TABLE.low(b).mul(d).intoArray(dst, dstAt + i + j);
                TABLE.high(b).mul(d).intoArray(dst, dstAt + i + 16 + j);
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector sum = zero();
        for (int i = 0; i < n; i += 32, offsetBytes += 17) {
            FloatVector s = zero();
            for (int j = 0; j < 16; j += COUNT) {
                ByteVector b = NibbleTable.load(w, offsetBytes + 1 + j);
                s = TABLE.low(b).fma(Lanes.f32(x, xAt + i + j), s);
                s = TABLE.high(b).fma(Lanes.f32(x, xAt + i + 16 + j), s);
            }
            sum = addScaled(sum, scale(u8(w, offsetBytes)), s);
        }
        return Lanes.sum(sum);
    }
}
