package squall.model;

import squall.format.Metadata;

/** Checks that both dialects make of the numbers of YaRN. */
final class RopeScaling {
    private RopeScaling() {}

    static double positive(Metadata keys, String key) {
        double v = keys.number(key);
        if (!(v > 0) || v > Limits.CONTEXT) throw keys.wrong(key, "a number above 0 and at most " + Limits.CONTEXT, v);
        return v;
    }

    static double positive(Metadata keys, String key, double absent) {
        return keys.has(key) ? positive(keys, key) : absent;
    }

    /** A factor on cos and sin. */
    static double attention(Metadata keys, String key, double v) {
        if (!(v > 0 && v < 1e6)) throw keys.wrong(key, "a factor on cos and sin above 0 and below 1e6", v);
        return v;
    }

    /** The context a model with YaRN is good for: what its file says, or the original times the factor if that is more. */
    static int stretched(int contextLength, double factor, double original) {
        return (int) Math.min(Limits.CONTEXT, Math.max(contextLength, factor * original));
    }
}
