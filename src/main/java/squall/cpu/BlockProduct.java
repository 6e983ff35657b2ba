package squall.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import squall.quant.Lanes;

/** Products of small dense matrices in heap arrays, for the chunked delta rule and attention. */
final class BlockProduct {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    /** Columns are taken this many at a time: two vectors. */
    static final int COLUMNS = 2 * F.length();

    private BlockProduct() {}

    /** The smallest multiple of {@link #COLUMNS} that is at least n. */
    static int padded(int n) {
        return (n + COLUMNS - 1) / COLUMNS * COLUMNS;
    }

    /**
     * {@code c[i, j] += sum over l < k of a[i, l] * b[l, j]}, i < m, j < n; n is a multiple of {@link #COLUMNS}.
     * Eight sums are kept in registers: four rows of two vectors.
     *
     * @param c rows {@code cRow} apart, from {@code cAt}
     * @param a rows {@code aRow} apart, from {@code aAt}
     * @param b rows {@code bRow} apart, from {@code bAt}
     */
    static void add(float[] c, int cAt, int cRow, float[] a, int aAt, int aRow, float[] b, int bAt, int bRow,
                    int m, int n, int k) {
        int i = 0;
        for (; i + 4 <= m; i += 4)
            for (int j = 0; j < n; j += COLUMNS)
                fourRows(c, cAt + i * cRow + j, cRow, a, aAt + i * aRow, aRow, b, bAt + j, bRow, k);
        for (; i < m; i++)
            for (int j = 0; j < n; j += COLUMNS) oneRow(c, cAt + i * cRow + j, a, aAt + i * aRow, b, bAt + j, bRow, k);
    }

    private static void fourRows(float[] c, int cAt, int cRow, float[] a, int aAt, int aRow, float[] b, int bAt, int bRow,
                                 int k) {
        int step = F.length();
        int c1 = cAt + cRow, c2 = c1 + cRow, c3 = c2 + cRow;
        FloatVector s00 = FloatVector.fromArray(F, c, cAt), s01 = FloatVector.fromArray(F, c, cAt + step);
        FloatVector s10 = FloatVector.fromArray(F, c, c1), s11 = FloatVector.fromArray(F, c, c1 + step);
        FloatVector s20 = FloatVector.fromArray(F, c, c2), s21 = FloatVector.fromArray(F, c, c2 + step);
        FloatVector s30 = FloatVector.fromArray(F, c, c3), s31 = FloatVector.fromArray(F, c, c3 + step);
        for (int l = 0; l < k; l++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bAt + l * bRow);
            FloatVector b1 = FloatVector.fromArray(F, b, bAt + l * bRow + step);
            FloatVector x = FloatVector.broadcast(F, a[aAt + l]);
            s00 = x.fma(b0, s00);
            s01 = x.fma(b1, s01);
            x = FloatVector.broadcast(F, a[aAt + aRow + l]);
            s10 = x.fma(b0, s10);
            s11 = x.fma(b1, s11);
            x = FloatVector.broadcast(F, a[aAt + 2 * aRow + l]);
            s20 = x.fma(b0, s20);
            s21 = x.fma(b1, s21);
            x = FloatVector.broadcast(F, a[aAt + 3 * aRow + l]);
            s30 = x.fma(b0, s30);
            s31 = x.fma(b1, s31);
        }
        s00.intoArray(c, cAt);
        s01.intoArray(c, cAt + step);
        s10.intoArray(c, c1);
        s11.intoArray(c, c1 + step);
        s20.intoArray(c, c2);
        s21.intoArray(c, c2 + step);
        s30.intoArray(c, c3);
        s31.intoArray(c, c3 + step);
    }

    private static void oneRow(float[] c, int cAt, float[] a, int aAt, float[] b, int bAt, int bRow, int k) {
        int step = F.length();
        FloatVector s0 = FloatVector.fromArray(F, c, cAt), s1 = FloatVector.fromArray(F, c, cAt + step);
        FloatVector t0 = FloatVector.zero(F), t1 = t0;
        int l = 0;
        for (; l + 2 <= k; l += 2) {
            FloatVector x = FloatVector.broadcast(F, a[aAt + l]);
            s0 = x.fma(FloatVector.fromArray(F, b, bAt + l * bRow), s0);
            s1 = x.fma(FloatVector.fromArray(F, b, bAt + l * bRow + step), s1);
            x = FloatVector.broadcast(F, a[aAt + l + 1]);
            t0 = x.fma(FloatVector.fromArray(F, b, bAt + (l + 1) * bRow), t0);
            t1 = x.fma(FloatVector.fromArray(F, b, bAt + (l + 1) * bRow + step), t1);
        }
        if (l < k) {
            FloatVector x = FloatVector.broadcast(F, a[aAt + l]);
            s0 = x.fma(FloatVector.fromArray(F, b, bAt + l * bRow), s0);
            s1 = x.fma(FloatVector.fromArray(F, b, bAt + l * bRow + step), s1);
        }
        s0.add(t0).intoArray(c, cAt);
        s1.add(t1).intoArray(c, cAt + step);
    }
}
