package squall.cpu;

import squall.quant.RowGroups;

/**
 * The arithmetic of a product of many rows with weights that lie in groups of rows ({@link RowGroups}). Vectors run along the outputs, as
 * they do in the groups, and activations are spread over them: nothing is turned on its way from the groups to the results.
 * <pre>
 *   activations  [row][stride]          the columns of each used
 *   weights      [panel][DEPTH][WIDTH]  WIDTH = 2 vectors of outputs, the first k of DEPTH used
 *   sums         [row][OUTPUTS]
 * </pre>
 * Rows of a strip and outputs of a panel that are not there are computed from whatever lies in their place and never looked at.
 */
final class GroupPanels {

    /** Outputs of a tile; with {@link #DEPTH} columns it takes 128 KB, a quarter of a common second-level cache. */
    static final int OUTPUTS = 64;

    /** Columns of a tile: a multiple of every block size. */
    static final int DEPTH = 512;

    /** Outputs of a panel. */
    static final int WIDTH = Panels.GROUP;

    /** Rows that go by all panels of a tile before the next: with {@link #DEPTH} columns another 200 KB. */
    private static final int ROWS = 16 * Panels.STRIP;

    /** From one row of activations to the next, a cache line more than the columns: rows of a strip do not share cache sets. */
    private static final int GAP = 16;

    private GroupPanels() {}

    /** Rows with those that fill up the last strip. */
    static int padded(int rows) {
        return (rows + Panels.STRIP - 1) / Panels.STRIP * Panels.STRIP;
    }

    /** From one row of activations to the next. */
    static int stride(int cols) {
        return cols + GAP;
    }

    /**
     * Copies the rows begin <= r < end.
     *
     * @param lines activations, padded(rows) * stride(cols) values
     * @param x     [.., cols]
     * @param index row r of the product is row index[r] of x; null: row r
     */
    static void pack(float[] lines, float[] x, int[] index, int begin, int end, int cols) {
        for (int r = begin; r < end; r++) System.arraycopy(x, (index == null ? r : index[r]) * cols, lines, r * stride(cols), cols);
    }

    /** Where output {@code o} of a tile, a multiple of eight, begins in the weights. */
    static int at(int o) {
        return o / WIDTH * WIDTH * DEPTH + o % WIDTH;
    }

    /**
     * {@code sums[r][o] += sum over i < k of lines[r][c + i] * weights[o][i]} for all rows and the outputs o < outputs.
     *
     * @param lines activations as {@link #pack} lays them, of {@code cols} columns
     * @param c     the column that the tile starts with
     */
    static void multiply(float[] sums, float[] lines, int cols, int c, float[] weights, int k, int rows, int outputs) {
        int stride = stride(cols);
        for (int begin = 0; begin < rows; begin += ROWS) {
            int end = Math.min(rows, begin + ROWS);
            for (int o = 0; o < outputs; o += WIDTH)
                Panels.strips(weights, o * DEPTH, lines, begin * stride + c, stride, k, sums, begin * OUTPUTS + o, OUTPUTS, end - begin);
        }
    }

    /** {@code y[yAt + r * yStride + o] = sums[r][o]}. */
    static void unpack(float[] y, int yAt, int yStride, float[] sums, int rows, int outputs) {
        for (int r = 0; r < rows; r++) System.arraycopy(sums, r * OUTPUTS, y, yAt + r * yStride, outputs);
    }
}
