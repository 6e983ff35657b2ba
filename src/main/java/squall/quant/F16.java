package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f16;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

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

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        int i = 0;
        for (; i <= n - COUNT; i += COUNT)
            values(w, offsetBytes + 2L * i).intoArray(dst, dstAt + i);
        for (; i < n; i++)
            dst[dstAt + i] = at(w, offsetBytes + 2L * i, 0);
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero();
        int i = 0;
        for (; i <= n - COUNT; i += COUNT)
            a = values(w, offsetBytes + 2L * i).fma(Lanes.f32(x, xAt + i), a);
        float sum = Lanes.sum(a);
        for (; i < n; i++)
            sum = Math.fma(at(w, offsetBytes + 2L * i, 0), x[xAt + i], sum);
        return sum;
    }

    /**
     * Sign, exponent and mantissa moved to their places in a single give the value times 2^-112, subnormals included.
     * Exponent 31 (infinite, NaN), seen by a carry out of the exponent, becomes 255.
     */
    private static FloatVector values(MemorySegment w, long at) {
        IntVector moved = Lanes.u16(w, at).lanewise(VectorOperators.LSHL, 16)
                .lanewise(VectorOperators.ASHR, 3).and(0x8FFFE000);
        IntVector notFinite = moved.add(0x00800000).lanewise(VectorOperators.LSHL, 3)
                .lanewise(VectorOperators.ASHR, 8).and(0x7F800000);
        return moved.reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts().or(notFinite).reinterpretAsFloats();
    }
}
