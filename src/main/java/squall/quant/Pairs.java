package squall.quant;

import static squall.quant.Lanes.COUNT;

/** Activations for kernels that read two 16-bit numbers as one int: those of even places, then those of odd ones. */
final class Pairs {
    private Pairs() {}

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
