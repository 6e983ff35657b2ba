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

    @Override public int together() {
        return Pairs.ROWS;
    }

    @Override public void prepare(float[] dst, float[] x, int xAt, int n) {
        Pairs.lay(dst, x, xAt, n, 1);
    }

    @Override public void dots(float[] y, int yAt, int yStep, MemorySegment w, long offsetBytes, long stepBytes, float[] x, int n) {
        if (!Pairs.fit(n)) {
            super.dots(y, yAt, yStep, w, offsetBytes, stepBytes, x, n);
            return;
        }
        float[] sums = Pairs.sums();
        dotsByPairs(sums, w, offsetBytes, stepBytes, x, n);
        Pairs.add(y, yAt, yStep, sums, 1);
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
        return pairs.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static FloatVector upper(IntVector pairs) {
        return pairs.and(UPPER).reinterpretAsFloats();
    }
}
