package squall.ops;

/** An RMS norm: {@code y = weight * x / sqrt(mean(x^2) + eps)}. Any "+1" of a checkpoint is already in the weight. */
public record Norm(Weight weight, float eps) {

    /** The definition, in place on rows that are on the host, as a {@link Tap} sees them; x: [rows, weight.cols]. */
    public void apply(float[] x, int rows) {
        int dim = weight.cols();
        float[] w = new float[dim];
        weight.format().codec.decode(weight.data(), 0, w, 0, dim);
        for (int at = 0; at < rows * dim; at += dim) {
            double sum = 0;
            for (int i = 0; i < dim; i++) sum += (double) x[at + i] * x[at + i];
            double scale = 1 / Math.sqrt(sum / dim + eps);
            for (int i = 0; i < dim; i++) x[at + i] = (float) (w[i] * x[at + i] * scale);
        }
    }
}
