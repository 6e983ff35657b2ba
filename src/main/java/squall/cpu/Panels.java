package squall.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import squall.quant.Lanes;

/**
 * Panels of a matrix product and the kernel that multiplies them: {@value #ROWS} rows of activations by {@link #COLUMNS}
 * outputs stay in registers while the kernel walks over k.
 *
 * <p>Rows panel: [groups][k][{@value #ROWS}], outputs panel: [strips][k][COLUMNS]; both are read front to back.
 * Missing rows and outputs are zeros.
 */
final class Panels {

    /** Rows of a group. With 2 vectors of outputs: 12 sums, 2 weights and an activation in 16 registers. */
    static final int ROWS = 6;

    private static final VectorSpecies<Float> S = Lanes.FLOATS;
    private static final int L = Lanes.COUNT;

    /** Outputs of a strip. */
    static final int COLUMNS = 2 * L;

    private Panels() {}

    /** Groups that hold {@code rows} rows. */
    static int groups(int rows) {
        return (rows + ROWS - 1) / ROWS;
    }

    /**
     * Packs the groups begin <= g < end of x.
     *
     * @param packed [groups, cols, ROWS]
     * @param x      [.., cols]
     * @param index  row i of the panel is row index[i] of x; null: row i
     * @param rows   rows of the panel
     */
    static void packRows(float[] packed, float[] x, int[] index, int begin, int end, int rows, int cols) {
        for (int g = begin; g < end; g++) {
            int at = g * ROWS * cols;
            for (int r = 0; r < ROWS; r++) {
                int row = g * ROWS + r;
                if (row >= rows) {
                    for (int c = 0; c < cols; c++) packed[at + c * ROWS + r] = 0;
                } else {
                    int from = (index == null ? row : index[row]) * cols;
                    for (int c = 0; c < cols; c++) packed[at + c * ROWS + r] = x[from + c];
                }
            }
        }
    }

    /** {@code c[cAt + r * stride + o] += sum over i < k of a[aAt + i * ROWS + r] * b[bAt + i * COLUMNS + o]}. */
    static void multiply(float[] a, int aAt, float[] b, int bAt, int k, float[] c, int cAt, int stride) {
        FloatVector c00 = FloatVector.zero(S), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
        FloatVector c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
        for (int i = 0; i < k; i++) {
            int p = aAt + i * ROWS;
            int q = bAt + i * 2 * L;
            FloatVector b0 = FloatVector.fromArray(S, b, q), b1 = FloatVector.fromArray(S, b, q + L);
            FloatVector v = FloatVector.broadcast(S, a[p]);
            c00 = v.fma(b0, c00);
            c01 = v.fma(b1, c01);
            v = FloatVector.broadcast(S, a[p + 1]);
            c10 = v.fma(b0, c10);
            c11 = v.fma(b1, c11);
            v = FloatVector.broadcast(S, a[p + 2]);
            c20 = v.fma(b0, c20);
            c21 = v.fma(b1, c21);
            v = FloatVector.broadcast(S, a[p + 3]);
            c30 = v.fma(b0, c30);
            c31 = v.fma(b1, c31);
            v = FloatVector.broadcast(S, a[p + 4]);
            c40 = v.fma(b0, c40);
            c41 = v.fma(b1, c41);
            v = FloatVector.broadcast(S, a[p + 5]);
            c50 = v.fma(b0, c50);
            c51 = v.fma(b1, c51);
        }
        add(c, cAt, c00, c01);
        add(c, cAt + stride, c10, c11);
        add(c, cAt + 2 * stride, c20, c21);
        add(c, cAt + 3 * stride, c30, c31);
        add(c, cAt + 4 * stride, c40, c41);
        add(c, cAt + 5 * stride, c50, c51);
    }

    private static void add(float[] c, int at, FloatVector v0, FloatVector v1) {
        v0.add(FloatVector.fromArray(S, c, at)).intoArray(c, at);
        v1.add(FloatVector.fromArray(S, c, at + L)).intoArray(c, at + L);
    }
}
