package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.u16;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
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

    // prepared, for each 16 values: those with an even place, those with an odd one. Two stored numbers are one int: the
    // upper one is a single with something in its last bits, the lower one moves up

    private static final IntVector UPPER = IntVector.broadcast(Lanes.INTS, 0xFFFF0000);

    @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
        Pairs.lay(dst, x, xAt, n, 1);
    }

    @Override public void dots(float[] y, int yAt, int yStep, MemorySegment w, long offsetBytes, long stepBytes, float[] x, int n) {
        if (Pairs.fit(n)) dotsByPairs(y, yAt, yStep, w, offsetBytes, stepBytes, x, n);
        else super.dots(y, yAt, yStep, w, offsetBytes, stepBytes, x, n);
    }

    private static void dotsByPairs(float[] y, int yAt, int yStep, MemorySegment w, long at, long stepBytes, float[] x, int n) {
        FloatVector a0 = zero(), a1 = zero(), b0 = zero(), b1 = zero();
        for (int i = 0; i < n; i += 2 * COUNT, at += 4 * COUNT) {
            FloatVector u = Lanes.f32(x, i), v = Lanes.f32(x, i + COUNT);
            IntVector q = Lanes.i32(w, at), r = Lanes.i32(w, at + stepBytes);
            a0 = q.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(u, a0);
            a1 = q.and(UPPER).reinterpretAsFloats().fma(v, a1);
            b0 = r.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(u, b0);
            b1 = r.and(UPPER).reinterpretAsFloats().fma(v, b1);
        }
        y[yAt] = Lanes.sum(a0.add(a1));
        y[yAt + yStep] = Lanes.sum(b0.add(b1));
    }
}
