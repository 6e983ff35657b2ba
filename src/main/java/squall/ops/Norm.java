package squall.ops;

/** An RMS norm: {@code y = weight * x / sqrt(mean(x^2) + eps)}. Any "+1" of a checkpoint is already in the weight. */
public record Norm(Weight weight, float eps) {}
