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

    // prepared as those of BF16, times 2^56: values are taken times 2^-112 (see above) and products times 2^-56, far from
    // both ends of the range of singles, and the sum is set right

    private static final IntVector PLACES = IntVector.broadcast(Lanes.INTS, 0x8FFFE000);
    private static final IntVector MAGNITUDES = IntVector.broadcast(Lanes.INTS, 0x7FFF7FFF);
    private static final IntVector ONE_EXPONENT = IntVector.broadcast(Lanes.INTS, 0x04000400);
    private static final int CARRIES = 0x80008000;

    @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
        Pairs.lay(dst, x, xAt, n, 0x1p56f);
    }

    @Override public void dots(float[] y, int yAt, int yStep, MemorySegment w, long offsetBytes, long stepBytes, float[] x, int n) {
        if (!Pairs.fit(n)) {
            super.dots(y, yAt, yStep, w, offsetBytes, stepBytes, x, n);
            return;
        }
        if (!dotsByPairs(y, yAt, yStep, w, offsetBytes, stepBytes, x, n)) {
            y[yAt] = dotPrepared(w, offsetBytes, x, n);
            y[yAt + yStep] = dotPrepared(w, offsetBytes + stepBytes, x, n);
        }
    }

    /** False if a value was not finite: then what it wrote counts for nothing. */
    private static boolean dotsByPairs(float[] y, int yAt, int yStep, MemorySegment w, long at, long stepBytes, float[] x, int n) {
        FloatVector a = zero(), b = zero(), c = zero(), d = zero();
        IntVector carries = IntVector.zero(Lanes.INTS);
        for (int i = 0; i < n; i += 2 * COUNT, at += 4 * COUNT) {
            FloatVector u = Lanes.f32(x, i), v = Lanes.f32(x, i + COUNT);
            IntVector q = Lanes.i32(w, at), r = Lanes.i32(w, at + stepBytes);
            carries = carries.or(q.and(MAGNITUDES).add(ONE_EXPONENT)).or(r.and(MAGNITUDES).add(ONE_EXPONENT));
            a = inPlace(q.lanewise(VectorOperators.LSHL, 16)).fma(u, a);
            c = inPlace(q).fma(v, c);
            b = inPlace(r.lanewise(VectorOperators.LSHL, 16)).fma(u, b);
            d = inPlace(r).fma(v, d);
        }
        y[yAt] = Lanes.sum(a.add(c)) * 0x1p56f;
        y[yAt + yStep] = Lanes.sum(b.add(d)) * 0x1p56f;
        return (carries.reduceLanes(VectorOperators.OR) & CARRIES) == 0;
    }

    /** The upper half of each int, times 2^-112. */
    private static FloatVector inPlace(IntVector v) {
        return v.lanewise(VectorOperators.ASHR, 3).and(PLACES).reinterpretAsFloats();
    }

    /** {@link #dot} on prepared activations. */
    private float dotPrepared(MemorySegment w, long offsetBytes, float[] x, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            int place = i % (2 * COUNT);
            sum += (double) at(w, offsetBytes + 2L * i, 0) * x[i - place + place % 2 * COUNT + place / 2];
        }
        return (float) (sum * 0x1p-56);
    }
}
