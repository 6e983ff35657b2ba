package squall.ops;

/**
 * Rotary position embedding over the first {@code 2 * frequencies.length} dimensions of a head (rotate-half pairing):
 * {@code phi = fl(position * f[j])}, element j is paired with j + f.length.
 *
 * @param frequencies f[j], already rounded as the reference does and stretched by YaRN where it is on
 * @param scale       factor on cos and sin (1 without YaRN)
 */
public record Rope(float[] frequencies, float scale) {}
