package squall.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import squall.ops.Weight;
import squall.quant.Codec;

/**
 * A worker's scratch for products with stored weights: the decoded tile [outputs, k] of a matrix, laid out as strips for
 * {@link Panels#multiply}.
 */
final class WeightTile {

    /** Outputs of a tile; with {@link #DEPTH} float32 it takes 128 KB, a quarter of a common second-level cache. */
    static final int OUTPUTS = 64;

    /** Columns of a tile: a multiple of every block size and of the FP8 scale block. */
    private static final int DEPTH = 512;

    private static final int BLOCK = Weight.SCALE_BLOCK;

    private final float[] panel = new float[OUTPUTS * DEPTH];
    private final float[] row = new float[DEPTH];
    private final float[] corner = new float[Panels.ROWS * Panels.COLUMNS];

    /**
     * {@code y[r * w.rows + o] = W[o] · x[r]} for the outputs first <= o < last.
     *
     * @param x [rows, cols]
     */
    void dots(float[] y, Weight w, int expert, int first, int last, float[] x, int rows) {
        for (int o = first; o < last; o++)
            for (int r = 0; r < rows; r++) y[r * w.rows() + o] = dot(w, expert, o, x, r * w.cols());
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
     * @param packed rows of x as {@link Panels#packRows} lays them
     */
    void multiply(float[] y, int yAt, int stride, Weight w, int expert, int first, int last, float[] packed, int rows) {
        int cols = w.cols();
        int outputs = last - first;
        for (int r = 0; r < rows; r++) Arrays.fill(y, yAt + r * stride, yAt + r * stride + outputs, 0);
        for (int c = 0; c < cols; c += DEPTH) {
            int depth = Math.min(DEPTH, cols - c);
            decode(w, expert, first, last, c, depth);
            for (int r = 0; r < rows; r += Panels.ROWS) {
                int rowsAt = r * cols + c * Panels.ROWS;
                for (int o = 0; o < outputs; o += Panels.COLUMNS) {
                    int at = yAt + r * stride + o;
                    if (rows - r >= Panels.ROWS && outputs - o >= Panels.COLUMNS)
                        Panels.multiply(packed, rowsAt, panel, o * depth, depth, y, at, stride);
                    else
                        multiplyCorner(packed, rowsAt, o * depth, depth, y, at, stride,
                                Math.min(Panels.ROWS, rows - r), Math.min(Panels.COLUMNS, outputs - o));
                }
            }
        }
    }

    /** A group or strip that is not full: by way of {@link #corner}, so that nothing is written beside it. */
    private void multiplyCorner(float[] packed, int rowsAt, int stripAt, int depth, float[] y, int at, int stride,
                                int rows, int outputs) {
        Arrays.fill(corner, 0);
        Panels.multiply(packed, rowsAt, panel, stripAt, depth, corner, 0, Panels.COLUMNS);
        for (int r = 0; r < rows; r++)
            for (int o = 0; o < outputs; o++) y[at + r * stride + o] += corner[r * Panels.COLUMNS + o];
    }

    /** Fills {@link #panel} with W[first .. last, c .. c + depth]. */
    private void decode(Weight w, int expert, int first, int last, int c, int depth) {
        Codec codec = w.format().codec;
        MemorySegment data = w.experts().get(expert);
        long rowBytes = w.format().rowBytes(w.cols());
        long start = w.format().rowBytes(c);
        int padded = (last - first + Panels.COLUMNS - 1) / Panels.COLUMNS * Panels.COLUMNS;
        for (int i = 0; i < padded; i++) {
            int o = first + i;
            int at = i / Panels.COLUMNS * Panels.COLUMNS * depth + i % Panels.COLUMNS;
            if (o >= last) {
                for (int k = 0; k < depth; k++) panel[at + k * Panels.COLUMNS] = 0;
                continue;
            }
            codec.decode(data, o * rowBytes + start, row, 0, depth);
            if (!w.scales().isEmpty()) scale(w, expert, o, c, depth);
            for (int k = 0; k < depth; k++) panel[at + k * Panels.COLUMNS] = row[k];
        }
    }

    private void scale(Weight w, int expert, int o, int c, int depth) {
        float[] grid = w.scales().get(expert);
        int gridAt = o / BLOCK * ((w.cols() + BLOCK - 1) / BLOCK) + c / BLOCK;
        for (int k = 0; k < depth; k++) row[k] *= grid[gridAt + k / BLOCK];
    }
}
