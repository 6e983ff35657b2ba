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
    // Constants are kept as vectors: the compiler stops inlining where a method grows too many nodes, and a vector that
    // crosses a call becomes an object.
    private static final FloatVector LOG2E = all(1.44269504f);
    // ln 2 in two parts; n * LN2_HIGH is exact for |n| < 2^9
    private static final float HIGH = 0x1.62e4p-1f;
    private static final FloatVector MINUS_LN2_HIGH = all(-HIGH);
    private static final FloatVector MINUS_LN2_LOW = all((float) (HIGH - Math.log(2)));
    /** Adding it rounds to the nearest integer, which then stands in the low bits. */
    private static final FloatVector ROUND = all(0x1.8p23f);
    private static final IntVector ROUND_BITS = ROUND.reinterpretAsInts();
    /** Above, e^x is infinite; below {@link #LOWEST} it rounds to zero. */
    private static final FloatVector HIGHEST = all(88.722839f);
    private static final FloatVector LOWEST = all(-103.972084f);
    /** A little below -124 ln 2. */
    private static final FloatVector SMALLEST = all(-85.9503f);
    private static final FloatVector ZERO = all(0);
    private static final FloatVector INFINITY = all(Float.POSITIVE_INFINITY);
    private static final FloatVector ONE = all(1);
    private static final FloatVector C2 = all(0.5f);
    private static final FloatVector C3 = all(1f / 6);
    private static final FloatVector C4 = all(1f / 24);
    private static final FloatVector C5 = all(1f / 120);
    private static final FloatVector C6 = all(1f / 720);
    private static final FloatVector C7 = all(1f / 5040);
    private static final IntVector BIAS = IntVector.broadcast(Lanes.INTS, 127);

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
        FloatVector r = n.fma(MINUS_LN2_LOW, n.fma(MINUS_LN2_HIGH, x));
        FloatVector q = r.fma(C7, C6).fma(r, C5).fma(r, C4).fma(r, C3).fma(r, C2);
        q = q.fma(r.mul(r), r).add(ONE);

        IntVector exponent = shifted.reinterpretAsInts().sub(ROUND_BITS);
        IntVector half = exponent.lanewise(ASHR, 1);
        FloatVector first = half.add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
        FloatVector second = exponent.sub(half).add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
        return q.mul(first).mul(second).blend(ZERO, x.compare(LT, LOWEST)).blend(INFINITY, x.compare(GT, HIGHEST));
    }

    /**
     * {@code e^x} for x <= 0 within 2 ulp, and zero where that is below 2^-124; NaN stays. Half the operations of {@link #exp}:
     * where the result is a normal number, n is added to its exponent.
     */
    static FloatVector expOfNegative(FloatVector x) {
        VectorMask<Float> none = x.compare(LT, SMALLEST);
        FloatVector z = x.blend(ZERO, none);
        FloatVector shifted = z.fma(LOG2E, ROUND);
        FloatVector n = shifted.sub(ROUND);
        FloatVector r = n.fma(MINUS_LN2_LOW, n.fma(MINUS_LN2_HIGH, z));
        FloatVector q = r.fma(C7, C6).fma(r, C5).fma(r, C4).fma(r, C3).fma(r, C2);
        q = q.fma(r.mul(r), r).add(ONE);
        // of the bits of shifted those of n are left
        IntVector bits = q.reinterpretAsInts().add(shifted.reinterpretAsInts().lanewise(LSHL, 23));
        return bits.reinterpretAsFloats().blend(ZERO, none);
    }

    /** {@code 1 / (1 + e^-x)}. */
    static FloatVector sigmoid(FloatVector x) {
        return ONE.div(exp(x.neg()).add(ONE));
    }

    /** {@code x / (1 + e^-x)}. */
    static FloatVector silu(FloatVector x) {
        return x.div(exp(x.neg()).add(ONE));
    }

    static float sigmoid(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }

    static float silu(float x) {
        return (float) (x / (1 + Math.exp(-x)));
    }

    private static FloatVector all(float v) {
        return FloatVector.broadcast(Lanes.FLOATS, v);
    }
}
