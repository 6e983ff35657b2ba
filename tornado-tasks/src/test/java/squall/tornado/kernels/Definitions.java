package squall.tornado.kernels;

/** Formulas in double precision that several tests share. */
final class Definitions {
    private Definitions() {}

    static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** 1 / sqrt(mean(x[from, to)^2) + eps) */
    static double normScale(double[] x, int from, int n, double eps) {
        double sum = 0;
        for (int i = from; i < from + n; i++) sum += x[i] * x[i];
        return 1 / Math.sqrt(sum / n + eps);
    }
}
