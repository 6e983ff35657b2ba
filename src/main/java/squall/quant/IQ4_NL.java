package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.addScaled;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;

/**
 * 32 nibbles that index a table of unevenly spaced values: {@code y = d * VALUES[q]}.
 * <pre>
 * byte 0    2
 *      | d  | qs[16] |    low nibble of qs[j]: value j; high nibble: value j + 16
 * </pre>
 */
final class IQ4_NL extends BlockCodec {
    IQ4_NL() {
        super(32, 18);
    }

    static final byte[] VALUES = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    static final NibbleTable TABLE = NibbleTable.of(VALUES);

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + 2 + i % 16);
        int q = i < 16 ? b & 15 : b >> 4;
        return f16(w, offsetBytes) * VALUES[q];
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 32, offsetBytes += 18) {
            float d = f16(w, offsetBytes);
            for (int j = 0; j < 16; j += COUNT) {
                ByteVector b = NibbleTable.load(w, offsetBytes + 2 + j);
                TABLE.low(b).mul(d).intoArray(dst, dstAt + i + j);
                TABLE.high(b).mul(d).intoArray(dst, dstAt + i + 16 + j);
            }
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector sum = zero();
        for (int i = 0; i < n; i += 32, offsetBytes += 18) {
            FloatVector s = zero();
            for (int j = 0; j < 16; j += COUNT) {
                ByteVector b = NibbleTable.load(w, offsetBytes + 2 + j);
                s = TABLE.low(b).fma(Lanes.f32(x, xAt + i + j), s);
                s = TABLE.high(b).fma(Lanes.f32(x, xAt + i + 16 + j), s);
            }
            sum = addScaled(sum, f16(w, offsetBytes), s);
        }
        return Lanes.sum(sum);
    }
}
