package squall.sample;

/**
 * The generator behind a seed, fixed here so that one seed gives one text on every Java release. Steele, Lea and Flood,
 * "Fast Splittable Pseudorandom Number Generators" (2014), as in {@code xoshiro.di.unimi.it/splitmix64.c}.
 */
final class SplitMix64 {
    private long state;

    SplitMix64(long seed) {
        this.state = seed;
    }

    long next() {
        state += 0x9E3779B97F4A7C15L;
        long z = state;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** Uniform in [0, 1), a multiple of 2^-53. */
    double nextDouble() {
        return (next() >>> 11) * 0x1.0p-53;
    }
}
