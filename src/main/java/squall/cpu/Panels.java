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
 *   weights      [output][STRIDE]      the first k of each used
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
    private static final int STRIP = MANY_REGISTERS ? 6 : 5;
    private static final int HALF_STRIP = 12;

    /** Outputs of a block are a multiple of this: whole strips of either kind. */
    static final int OUTPUTS_MULTIPLE = 60;

    /** Columns of a block of weights: a multiple of every block size and of the FP8 scale block. */
    static final int DEPTH = 512;

    /** From one output to the next: a cache line more than the columns, so that a strip does not share cache sets. */
    static final int STRIDE = DEPTH + 16;

    /** Columns packed at a time: a group of them fits half of a first-level cache. */
    private static final int PACKED_COLUMNS = 128;

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
            for (int c = 0; c < cols; c += PACKED_COLUMNS) {
                int k = Math.min(PACKED_COLUMNS, cols - c);
                for (int r = 0; r < n; r++) {
                    int from = (index == null ? first + r : index[first + r]) * cols + c;
                    int to = first * cols + c * width + r;
                    for (int i = 0; i < k; i++) packed[to + i * width] = x[from + i];
                }
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
     * @param weights [block][STRIDE]
     * @param k       at most {@link #DEPTH}
     */
    static void multiply(float[] sums, int block, float[] packed, int cols, int c, float[] weights, int k, int rows,
                         int outputs) {
        for (int first = 0; first < rows; first += GROUP) {
            if (rows - first > HALF) {
                int at = first * cols + c * GROUP;
                for (int o = 0; o < outputs; o += STRIP) {
                    int sumsAt = first * block + o * GROUP;
                    if (MANY_REGISTERS) strip6(packed, at, weights, o * STRIDE, k, sums, sumsAt);
                    else strip5(packed, at, weights, o * STRIDE, STRIDE, k, sums, sumsAt);
                }
            } else {
                int at = first * cols + c * HALF;
                for (int o = 0; o < outputs; o += HALF_STRIP)
                    halfStrip12(packed, at, weights, o * STRIDE, k, sums, first * block + o * HALF);
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

    /**
     * 2 vectors of rows by 5 outputs: 10 sums, 2 activations and up to 4 weights in flight in 16 registers. The stride
     * is a variable: with a constant one HotSpot 25 loads all weights first and spills a sum, which halves the speed.
     */
    static void strip5(float[] a, int aAt, float[] w, int wAt, int stride, int k, float[] c, int cAt) {
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

    /** 2 vectors of rows by 6 outputs: 12 sums, 2 activations and 6 weights in flight in 32 registers. */
    private static void strip6(float[] a, int aAt, float[] w, int wAt, int k, float[] c, int cAt) {
        FloatVector c0a = sum(c, cAt, 0), c0b = sum(c, cAt, 1);
        FloatVector c1a = sum(c, cAt, 2), c1b = sum(c, cAt, 3);
        FloatVector c2a = sum(c, cAt, 4), c2b = sum(c, cAt, 5);
        FloatVector c3a = sum(c, cAt, 6), c3b = sum(c, cAt, 7);
        FloatVector c4a = sum(c, cAt, 8), c4b = sum(c, cAt, 9);
        FloatVector c5a = sum(c, cAt, 10), c5b = sum(c, cAt, 11);
        for (int i = 0; i < k; i++) {
            int p = aAt + i * 2 * L, q = wAt + i;
            FloatVector a0 = FloatVector.fromArray(S, a, p), a1 = FloatVector.fromArray(S, a, p + L), v;
            v = FloatVector.broadcast(S, w[q]);
            c0a = v.fma(a0, c0a);
            c0b = v.fma(a1, c0b);
            v = FloatVector.broadcast(S, w[q + STRIDE]);
            c1a = v.fma(a0, c1a);
            c1b = v.fma(a1, c1b);
            v = FloatVector.broadcast(S, w[q + 2 * STRIDE]);
            c2a = v.fma(a0, c2a);
            c2b = v.fma(a1, c2b);
            v = FloatVector.broadcast(S, w[q + 3 * STRIDE]);
            c3a = v.fma(a0, c3a);
            c3b = v.fma(a1, c3b);
            v = FloatVector.broadcast(S, w[q + 4 * STRIDE]);
            c4a = v.fma(a0, c4a);
            c4b = v.fma(a1, c4b);
            v = FloatVector.broadcast(S, w[q + 5 * STRIDE]);
            c5a = v.fma(a0, c5a);
            c5b = v.fma(a1, c5b);
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
    }

    /**
     * 1 vector of rows by 12 outputs. The stride is a constant: 12 addresses would not fit the 16 address registers,
     * and no order of the loads spills here.
     */
    private static void halfStrip12(float[] a, int aAt, float[] w, int wAt, int k, float[] c, int cAt) {
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
        FloatVector c10 = sum(c, cAt, 10);
        FloatVector c11 = sum(c, cAt, 11);
        for (int i = 0; i < k; i++) {
            int p = aAt + i * L, q = wAt + i;
            FloatVector a0 = FloatVector.fromArray(S, a, p);
            c0 = FloatVector.broadcast(S, w[q]).fma(a0, c0);
            c1 = FloatVector.broadcast(S, w[q + STRIDE]).fma(a0, c1);
            c2 = FloatVector.broadcast(S, w[q + 2 * STRIDE]).fma(a0, c2);
            c3 = FloatVector.broadcast(S, w[q + 3 * STRIDE]).fma(a0, c3);
            c4 = FloatVector.broadcast(S, w[q + 4 * STRIDE]).fma(a0, c4);
            c5 = FloatVector.broadcast(S, w[q + 5 * STRIDE]).fma(a0, c5);
            c6 = FloatVector.broadcast(S, w[q + 6 * STRIDE]).fma(a0, c6);
            c7 = FloatVector.broadcast(S, w[q + 7 * STRIDE]).fma(a0, c7);
            c8 = FloatVector.broadcast(S, w[q + 8 * STRIDE]).fma(a0, c8);
            c9 = FloatVector.broadcast(S, w[q + 9 * STRIDE]).fma(a0, c9);
            c10 = FloatVector.broadcast(S, w[q + 10 * STRIDE]).fma(a0, c10);
            c11 = FloatVector.broadcast(S, w[q + 11 * STRIDE]).fma(a0, c11);
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
        c10.intoArray(c, cAt + 10 * L);
        c11.intoArray(c, cAt + 11 * L);
    }

    private static FloatVector sum(float[] c, int at, int vector) {
        return FloatVector.fromArray(S, c, at + vector * L);
    }
}
