package squall.quant;

import static squall.quant.Lanes.COUNT;

/**
 * What kernels share that read two 16-bit numbers as one int: activations, those of even places, then those of odd ones, and the
 * sums of four rows.
 */
final class Pairs {
    /** Rows that the formats take together. */
    static final int ROWS = 4;

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
        for (int i = 0; i < n; i += 2 * COUNT)
            for (int l = 0; l < COUNT; l++) {
                dst[i + l] = factor * x[xAt + i + 2 * l];
                dst[i + COUNT + l] = factor * x[xAt + i + 2 * l + 1];
            }
    }
}
