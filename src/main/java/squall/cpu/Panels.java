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

    /** Outputs of a strip by a whole group, and by half a group; where {@link #WIDE}, two strips are taken as one. */
    static final int STRIP = 6;
    private static final int HALF_STRIP = 12;

    /** Whether there are registers for 24 sums. What has vectors of 512 bits has 32 of them. */
    private static final boolean WIDE = Lanes.BITS == 512;

    /** Masks an index. It changes nothing, but then the compiler knows that a small number added to it stays an int. */
    private static final int PLACE = (1 << 28) - 1;

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
                strips(packed, at, weights, 0, STRIDE, k, sums, first * block, GROUP, outputs);
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

    /** As {@link #strip6} for j < n; up to the end of the last strip is room. */
    static void strips(float[] a, int aAt, float[] w, int wAt, int stride, int k, float[] c, int cAt, int cStep, int n) {
        int j = 0;
        if (WIDE) for (; n - j > STRIP; j += 2 * STRIP) strip12(a, aAt, w, wAt + j * stride, stride, k, c, cAt + j * cStep, cStep);
        for (; j < n; j += STRIP) strip6(a, aAt, w, wAt + j * stride, stride, k, c, cAt + j * cStep, cStep);
    }

    /**
     * {@code c[cAt + cStep * j + l] += sum over i < k of w[wAt + stride * j + i] * a[aAt + GROUP * i + l]}, j < STRIP, l < GROUP: 12 sums,
     * 2 vectors of a and up to 2 numbers of w in flight in 16 registers. The stride is a variable: with a constant one HotSpot 25
     * loads all numbers first and spills a sum, which halves the speed. A turn is 31 instructions for 12 multiply-adds; 10 sums, 2 a cycle,
     * would each wait for the one before (Zen 2: 77 for 84 GFLOP/s of 107).
     */
    static void strip6(float[] a, int aAt, float[] w, int wAt, int stride, int k, float[] c, int cAt, int cStep) {
        int c1 = cAt + cStep, c2 = c1 + cStep, c3 = c2 + cStep, c4 = c3 + cStep, c5 = c4 + cStep;
        int w1 = wAt + stride, w2 = w1 + stride, w3 = w2 + stride, w4 = w3 + stride, w5 = w4 + stride;
        FloatVector s0a = FloatVector.fromArray(S, c, cAt), s0b = FloatVector.fromArray(S, c, cAt + L);
        FloatVector s1a = FloatVector.fromArray(S, c, c1), s1b = FloatVector.fromArray(S, c, c1 + L);
        FloatVector s2a = FloatVector.fromArray(S, c, c2), s2b = FloatVector.fromArray(S, c, c2 + L);
        FloatVector s3a = FloatVector.fromArray(S, c, c3), s3b = FloatVector.fromArray(S, c, c3 + L);
        FloatVector s4a = FloatVector.fromArray(S, c, c4), s4b = FloatVector.fromArray(S, c, c4 + L);
        FloatVector s5a = FloatVector.fromArray(S, c, c5), s5b = FloatVector.fromArray(S, c, c5 + L);
        for (int i = 0; i < k; i++) {
            int p = aAt & PLACE;
            FloatVector a0 = FloatVector.fromArray(S, a, p), a1 = FloatVector.fromArray(S, a, p + L), v;
            v = FloatVector.broadcast(S, w[wAt + i]);
            s0a = v.fma(a0, s0a);
            s0b = v.fma(a1, s0b);
            v = FloatVector.broadcast(S, w[w1 + i]);
            s1a = v.fma(a0, s1a);
            s1b = v.fma(a1, s1b);
            v = FloatVector.broadcast(S, w[w2 + i]);
            s2a = v.fma(a0, s2a);
            s2b = v.fma(a1, s2b);
            v = FloatVector.broadcast(S, w[w3 + i]);
            s3a = v.fma(a0, s3a);
            s3b = v.fma(a1, s3b);
            v = FloatVector.broadcast(S, w[w4 + i]);
            s4a = v.fma(a0, s4a);
            s4b = v.fma(a1, s4b);
            v = FloatVector.broadcast(S, w[w5 + i]);
            s5a = v.fma(a0, s5a);
            s5b = v.fma(a1, s5b);
            aAt += GROUP;
        }
        s0a.intoArray(c, cAt);
        s0b.intoArray(c, cAt + L);
        s1a.intoArray(c, c1);
        s1b.intoArray(c, c1 + L);
        s2a.intoArray(c, c2);
        s2b.intoArray(c, c2 + L);
        s3a.intoArray(c, c3);
        s3b.intoArray(c, c3 + L);
        s4a.intoArray(c, c4);
        s4b.intoArray(c, c4 + L);
        s5a.intoArray(c, c5);
        s5b.intoArray(c, c5 + L);
    }

    /** As {@link #strip6} for j < 12: 24 sums, 2 vectors of a and up to 3 numbers of w in flight in 32 registers (Zen 5: 182 for 167 GFLOP/s of 208). */
    private static void strip12(float[] a, int aAt, float[] w, int wAt, int stride, int k, float[] c, int cAt, int cStep) {
        int c1 = cAt + cStep, c2 = c1 + cStep, c3 = c2 + cStep, c4 = c3 + cStep, c5 = c4 + cStep, c6 = c5 + cStep;
        int c7 = c6 + cStep, c8 = c7 + cStep, c9 = c8 + cStep, c10 = c9 + cStep, c11 = c10 + cStep;
        int w1 = wAt + stride, w2 = w1 + stride, w3 = w2 + stride, w4 = w3 + stride, w5 = w4 + stride, w6 = w5 + stride;
        int w7 = w6 + stride, w8 = w7 + stride, w9 = w8 + stride, w10 = w9 + stride, w11 = w10 + stride;
        FloatVector s0a = FloatVector.fromArray(S, c, cAt), s0b = FloatVector.fromArray(S, c, cAt + L);
        FloatVector s1a = FloatVector.fromArray(S, c, c1), s1b = FloatVector.fromArray(S, c, c1 + L);
        FloatVector s2a = FloatVector.fromArray(S, c, c2), s2b = FloatVector.fromArray(S, c, c2 + L);
        FloatVector s3a = FloatVector.fromArray(S, c, c3), s3b = FloatVector.fromArray(S, c, c3 + L);
        FloatVector s4a = FloatVector.fromArray(S, c, c4), s4b = FloatVector.fromArray(S, c, c4 + L);
        FloatVector s5a = FloatVector.fromArray(S, c, c5), s5b = FloatVector.fromArray(S, c, c5 + L);
        FloatVector s6a = FloatVector.fromArray(S, c, c6), s6b = FloatVector.fromArray(S, c, c6 + L);
        FloatVector s7a = FloatVector.fromArray(S, c, c7), s7b = FloatVector.fromArray(S, c, c7 + L);
        FloatVector s8a = FloatVector.fromArray(S, c, c8), s8b = FloatVector.fromArray(S, c, c8 + L);
        FloatVector s9a = FloatVector.fromArray(S, c, c9), s9b = FloatVector.fromArray(S, c, c9 + L);
        FloatVector s10a = FloatVector.fromArray(S, c, c10), s10b = FloatVector.fromArray(S, c, c10 + L);
        FloatVector s11a = FloatVector.fromArray(S, c, c11), s11b = FloatVector.fromArray(S, c, c11 + L);
        for (int i = 0; i < k; i++) {
            int p = aAt & PLACE;
            FloatVector a0 = FloatVector.fromArray(S, a, p), a1 = FloatVector.fromArray(S, a, p + L), v;
            v = FloatVector.broadcast(S, w[wAt + i]);
            s0a = v.fma(a0, s0a); s0b = v.fma(a1, s0b);
            v = FloatVector.broadcast(S, w[w1 + i]);
            s1a = v.fma(a0, s1a); s1b = v.fma(a1, s1b);
            v = FloatVector.broadcast(S, w[w2 + i]);
            s2a = v.fma(a0, s2a); s2b = v.fma(a1, s2b);
            v = FloatVector.broadcast(S, w[w3 + i]);
            s3a = v.fma(a0, s3a); s3b = v.fma(a1, s3b);
            v = FloatVector.broadcast(S, w[w4 + i]);
            s4a = v.fma(a0, s4a); s4b = v.fma(a1, s4b);
            v = FloatVector.broadcast(S, w[w5 + i]);
            s5a = v.fma(a0, s5a); s5b = v.fma(a1, s5b);
            v = FloatVector.broadcast(S, w[w6 + i]);
            s6a = v.fma(a0, s6a); s6b = v.fma(a1, s6b);
            v = FloatVector.broadcast(S, w[w7 + i]);
            s7a = v.fma(a0, s7a); s7b = v.fma(a1, s7b);
            v = FloatVector.broadcast(S, w[w8 + i]);
            s8a = v.fma(a0, s8a); s8b = v.fma(a1, s8b);
            v = FloatVector.broadcast(S, w[w9 + i]);
            s9a = v.fma(a0, s9a); s9b = v.fma(a1, s9b);
            v = FloatVector.broadcast(S, w[w10 + i]);
            s10a = v.fma(a0, s10a); s10b = v.fma(a1, s10b);
            v = FloatVector.broadcast(S, w[w11 + i]);
            s11a = v.fma(a0, s11a); s11b = v.fma(a1, s11b);
            aAt += GROUP;
        }
        s0a.intoArray(c, cAt); s0b.intoArray(c, cAt + L);
        s1a.intoArray(c, c1); s1b.intoArray(c, c1 + L);
        s2a.intoArray(c, c2); s2b.intoArray(c, c2 + L);
        s3a.intoArray(c, c3); s3b.intoArray(c, c3 + L);
        s4a.intoArray(c, c4); s4b.intoArray(c, c4 + L);
        s5a.intoArray(c, c5); s5b.intoArray(c, c5 + L);
        s6a.intoArray(c, c6); s6b.intoArray(c, c6 + L);
        s7a.intoArray(c, c7); s7b.intoArray(c, c7 + L);
        s8a.intoArray(c, c8); s8b.intoArray(c, c8 + L);
        s9a.intoArray(c, c9); s9b.intoArray(c, c9 + L);
        s10a.intoArray(c, c10); s10b.intoArray(c, c10 + L);
        s11a.intoArray(c, c11); s11b.intoArray(c, c11 + L);
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
