package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import squall.quant.Lanes;

@Tag("width")
class VectorMathTest {

    private static float exp(float x) {
        return VectorMath.exp(FloatVector.broadcast(Lanes.FLOATS, x)).lane(0);
    }

    @Test void expIsWithinTwoUlpEverywhere() {
        double worst = 0;
        float worstAt = 0;
        float[] x = new float[Lanes.COUNT];
        float next = -104.5f;
        while (next < 89) {
            for (int i = 0; i < x.length; i++) x[i] = next += 1.37e-4f;
            FloatVector y = VectorMath.exp(FloatVector.fromArray(Lanes.FLOATS, x, 0));
            for (int i = 0; i < x.length; i++) {
                double exact = Math.exp(x[i]);
                if (exact > Float.MAX_VALUE) continue;
                double ulps = Math.abs(exact - y.lane(i)) / Math.ulp((float) exact);
                if (ulps > worst) {
                    worst = ulps;
                    worstAt = x[i];
                }
            }
        }
        assertTrue(worst <= 2, worst + " ulp at " + worstAt);
    }

    @Test void expAtTheEnds() {
        assertEquals(1f, exp(0f));
        assertEquals(1f, exp(-0f));
        assertEquals(1f, exp(Float.MIN_VALUE));
        assertEquals(0f, exp(Float.NEGATIVE_INFINITY));
        assertEquals(0f, exp(-Float.MAX_VALUE));
        assertEquals(0f, exp(-104f));
        assertEquals(Float.MIN_VALUE, exp(-103.2f));
        assertEquals(Float.POSITIVE_INFINITY, exp(Float.POSITIVE_INFINITY));
        assertEquals(Float.POSITIVE_INFINITY, exp(Float.MAX_VALUE));
        assertEquals(Float.POSITIVE_INFINITY, exp(88.73f));
        assertEquals((float) Math.exp(88.7228f), exp(88.7228f), 2 * Math.ulp(Float.MAX_VALUE));
        assertTrue(Float.isNaN(exp(Float.NaN)));
    }

    @Test void expOfNegativeIsWithinTwoUlpOrZero() {
        float[] x = new float[Lanes.COUNT];
        for (float next = -90; next < 0; ) {
            for (int i = 0; i < x.length; i++) x[i] = Math.min(0, next += 1.37e-4f);
            FloatVector y = VectorMath.expOfNegative(FloatVector.fromArray(Lanes.FLOATS, x, 0));
            for (int i = 0; i < x.length; i++) {
                double exact = Math.exp(x[i]);
                if (exact < 0x1p-124) assertEquals(y.lane(i) == 0 ? 0 : exact, y.lane(i), 2 * Math.ulp((float) exact), "at " + x[i]);
                else assertEquals(exact, y.lane(i), 2 * Math.ulp((float) exact), "at " + x[i]);
            }
        }
    }

    @Test void expOfNegativeAtTheEnds() {
        assertEquals(1f, expOfNegative(0f));
        assertEquals(1f, expOfNegative(-0f));
        assertEquals(0f, expOfNegative(Float.NEGATIVE_INFINITY));
        assertEquals(0f, expOfNegative(-Float.MAX_VALUE));
        assertEquals(0f, expOfNegative(-86f));
        assertTrue(Float.isNaN(expOfNegative(Float.NaN)));
    }

    private static float expOfNegative(float x) {
        return VectorMath.expOfNegative(FloatVector.broadcast(Lanes.FLOATS, x)).lane(0);
    }

    @Test void sigmoidAndSiluAtTheEnds() {
        float[] far = {-1000, -104, 104, 1000};
        for (float x : far) {
            FloatVector v = FloatVector.broadcast(Lanes.FLOATS, x);
            assertEquals(x < 0 ? 0 : 1, VectorMath.sigmoid(v).lane(0), 1e-40f);
            assertEquals(x < 0 ? 0 : x, VectorMath.silu(v).lane(0), 1e-40f);
        }
    }
}
