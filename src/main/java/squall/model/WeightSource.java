package squall.model;

import squall.ops.Weight;

/**
 * The weights of a checkpoint under their GGUF names and in one form, whatever the file's dialect: norms without "+1" left
 * to do, {@code ssm_a} = -exp(A_log), DeltaNet projections split into {@code attn_qkv} (q | k | v), {@code attn_gate},
 * {@code ssm_beta} and {@code ssm_alpha}, experts split into gate, up and down. Every call checks the shape; a missing or
 * mis-shaped tensor is a {@link squall.format.ModelFileException} that names it.
 */
public interface WeightSource {

    /** A matrix [rows, cols] in its storage format. */
    Weight matrix(String name, int rows, int cols);

    /** One matrix [rows, cols] for each expert. */
    Weight experts(String name, int experts, int rows, int cols);

    /** A small tensor as F32 [rows, cols], converted if need be: norms (rows = 1), gates, convolution taps. */
    Weight small(String name, int rows, int cols);

    boolean has(String name);
}
