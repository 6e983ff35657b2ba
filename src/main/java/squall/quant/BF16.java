package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.u16;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

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

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        int i = 0;
        for (; i <= n - COUNT; i += COUNT)
            values(w, offsetBytes + 2L * i).intoArray(dst, dstAt + i);
        for (; i < n; i++)
            dst[dstAt + i] = at(w, offsetBytes + 2L * i, 0);
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), b = zero();
        int i = 0;
        for (; i <= n - 2 * COUNT; i += 2 * COUNT) {
            a = values(w, offsetBytes + 2L * i).fma(Lanes.f32(x, xAt + i), a);
            b = values(w, offsetBytes + 2L * (i + COUNT)).fma(Lanes.f32(x, xAt + i + COUNT), b);
        }
        float sum = Lanes.sum(a.add(b));
        for (; i < n; i++)
            sum = Math.fma(at(w, offsetBytes + 2L * i, 0), x[xAt + i], sum);
        return sum;
    }

    private static FloatVector values(MemorySegment w, long at) {
        return Lanes.u16(w, at).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }
}
