package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Eight-bit float of safetensors (E4M3FN): no infinities, the largest finite value is 448, 0x7F and 0xFF are NaN.
 * <pre>
 * | sign 1 | e 4 | m 3 |    value = e == 0 ? m * 2^-9 : (1 + m/8) * 2^(e-7)
 * </pre>
 * The scale grid that goes with a matrix is a tensor of its own and is not applied here.
 */
final class F8_E4M3 extends BlockCodec {
    F8_E4M3() {
        super(1, 1);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        int b = u8(w, offsetBytes + i);
        int e = b >> 3 & 15, m = b & 7;
        if (e == 15 && m == 7) return Float.NaN;
        float magnitude = e == 0 ? m * 0x1p-9f : (1 + m / 8f) * Math.scalb(1f, e - 7);
        return b < 128 ? magnitude : -magnitude;
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        int i = 0;
        for (; i <= n - COUNT; i += COUNT)
            values(w, offsetBytes + i).intoArray(dst, dstAt + i);
        for (; i < n; i++)
            dst[dstAt + i] = at(w, offsetBytes + i, 0);
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero();
        int i = 0;
        for (; i <= n - COUNT; i += COUNT)
            a = values(w, offsetBytes + i).fma(Lanes.f32(x, xAt + i), a);
        float sum = Lanes.sum(a);
        for (; i < n; i++)
            sum = Math.fma(at(w, offsetBytes + i, 0), x[xAt + i], sum);
        return sum;
    }

    /**
     * Sign, exponent and mantissa moved to their places in a single give the value times 2^-120, subnormals included.
     * Exponent and mantissa all ones, seen by a carry out of the exponent, become NaN.
     */
    private static FloatVector values(MemorySegment w, long at) {
        IntVector moved = Lanes.i8(w, at).lanewise(VectorOperators.LSHL, 20).and(0x87F00000);
        IntVector notANumber = moved.add(0x00100000).lanewise(VectorOperators.LSHL, 4)
                .lanewise(VectorOperators.ASHR, 9).and(0x7FC00000);
        return moved.reinterpretAsFloats().mul(0x1p120f).reinterpretAsInts().or(notANumber).reinterpretAsFloats();
    }
}
