package squall.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import squall.quant.Lanes;

/** Elementary functions on whole vectors. */
final class VectorMath {
    private static final float LOG2E = 1.44269504f;
    // ln 2 in two parts; n * LN2_HIGH is exact for |n| < 2^9
    private static final float LN2_HIGH = 0x1.62e4p-1f;
    private static final float LN2_LOW = (float) (Math.log(2) - LN2_HIGH);
    /** Adding it rounds to the nearest integer, which then stands in the low bits. */
    private static final float ROUND = 0x1.8p23f;
    private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);
    /** Above, e^x is infinite; below {@link #LOWEST} it rounds to zero. */
    private static final float HIGHEST = 88.722839f;
    private static final float LOWEST = -103.972084f;

    private VectorMath() {}

    /**
     * {@code e^x} within 2 ulp, subnormal results included; e^-inf = 0, e^inf = inf, NaN stays.
     *
     * <p>x = n ln 2 + r, |r| <= ln 2 / 2; the Taylor sum of e^r to r^7 (next term 5e-9); 2^n in two factors, so that
     * neither overflows where the result does not.
     */
    static FloatVector exp(FloatVector x) {
        FloatVector shifted = x.mul(LOG2E).add(ROUND);
        FloatVector n = shifted.sub(ROUND);
        FloatVector r = n.fma(broadcast(-LN2_LOW), n.fma(broadcast(-LN2_HIGH), x));
        FloatVector q = r.fma(broadcast(1f / 5040), broadcast(1f / 720));
        q = q.fma(r, broadcast(1f / 120));
        q = q.fma(r, broadcast(1f / 24));
        q = q.fma(r, broadcast(1f / 6));
        q = q.fma(r, broadcast(0.5f));
        q = q.fma(r.mul(r), r).add(1);

        IntVector exponent = shifted.viewAsIntegralLanes().reinterpretAsInts().sub(ROUND_BITS);
        IntVector half = exponent.lanewise(ASHR, 1);
        FloatVector y = q.mul(powerOfTwo(half)).mul(powerOfTwo(exponent.sub(half)));

        VectorMask<Float> under = x.compare(LT, LOWEST);
        VectorMask<Float> over = x.compare(GT, HIGHEST);
        return y.blend(0, under).blend(Float.POSITIVE_INFINITY, over);
    }

    /** {@code 1 / (1 + e^-x)}. */
    static FloatVector sigmoid(FloatVector x) {
        return broadcast(1).div(exp(x.neg()).add(1));
    }

    /** {@code x / (1 + e^-x)}. */
    static FloatVector silu(FloatVector x) {
        return x.div(exp(x.neg()).add(1));
    }

    static float sigmoid(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }

    static float silu(float x) {
        return (float) (x / (1 + Math.exp(-x)));
    }

    private static FloatVector powerOfTwo(IntVector n) {
        return n.add(127).lanewise(LSHL, 23).reinterpretAsFloats();
    }

    private static FloatVector broadcast(float v) {
        return FloatVector.broadcast(Lanes.FLOATS, v);
    }
}
