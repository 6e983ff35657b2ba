package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.zero;
import static squall.quant.LittleEndian.f32;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * IEEE single precision.
 * <pre>| f32 |</pre>
 */
final class F32 extends BlockCodec {
    F32() {
        super(1, 4);
    }

    @Override public float at(MemorySegment w, long offsetBytes, int i) {
        return f32(w, offsetBytes + 4L * i);
    }

    @Override public void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        MemorySegment.copy(w, LittleEndian.F32, offsetBytes, dst, dstAt, n);
    }

    @Override public float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        FloatVector a = zero(), b = zero();
        int i = 0;
        for (; i <= n - 2 * COUNT; i += 2 * COUNT) {
            a = Lanes.f32(w, offsetBytes + 4L * i).fma(Lanes.f32(x, xAt + i), a);
            b = Lanes.f32(w, offsetBytes + 4L * (i + COUNT)).fma(Lanes.f32(x, xAt + i + COUNT), b);
        }
        float sum = Lanes.sum(a.add(b));
        for (; i < n; i++)
            sum = Math.fma(at(w, offsetBytes + 4L * i, 0), x[xAt + i], sum);
        return sum;
    }
}
