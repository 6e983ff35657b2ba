package squall.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import squall.quant.Lanes;

/**
 * Products of small float32 matrices that live in the first-level cache. The right-hand side lies in strips of
 * {@link #WIDTH} columns, row after row, {@code [strip][k][WIDTH]}: with a constant distance between its rows the
 * compiler takes the bounds checks out of the loop, which is a third of its time.
 */
final class Strips {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final int L = Lanes.COUNT;

    /** Columns of a strip: two vectors. */
    static final int WIDTH = 2 * L;

    private Strips() {}

    /** Strips that hold n columns. */
    static int count(int n) {
        return (n + WIDTH - 1) / WIDTH;
    }

    /** The columns of whole strips that hold n. */
    static int padded(int n) {
        return count(n) * WIDTH;
    }

    /**
     * {@code c[i, j] += sum over l < k of a[i, l] * b[l, j]}, i < m, j < WIDTH, for one strip b.
     * Eight sums stay in registers, four rows of two vectors: as many as keep two multiply-adds a cycle going.
     *
     * @param c rows {@code cRow} apart, from {@code cAt}
     * @param a rows {@code aRow} apart, from {@code aAt}
     * @param b [k, WIDTH] from {@code bAt}
     */
    static void add(float[] c, int cAt, int cRow, float[] a, int aAt, int aRow, float[] b, int bAt, int m, int k) {
        int i = 0;
        for (; i + 4 <= m; i += 4) fourRows(c, cAt + i * cRow, cRow, a, aAt + i * aRow, aRow, b, bAt, k);
        for (; i < m; i++) oneRow(c, cAt + i * cRow, a, aAt + i * aRow, b, bAt, k);
    }

    /** Makes one strip of the columns [from, from + WIDTH) of x: [n, stride]. */
    static void pack(float[] strip, float[] x, int from, int stride, int n) {
        for (int i = 0; i < n; i++) {
            int at = from + i * stride;
            FloatVector.fromArray(F, x, at).intoArray(strip, i * WIDTH);
            FloatVector.fromArray(F, x, at + L).intoArray(strip, i * WIDTH + L);
        }
    }

    private static void fourRows(float[] c, int cAt, int cRow, float[] a, int a0, int aRow, float[] b, int bAt, int k) {
        int c1 = cAt + cRow, c2 = c1 + cRow, c3 = c2 + cRow;
        int a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        FloatVector s00 = FloatVector.fromArray(F, c, cAt), s01 = FloatVector.fromArray(F, c, cAt + L);
        FloatVector s10 = FloatVector.fromArray(F, c, c1), s11 = FloatVector.fromArray(F, c, c1 + L);
        FloatVector s20 = FloatVector.fromArray(F, c, c2), s21 = FloatVector.fromArray(F, c, c2 + L);
        FloatVector s30 = FloatVector.fromArray(F, c, c3), s31 = FloatVector.fromArray(F, c, c3 + L);
        for (int l = 0; l < k; l++) {
            int at = bAt + l * WIDTH;
            FloatVector b0 = FloatVector.fromArray(F, b, at), b1 = FloatVector.fromArray(F, b, at + L), x;
            x = FloatVector.broadcast(F, a[a0 + l]);
            s00 = x.fma(b0, s00);
            s01 = x.fma(b1, s01);
            x = FloatVector.broadcast(F, a[a1 + l]);
            s10 = x.fma(b0, s10);
            s11 = x.fma(b1, s11);
            x = FloatVector.broadcast(F, a[a2 + l]);
            s20 = x.fma(b0, s20);
            s21 = x.fma(b1, s21);
            x = FloatVector.broadcast(F, a[a3 + l]);
            s30 = x.fma(b0, s30);
            s31 = x.fma(b1, s31);
        }
        s00.intoArray(c, cAt);
        s01.intoArray(c, cAt + L);
        s10.intoArray(c, c1);
        s11.intoArray(c, c1 + L);
        s20.intoArray(c, c2);
        s21.intoArray(c, c2 + L);
        s30.intoArray(c, c3);
        s31.intoArray(c, c3 + L);
    }

    private static void oneRow(float[] c, int cAt, float[] a, int aAt, float[] b, int bAt, int k) {
        FloatVector s0 = FloatVector.fromArray(F, c, cAt), s1 = FloatVector.fromArray(F, c, cAt + L);
        for (int l = 0; l < k; l++) {
            FloatVector x = FloatVector.broadcast(F, a[aAt + l]);
            int at = bAt + l * WIDTH;
            s0 = x.fma(FloatVector.fromArray(F, b, at), s0);
            s1 = x.fma(FloatVector.fromArray(F, b, at + L), s1);
        }
        s0.intoArray(c, cAt);
        s1.intoArray(c, cAt + L);
    }
}
