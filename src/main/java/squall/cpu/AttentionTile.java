package squall.cpu;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.MAX;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import squall.quant.Lanes;

/**
 * One worker's part of attention: a block of queries, one tile of keys and values, and the running softmax
 * <pre>
 *   m' = max(m, max_t s_t)    l' = e^(m - m') l + sum_t e^(s_t - m')    o' = e^(m - m') o + sum_t e^(s_t - m') v_t
 * </pre>
 * Rows are padded with zeros to whole vectors, so that the kernels have no tails.
 */
sealed class AttentionTile implements QueryBlock permits HalfTile {
    /** Positions of a tile: half a page; keys, values and queries of 256-wide heads stay in a 128 KiB part of the cache. */
    private static final int POSITIONS = 32;

    private static final VectorSpecies<Float> F = Lanes.FLOATS;

    /** Most positions taken in at once. */
    final int positions;
    /** Elements from one row to the next of keys, queries and outputs. */
    final int stride;
    final float[] keys;               // [positions, stride]
    final float[] values;             // [stride / KvCache.STRIP, positions, KvCache.STRIP]
    final int headDim;
    final float scale;
    final float[] queries;            // [queries, stride], times 1 / sqrt(headDim)
    final float[] outputs;            // [queries, stride]
    final float[] scores;             // [queries, POSITIONS]
    private final float[] strip = new float[POSITIONS * Strips.WIDTH];
    final float[] max;
    final float[] sum;
    int count;

    AttentionTile(int headDim, int mostQueries) {
        this(headDim, mostQueries, POSITIONS, POSITIONS);
    }

    /** @param copied positions that there is room for as floats */
    AttentionTile(int headDim, int mostQueries, int positions, int copied) {
        this.headDim = headDim;
        this.scale = (float) (1 / Math.sqrt(headDim));
        this.positions = positions;
        this.stride = Strips.padded(headDim);
        keys = new float[copied * stride];
        values = new float[copied * ((headDim + KvCache.STRIP - 1) / KvCache.STRIP * KvCache.STRIP)];
        queries = new float[mostQueries * stride];
        outputs = new float[mostQueries * stride];
        scores = new float[mostQueries * positions];
        max = new float[mostQueries];
        sum = new float[mostQueries];
    }

    int headDim() {
        return headDim;
    }

    @Override public int positions() {
        return positions;
    }

    @Override public void begin(int n) {
        count = n;
        Arrays.fill(max, 0, n, Float.NEGATIVE_INFINITY);
        Arrays.fill(sum, 0, n, 0);
        Arrays.fill(outputs, 0, n * stride, 0);
    }

    @Override public void query(int i, float[] q, int at) {
        RowKernels.scaled(queries, i * stride, q, at, headDim, scale);
    }

    /**
     * Takes in the first n positions of the tile. Query i belongs to row i / group, which sees the positions up to
     * {@code first + i / group} of the tile.
     */
    void fold(int first, int group, int n) {
        score(n);
        int width = (n + F.length() - 1) / F.length() * F.length();
        for (int i = 0; i < count; i++) soften(i, Math.clamp(first + i / group + 1, 0, n), width, 1);
        for (int c = 0; c < stride; c += Strips.WIDTH) {
            Strips.pack(strip, values, c / KvCache.STRIP * KvCache.STRIP * POSITIONS + c % KvCache.STRIP, KvCache.STRIP, n);
            Strips.add(outputs, c, stride, scores, 0, POSITIONS, strip, 0, count, n);
        }
    }

    /** {@code scores = queries · keys}: four queries by two keys in registers. */
    private void score(int n) {
        int i = 0;
        for (; i + 4 <= count; i += 4)
            for (int t = 0; t < n; t += 2) fourByTwo(i, t);
        for (; i < count; i++)
            for (int t = 0; t < n; t += 4) oneByFour(i, t);
    }

    // POSITIONS is a multiple of 4: keys past n are read, their scores are not used

