package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.addScaled;
import static squall.quant.Lanes.toFloat;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;
import static squall.quant.LittleEndian.i8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

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

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i += 32, offsetBytes += 34) {
            float d = f16(w, offsetBytes);
            for (int j = 0; j < 32; j += COUNT)
                toFloat(Lanes.i8(w, offsetBytes + 2 + j)).mul(d).intoArray(dst, dstAt + i + j);
        }
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector sum = zero();
        for (int i = 0; i < n; i += 32, offsetBytes += 34) {
            FloatVector s = zero();
            for (int j = 0; j < 32; j += COUNT)
                s = toFloat(Lanes.i8(w, offsetBytes + 2 + j)).fma(Lanes.f32(x, xAt + i + j), s);
            sum = addScaled(sum, f16(w, offsetBytes), s);
        }
        return Lanes.sum(sum);
    }
}
