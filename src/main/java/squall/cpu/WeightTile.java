package squall.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import squall.ops.Weight;
import squall.quant.Codec;

/**
 * A worker's scratch for products with stored weights: the decoded tile [outputs, k] of a matrix and the sums of
 * {@link Panels#multiply}.
 */
final class WeightTile {

    /** Outputs of a tile; with {@link Panels#DEPTH} columns it takes 124 KB, a quarter of a common second-level cache. */
    static final int OUTPUTS = Panels.OUTPUTS_MULTIPLE;

    private static final int BLOCK = Weight.SCALE_BLOCK;

    private final float[] weights = new float[OUTPUTS * Panels.STRIDE];
    private float[] sums = new float[0];

    /**
     * {@code y[yAt + o - first] = W[o] · x[row]} for the outputs first <= o < last: as many parts of the outputs side by side as
     * rows are taken together, each a run of bytes of its own.
     *
     * @param together rows that {@link Codec#dots} takes, or 1: it is not to be used
     */
    static void dots(float[] y, int yAt, Weight w, int expert, int together, int first, int last, DotInputs x, int row) {
        int part = together == 1 ? 0 : (last - first) / together;
        if (part > 0) {
            long rowBytes = w.format().rowBytes(w.cols());
            Codec codec = w.format().codec;
            MemorySegment data = w.experts().get(expert);
            float[] laid = x.row(w.format(), row);
            for (int o = 0; o < part; o++)
                codec.dots(y, yAt + o, part, data, (first + o) * rowBytes, part * rowBytes, laid, w.cols());
        }
        for (int o = first + together * part; o < last; o++) y[yAt + o - first] = dot(w, expert, o, x.plain(), row * w.cols());
    }

    /** Row {@code o} of an expert's matrix times {@code x[xAt ..]}. */
    static float dot(Weight w, int expert, int o, float[] x, int xAt) {
        Codec codec = w.format().codec;
        MemorySegment data = w.experts().get(expert);
        int cols = w.cols();
        long rowAt = o * w.format().rowBytes(cols);
        if (w.scales().isEmpty()) return codec.dot(data, rowAt, x, xAt, cols);
        float[] grid = w.scales().get(expert);
        int gridAt = o / BLOCK * ((cols + BLOCK - 1) / BLOCK);
        float sum = 0;
        for (int c = 0; c < cols; c += BLOCK) {
            int n = Math.min(BLOCK, cols - c);
            sum += grid[gridAt + c / BLOCK] * codec.dot(data, rowAt + w.format().rowBytes(c), x, xAt + c, n);
        }
        return sum;
    }

    /**
     * {@code y[yAt + r * stride + o - first] = W[o] · x[r]} for the outputs first <= o < last, at most {@link #OUTPUTS}.
     *
     * @param packed rows of x as {@link Panels#pack} lays them
     */
    void multiply(float[] y, int yAt, int stride, Weight w, int expert, int first, int last, float[] packed, int rows) {
        int size = Panels.padded(rows) * OUTPUTS;
        if (sums.length < size) sums = new float[size];
        Arrays.fill(sums, 0, size, 0);
        for (int c = 0; c < w.cols(); c += Panels.DEPTH) {
            int depth = Math.min(Panels.DEPTH, w.cols() - c);
            decode(w, expert, first, last, c, depth);
            Panels.multiply(sums, OUTPUTS, packed, w.cols(), c, weights, depth, rows, last - first);
        }
        Panels.unpack(y, yAt, stride, sums, OUTPUTS, rows, last - first);
    }

    /** Fills {@link #weights} with W[first .. last, c .. c + depth]. */
    private void decode(Weight w, int expert, int first, int last, int c, int depth) {
        Codec codec = w.format().codec;
        MemorySegment data = w.experts().get(expert);
        long rowBytes = w.format().rowBytes(w.cols());
        long start = w.format().rowBytes(c);
        for (int o = first; o < last; o++) {
            int at = (o - first) * Panels.STRIDE;
            codec.decode(data, o * rowBytes + start, weights, at, depth);
            if (!w.scales().isEmpty()) scale(w, expert, o, c, at, depth);
        }
    }

    private void scale(Weight w, int expert, int o, int c, int at, int depth) {
        float[] grid = w.scales().get(expert);
        int gridAt = o / BLOCK * ((w.cols() + BLOCK - 1) / BLOCK) + c / BLOCK;
        for (int k = 0; k < depth; k++) weights[at + k] *= grid[gridAt + k / BLOCK];
    }
}
