package squall.model;

import squall.ops.Rope;

/**
 * Frequencies of rotary embeddings, rounded step by step as the reference rounds them (transformers 5.18,
 * {@code modeling_rope_utils.py}): the angle is {@code fl(position * f)}, so that one unit in the last place of f is
 * visible at long positions.
 */
final class RopeFrequencies {
    private RopeFrequencies() {}

    /**
     * @param factor      how many times longer than {@code original} the context is to be
     * @param original    positions the model was trained for
     * @param truncate    whether the bounds of the ramp are rounded outwards to whole dimensions
     * @param attention   factor on cos and sin
     */
    record Yarn(double factor, double original, double betaFast, double betaSlow, boolean truncate, double attention) {

        /** {@code 0.1 m ln(s) + 1}, or 1 for s <= 1: the reference's scale on cos and sin. */
        static double attention(double s, double m) {
            return s <= 1 ? 1 : 0.1 * m * Math.log(s) + 1;
        }
    }

    /** {@code f_j = fl(1 / fl(theta^fl(2j/d)))}, j < d/2. */
    static Rope plain(int dims, double theta) {
        float[] f = powers(dims, theta);
        for (int j = 0; j < f.length; j++) f[j] = 1f / f[j];
        return new Rope(f, 1f);
    }

    /**
     * YaRN: dimensions that turn often over the original context keep their frequency, those that turn seldom are
     * slowed by the factor, with a linear ramp between {@code corr(betaFast)} and {@code corr(betaSlow)}, where
     * {@code corr(n) = d ln(original / (2 pi n)) / (2 ln theta)}. Peng et al., "YaRN" (2023).
     */
    static Rope yarn(int dims, double theta, Yarn y) {
        double low = correction(y.betaFast, dims, theta, y.original);
        double high = correction(y.betaSlow, dims, theta, y.original);
        if (y.truncate) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, dims - 1);
        if (low == high) high += 0.001;
        float[] f = powers(dims, theta);
        for (int j = 0; j < f.length; j++) {
            float ramp = Math.clamp((j - (float) low) / (float) (high - low), 0f, 1f);
            float keep = 1 - ramp;
            float slowed = 1f / ((float) y.factor * f[j]);
            f[j] = slowed * (1 - keep) + 1f / f[j] * keep;
        }
        return new Rope(f, (float) y.attention);
    }

    /** {@code fl(theta^fl(2j/d))}: a double power rounded once is what comes nearest to the reference's. */
    private static float[] powers(int dims, double theta) {
        float[] p = new float[dims / 2];
        for (int j = 0; j < p.length; j++) p[j] = (float) Math.pow((float) theta, (float) (2 * j) / dims);
        return p;
    }

    private static double correction(double turns, int dims, double theta, double original) {
        return dims * Math.log(original / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
    }
}