    private void fourByTwo(int query, int key) {
        int q0 = query * stride, q1 = q0 + stride, q2 = q1 + stride, q3 = q2 + stride;
        int k0 = key * stride, k1 = k0 + stride;
        FloatVector s00 = FloatVector.zero(F), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
        for (int d = 0; d < stride; d += F.length()) {
            FloatVector a = FloatVector.fromArray(F, keys, k0 + d);
            FloatVector b = FloatVector.fromArray(F, keys, k1 + d);
            FloatVector q = FloatVector.fromArray(F, queries, q0 + d);
            s00 = q.fma(a, s00);
            s01 = q.fma(b, s01);
            q = FloatVector.fromArray(F, queries, q1 + d);
            s10 = q.fma(a, s10);
            s11 = q.fma(b, s11);
            q = FloatVector.fromArray(F, queries, q2 + d);
            s20 = q.fma(a, s20);
            s21 = q.fma(b, s21);
            q = FloatVector.fromArray(F, queries, q3 + d);
            s30 = q.fma(a, s30);
            s31 = q.fma(b, s31);
        }
        int at = query * POSITIONS + key;
        scores[at] = Lanes.sum(s00);
        scores[at + 1] = Lanes.sum(s01);
        scores[at + POSITIONS] = Lanes.sum(s10);
        scores[at + POSITIONS + 1] = Lanes.sum(s11);
        scores[at + 2 * POSITIONS] = Lanes.sum(s20);
        scores[at + 2 * POSITIONS + 1] = Lanes.sum(s21);
        scores[at + 3 * POSITIONS] = Lanes.sum(s30);
        scores[at + 3 * POSITIONS + 1] = Lanes.sum(s31);
    }

    private void oneByFour(int query, int key) {
        int q0 = query * stride;
        int k0 = key * stride, k1 = k0 + stride, k2 = k1 + stride, k3 = k2 + stride;
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
        for (int d = 0; d < stride; d += F.length()) {
            FloatVector q = FloatVector.fromArray(F, queries, q0 + d);
            s0 = q.fma(FloatVector.fromArray(F, keys, k0 + d), s0);
            s1 = q.fma(FloatVector.fromArray(F, keys, k1 + d), s1);
            s2 = q.fma(FloatVector.fromArray(F, keys, k2 + d), s2);
            s3 = q.fma(FloatVector.fromArray(F, keys, k3 + d), s3);
        }
        int at = query * POSITIONS + key;
        scores[at] = Lanes.sum(s0);
        scores[at + 1] = Lanes.sum(s1);
        scores[at + 2] = Lanes.sum(s2);
        scores[at + 3] = Lanes.sum(s3);
    }

    /** Turns the scores of query i into {@code unit} e^(s - m'), zero past the {@code visible} first, and rescales what it has seen. */
    final void soften(int i, int visible, int width, float unit) {
        int at = i * positions;
        if (visible == 0) {
            Arrays.fill(scores, at, at + width, 0);
            return;
        }
        Arrays.fill(scores, at + visible, at + width, Float.NEGATIVE_INFINITY);
        // what goes around a loop begins as zero, and no vector meets a scalar: either would make an object of every turn's
        FloatVector above = FloatVector.zero(F), total = above, first = FloatVector.broadcast(F, scores[at]);
        for (int t = 0; t < width; t += F.length()) {
            FloatVector s = FloatVector.fromArray(F, scores, at + t).sub(first);
            above = above.blend(s, s.compare(GT, above));
        }
        float next = Math.max(max[i], scores[at] + above.reduceLanes(MAX));
        FloatVector top = FloatVector.broadcast(F, next), units = FloatVector.broadcast(F, unit);
        for (int t = 0; t < width; t += F.length()) {
            FloatVector e = VectorMath.expOfNegative(FloatVector.fromArray(F, scores, at + t).sub(top));
            e.mul(units).intoArray(scores, at + t);
            total = total.add(e);
        }
        if (next != max[i]) {
            float old = (float) Math.exp(max[i] - next);
            sum[i] *= old;
            RowKernels.scale(outputs, i * stride, stride, old);
            max[i] = next;
        }
        sum[i] += Lanes.sum(total);
    }

    @Override public void finish(int i, float[] y, int at) {
        RowKernels.scaled(y, at, outputs, i * stride, headDim, 1 / sum[i]);
    }

    @Override public void keep(int i, float[] partial, int at) {
        System.arraycopy(outputs, i * stride, partial, at, headDim);
        partial[at + headDim] = max[i];
        partial[at + headDim + 1] = sum[i];
    }
}
