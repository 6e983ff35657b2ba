package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * What kernels share that read two 16-bit numbers as one int: activations, those of even places, then those of odd ones, and the
 * sums of four rows.
 */
final class Pairs {
    /** Rows that the formats take together. */
    static final int ROWS = 4;

    /** The lanes of even places, and those of odd ones, twice. */
    private static final VectorShuffle<Float> EVEN = VectorShuffle.fromOp(FLOATS, i -> 2 * i % COUNT);
    private static final VectorShuffle<Float> ODD = VectorShuffle.fromOp(FLOATS, i -> 2 * i % COUNT + 1);
    private static final VectorMask<Float> UPPER = VectorMask.fromLong(FLOATS, (1L << COUNT) - (1L << COUNT / 2));

    private static final ThreadLocal<float[]> SUMS = ThreadLocal.withInitial(() -> new float[ROWS * COUNT]);

    private Pairs() {}

    /** This thread's scratch for the sums of the rows' lanes: [rows, COUNT]. */
    static float[] sums() {
        return SUMS.get();
    }

    /** {@code y[yAt + r * yStep] = factor * the sum of row r's lanes}. */
    static void add(float[] y, int yAt, int yStep, float[] sums, float factor) {
        for (int r = 0; r < ROWS; r++) y[yAt + r * yStep] = factor * Lanes.sum(Lanes.f32(sums, r * COUNT));
    }

    /** Whether n values are whole vectors of pairs. */
    static boolean fit(int n) {
        return n % (2 * COUNT) == 0;
    }

    /** {@code dst = factor * x[xAt ..]}, n values: by pairs where they fit, in their order and as they are where not. */
    static void lay(float[] dst, float[] x, int xAt, int n, float factor) {
        if (!fit(n)) {
            System.arraycopy(x, xAt, dst, 0, n);
            return;
        }
        for (int i = 0; i < n; i += 2 * COUNT) {
            FloatVector a = Lanes.f32(x, xAt + i).mul(factor), b = Lanes.f32(x, xAt + i + COUNT).mul(factor);
            a.rearrange(EVEN).blend(b.rearrange(EVEN), UPPER).intoArray(dst, i);
            a.rearrange(ODD).blend(b.rearrange(ODD), UPPER).intoArray(dst, i + COUNT);
        }
    }
}
