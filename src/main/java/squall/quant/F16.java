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

    @Override public int together() {
        return Pairs.ROWS;
    }

    /** To look for exponent 31 takes half as much again as the products. */
    @Override public boolean takesFiniteOnly() {
        return true;
    }

    /** Exponent 31 carries into the sign's place. */
    @Override public boolean isFinite(MemorySegment w, long offsetBytes, int n) {
        IntVector carries = IntVector.zero(Lanes.INTS);
        int i = 0;
        for (; i <= n - 2 * COUNT; i += 2 * COUNT)
            carries = carries.or(Lanes.i32(w, offsetBytes + 2L * i).and(MAGNITUDES).add(ONE_EXPONENT));
        boolean finite = (carries.reduceLanes(VectorOperators.OR) & CARRIES) == 0;
        for (; i < n; i++) finite &= Float.isFinite(at(w, offsetBytes, i));
        return finite;
    }

    @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
        Pairs.lay(dst, x, xAt, n, 0x1p56f);
    }

    @Override public void dots(float[] y, int yAt, int yStep, MemorySegment w, long offsetBytes, long stepBytes, float[] x, int n) {
        if (!Pairs.fit(n)) {
            super.dots(y, yAt, yStep, w, offsetBytes, stepBytes, x, n);
            return;
        }
        float[] sums = Pairs.sums();
        dotsByPairs(sums, w, offsetBytes, stepBytes, x, n);
        Pairs.add(y, yAt, yStep, sums, 0x1p56f);
    }

    /** sums: [rows, COUNT], to be added up: that here would be more than C2 inlines. */
    private static void dotsByPairs(float[] sums, MemorySegment w, long at, long step, float[] x, int n) {
        FloatVector a0 = zero(), a1 = zero(), b0 = zero(), b1 = zero(), c0 = zero(), c1 = zero(), d0 = zero(), d1 = zero();
        for (int i = 0; i < n; i += 2 * COUNT, at += 4 * COUNT) {
            FloatVector u = Lanes.f32(x, i), v = Lanes.f32(x, i + COUNT);
            IntVector p = Lanes.i32(w, at), q = Lanes.i32(w, at + step);
            IntVector r = Lanes.i32(w, at + 2 * step), s = Lanes.i32(w, at + 3 * step);
            a0 = lower(p).fma(u, a0);
            a1 = upper(p).fma(v, a1);
            b0 = lower(q).fma(u, b0);
            b1 = upper(q).fma(v, b1);
            c0 = lower(r).fma(u, c0);
            c1 = upper(r).fma(v, c1);
            d0 = lower(s).fma(u, d0);
            d1 = upper(s).fma(v, d1);
        }
        a0.add(a1).intoArray(sums, 0);
        b0.add(b1).intoArray(sums, COUNT);
        c0.add(c1).intoArray(sums, 2 * COUNT);
        d0.add(d1).intoArray(sums, 3 * COUNT);
    }

    private static FloatVector lower(IntVector pairs) {
        return upper(pairs.lanewise(VectorOperators.LSHL, 16));
    }

    /** The upper half of each int, times 2^-112. */
    private static FloatVector upper(IntVector pairs) {
        return pairs.lanewise(VectorOperators.ASHR, 3).and(PLACES).reinterpretAsFloats();
    }
}
