package squall.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import squall.quant.Lanes;

/**
 * The arithmetic of a product of many rows. Vectors run along the rows of the activations, so that the weights need no
 * re-ordering: each is read where it was decoded and spread over a vector. A strip of outputs by a group of rows stays
 * in registers while the kernel walks over k.
 * <pre>
 *   activations  [group][k][width]     width = {@link #GROUP} rows, or {@link #HALF} in a last group that is no fuller
 *   weights      [output][stride]      k of each stride used
 *   sums         [group][output][width]
 * </pre>
 * Rows of a group and outputs of a strip that are not there are computed from whatever lies in their place and never
 * looked at.
 */
final class Panels {
    private static final VectorSpecies<Float> S = Lanes.FLOATS;
    private static final int L = Lanes.COUNT;

    /** Rows of a group: 2 vectors. */
    static final int GROUP = 2 * L;

    /** Rows of a last group that one vector holds. */
    static final int HALF = L;

    /** AVX-512 doubles the number of registers along with their width. */
    private static final boolean MANY_REGISTERS = Lanes.BITS == 512;

    /** Outputs of a strip by a whole group, and by half a group. */
    private static final int STRIP = MANY_REGISTERS ? 12 : 5;
    private static final int HALF_STRIP = 10;

    /** Outputs of a block are a multiple of this: whole strips of either kind. */
    static final int OUTPUTS_MULTIPLE = 60;

    private Panels() {}

    /** Rows with those that fill up the last group; the size of the activations is this times k. */
    static int padded(int rows) {
        return (rows + HALF - 1) / HALF * HALF;
    }

    /** Groups that hold {@code rows} rows. */
    static int groups(int rows) {
        return (rows + GROUP - 1) / GROUP;
    }

    /**
     * Lays out the groups begin <= g < end.
     *
     * @param packed activations, padded(rows) * cols values
     * @param x      [.., cols]
     * @param index  row r of the product is row index[r] of x; null: row r
     */
    static void pack(float[] packed, float[] x, int[] index, int begin, int end, int rows, int cols) {
        for (int g = begin; g < end; g++) {
            int first = g * GROUP;
            int n = Math.min(GROUP, rows - first);
            int width = n > HALF ? GROUP : HALF;
            for (int r = 0; r < n; r++) {
                int from = (index == null ? first + r : index[first + r]) * cols;
                int to = first * cols + r;
                for (int c = 0; c < cols; c++) packed[to + c * width] = x[from + c];
            }
        }
    }

    /**
     * {@code sums[g][o][r] += sum over i < k of activations[g][c + i][r] * weights[o][i]} for all groups and the outputs
     * o < outputs.
     *
     * @param packed  activations as {@link #pack} lays them, of {@code cols} columns
     * @param c       the column that the block of weights starts with
     * @param sums    [groups][block][width], block a multiple of {@link #OUTPUTS_MULTIPLE}
     * @param weights [block][stride]
     */
    static void multiply(float[] sums, int block, float[] packed, int cols, int c, float[] weights, int stride, int k,
                         int rows, int outputs) {
        for (int first = 0; first < rows; first += GROUP) {
            if (rows - first > HALF) {
                int at = first * cols + c * GROUP;
                for (int o = 0; o < outputs; o += STRIP) {
                    int sumsAt = first * block + o * GROUP;
                    if (MANY_REGISTERS) strip12(packed, at, weights, o * stride, stride, k, sums, sumsAt);
                    else strip5(packed, at, weights, o * stride, stride, k, sums, sumsAt);
                }
            } else {
                int at = first * cols + c * HALF;
                for (int o = 0; o < outputs; o += HALF_STRIP)
                    halfStrip10(packed, at, weights, o * stride, stride, k, sums, first * block + o * HALF);
            }
        }
    }

    /** {@code y[yAt + r * yStride + o] = sums[r][o]}: from groups back to rows. */
    static void unpack(float[] y, int yAt, int yStride, float[] sums, int block, int rows, int outputs) {
        for (int first = 0; first < rows; first += GROUP) {
            int n = Math.min(GROUP, rows - first);
            int width = n > HALF ? GROUP : HALF;
            for (int r = 0; r < n; r++) {
                int to = yAt + (first + r) * yStride;
                int from = first * block + r;
                for (int o = 0; o < outputs; o++) y[to + o] = sums[from + o * width];
            }
        }
    }

