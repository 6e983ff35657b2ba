package squall.parity;

/** How far the numbers of one player are from another's, relative to the largest that was expected. */
public final class Deviation {
    private double largest;
    private double worst;
    private double squares;
    private long count;

    /** {@code actual[0, n)} for {@code expected[0, n)}. */
    public void add(float[] expected, float[] actual, int n) {
        for (int i = 0; i < n; i++) {
            // columns that nobody writes would make the mean look better
            if (expected[i] == 0 && actual[i] == 0) continue;
            count++;
            double error = Math.abs((double) expected[i] - actual[i]);
            largest = Math.max(largest, Math.abs(expected[i]));
            // not a number stays
            if (!Double.isNaN(worst) && !(error <= worst)) worst = error;
            squares += error * error;
        }
    }

    /** {@code max |actual - expected| / max |expected|}. */
    public double max() {
        return relative(worst);
    }

    /** {@code sqrt(mean((actual - expected)^2)) / max |expected|}. */
    public double rms() {
        return count == 0 ? 0 : relative(Math.sqrt(squares / count));
    }

    private double relative(double error) {
        if (Double.isNaN(error)) return Double.POSITIVE_INFINITY;
        return error == 0 ? 0 : error / largest;
    }
}