    /** 2 vectors of rows by 5 outputs: 10 sums, 2 activations and up to 3 weights in flight fill 16 registers. */
    private static void strip5(float[] a, int aAt, float[] w, int wAt, int stride, int k, float[] c, int cAt) {
        FloatVector c0a = sum(c, cAt, 0), c0b = sum(c, cAt, 1);
        FloatVector c1a = sum(c, cAt, 2), c1b = sum(c, cAt, 3);
        FloatVector c2a = sum(c, cAt, 4), c2b = sum(c, cAt, 5);
        FloatVector c3a = sum(c, cAt, 6), c3b = sum(c, cAt, 7);
        FloatVector c4a = sum(c, cAt, 8), c4b = sum(c, cAt, 9);
        int w1 = wAt + stride, w2 = w1 + stride, w3 = w2 + stride, w4 = w3 + stride;
        for (int i = 0; i < k; i++) {
            int p = aAt + i * 2 * L;
            FloatVector a0 = FloatVector.fromArray(S, a, p), a1 = FloatVector.fromArray(S, a, p + L), v;
            v = FloatVector.broadcast(S, w[wAt + i]);
            c0a = v.fma(a0, c0a);
            c0b = v.fma(a1, c0b);
            v = FloatVector.broadcast(S, w[w1 + i]);
            c1a = v.fma(a0, c1a);
            c1b = v.fma(a1, c1b);
            v = FloatVector.broadcast(S, w[w2 + i]);
            c2a = v.fma(a0, c2a);
            c2b = v.fma(a1, c2b);
            v = FloatVector.broadcast(S, w[w3 + i]);
            c3a = v.fma(a0, c3a);
            c3b = v.fma(a1, c3b);
            v = FloatVector.broadcast(S, w[w4 + i]);
            c4a = v.fma(a0, c4a);
            c4b = v.fma(a1, c4b);
        }
        c0a.intoArray(c, cAt);
        c0b.intoArray(c, cAt + L);
        c1a.intoArray(c, cAt + 2 * L);
        c1b.intoArray(c, cAt + 3 * L);
        c2a.intoArray(c, cAt + 4 * L);
        c2b.intoArray(c, cAt + 5 * L);
        c3a.intoArray(c, cAt + 6 * L);
        c3b.intoArray(c, cAt + 7 * L);
        c4a.intoArray(c, cAt + 8 * L);
        c4b.intoArray(c, cAt + 9 * L);
    }

    /** 2 vectors of rows by 12 outputs: 24 sums for 32 registers. */
    private static void strip12(float[] a, int aAt, float[] w, int wAt, int stride, int k, float[] c, int cAt) {
        FloatVector c0a = sum(c, cAt, 0), c0b = sum(c, cAt, 1);
        FloatVector c1a = sum(c, cAt, 2), c1b = sum(c, cAt, 3);
        FloatVector c2a = sum(c, cAt, 4), c2b = sum(c, cAt, 5);
        FloatVector c3a = sum(c, cAt, 6), c3b = sum(c, cAt, 7);
        FloatVector c4a = sum(c, cAt, 8), c4b = sum(c, cAt, 9);
        FloatVector c5a = sum(c, cAt, 10), c5b = sum(c, cAt, 11);
        FloatVector c6a = sum(c, cAt, 12), c6b = sum(c, cAt, 13);
        FloatVector c7a = sum(c, cAt, 14), c7b = sum(c, cAt, 15);
        FloatVector c8a = sum(c, cAt, 16), c8b = sum(c, cAt, 17);
        FloatVector c9a = sum(c, cAt, 18), c9b = sum(c, cAt, 19);
        FloatVector c10a = sum(c, cAt, 20), c10b = sum(c, cAt, 21);
        FloatVector c11a = sum(c, cAt, 22), c11b = sum(c, cAt, 23);
        int w1 = wAt + stride, w2 = w1 + stride, w3 = w2 + stride, w4 = w3 + stride, w5 = w4 + stride;
        int w6 = w5 + stride, w7 = w6 + stride, w8 = w7 + stride, w9 = w8 + stride, w10 = w9 + stride;
        int w11 = w10 + stride;
        for (int i = 0; i < k; i++) {
            int p = aAt + i * 2 * L;
            FloatVector a0 = FloatVector.fromArray(S, a, p), a1 = FloatVector.fromArray(S, a, p + L), v;
            v = FloatVector.broadcast(S, w[wAt + i]);
            c0a = v.fma(a0, c0a);
            c0b = v.fma(a1, c0b);
            v = FloatVector.broadcast(S, w[w1 + i]);
            c1a = v.fma(a0, c1a);
            c1b = v.fma(a1, c1b);
            v = FloatVector.broadcast(S, w[w2 + i]);
            c2a = v.fma(a0, c2a);
            c2b = v.fma(a1, c2b);
            v = FloatVector.broadcast(S, w[w3 + i]);
            c3a = v.fma(a0, c3a);
            c3b = v.fma(a1, c3b);
            v = FloatVector.broadcast(S, w[w4 + i]);
            c4a = v.fma(a0, c4a);
            c4b = v.fma(a1, c4b);
            v = FloatVector.broadcast(S, w[w5 + i]);
            c5a = v.fma(a0, c5a);
            c5b = v.fma(a1, c5b);
            v = FloatVector.broadcast(S, w[w6 + i]);
            c6a = v.fma(a0, c6a);
            c6b = v.fma(a1, c6b);
            v = FloatVector.broadcast(S, w[w7 + i]);
            c7a = v.fma(a0, c7a);
            c7b = v.fma(a1, c7b);
            v = FloatVector.broadcast(S, w[w8 + i]);
            c8a = v.fma(a0, c8a);
            c8b = v.fma(a1, c8b);
            v = FloatVector.broadcast(S, w[w9 + i]);
            c9a = v.fma(a0, c9a);
            c9b = v.fma(a1, c9b);
            v = FloatVector.broadcast(S, w[w10 + i]);
            c10a = v.fma(a0, c10a);
            c10b = v.fma(a1, c10b);
            v = FloatVector.broadcast(S, w[w11 + i]);
            c11a = v.fma(a0, c11a);
            c11b = v.fma(a1, c11b);
        }
        c0a.intoArray(c, cAt);
        c0b.intoArray(c, cAt + L);
        c1a.intoArray(c, cAt + 2 * L);
        c1b.intoArray(c, cAt + 3 * L);
        c2a.intoArray(c, cAt + 4 * L);
        c2b.intoArray(c, cAt + 5 * L);
        c3a.intoArray(c, cAt + 6 * L);
        c3b.intoArray(c, cAt + 7 * L);
        c4a.intoArray(c, cAt + 8 * L);
        c4b.intoArray(c, cAt + 9 * L);
        c5a.intoArray(c, cAt + 10 * L);
        c5b.intoArray(c, cAt + 11 * L);
        c6a.intoArray(c, cAt + 12 * L);
        c6b.intoArray(c, cAt + 13 * L);
        c7a.intoArray(c, cAt + 14 * L);
        c7b.intoArray(c, cAt + 15 * L);
        c8a.intoArray(c, cAt + 16 * L);
        c8b.intoArray(c, cAt + 17 * L);
        c9a.intoArray(c, cAt + 18 * L);
        c9b.intoArray(c, cAt + 19 * L);
        c10a.intoArray(c, cAt + 20 * L);
        c10b.intoArray(c, cAt + 21 * L);
        c11a.intoArray(c, cAt + 22 * L);
        c11b.intoArray(c, cAt + 23 * L);
    }

    /** 1 vector of rows by 10 outputs. */
    private static void halfStrip10(float[] a, int aAt, float[] w, int wAt, int stride, int k, float[] c, int cAt) {
        FloatVector c0 = sum(c, cAt, 0);
        FloatVector c1 = sum(c, cAt, 1);
        FloatVector c2 = sum(c, cAt, 2);
        FloatVector c3 = sum(c, cAt, 3);
        FloatVector c4 = sum(c, cAt, 4);
        FloatVector c5 = sum(c, cAt, 5);
        FloatVector c6 = sum(c, cAt, 6);
        FloatVector c7 = sum(c, cAt, 7);
        FloatVector c8 = sum(c, cAt, 8);
        FloatVector c9 = sum(c, cAt, 9);
        int w1 = wAt + stride, w2 = w1 + stride, w3 = w2 + stride, w4 = w3 + stride, w5 = w4 + stride;
        int w6 = w5 + stride, w7 = w6 + stride, w8 = w7 + stride, w9 = w8 + stride;
        for (int i = 0; i < k; i++) {
            int p = aAt + i * L;
            FloatVector a0 = FloatVector.fromArray(S, a, p);
            c0 = FloatVector.broadcast(S, w[wAt + i]).fma(a0, c0);
            c1 = FloatVector.broadcast(S, w[w1 + i]).fma(a0, c1);
            c2 = FloatVector.broadcast(S, w[w2 + i]).fma(a0, c2);
            c3 = FloatVector.broadcast(S, w[w3 + i]).fma(a0, c3);
            c4 = FloatVector.broadcast(S, w[w4 + i]).fma(a0, c4);
            c5 = FloatVector.broadcast(S, w[w5 + i]).fma(a0, c5);
            c6 = FloatVector.broadcast(S, w[w6 + i]).fma(a0, c6);
            c7 = FloatVector.broadcast(S, w[w7 + i]).fma(a0, c7);
            c8 = FloatVector.broadcast(S, w[w8 + i]).fma(a0, c8);
            c9 = FloatVector.broadcast(S, w[w9 + i]).fma(a0, c9);
        }
        c0.intoArray(c, cAt);
        c1.intoArray(c, cAt + L);
        c2.intoArray(c, cAt + 2 * L);
        c3.intoArray(c, cAt + 3 * L);
        c4.intoArray(c, cAt + 4 * L);
        c5.intoArray(c, cAt + 5 * L);
        c6.intoArray(c, cAt + 6 * L);
        c7.intoArray(c, cAt + 7 * L);
        c8.intoArray(c, cAt + 8 * L);
        c9.intoArray(c, cAt + 9 * L);
    }

    private static FloatVector sum(float[] c, int at, int vector) {
        return FloatVector.fromArray(S, c, at + vector * L);
    }
}
