package squall.cpu;

import static jdk.incubator.vector.VectorOperators.GT;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import squall.quant.Lanes;

/**
 * Attention of many queries as products of panels, with the running softmax of {@link AttentionTile}. Vectors run along the
 * queries, of which {@link Panels#GROUP} lie together: each number of a key or a value is spread over a vector where it lies,
 * and neither scores nor softmax ever add up the lanes of a vector. A group's scores stay in the first-level cache.
 * <pre>
 *   queries  [group][headDim][GROUP]      keys    [position][headDim]
 *   outputs  [group][padded][GROUP]       values  [padded / BLOCK][position][ROW]      scores  [position][GROUP]
 * </pre>
 * Queries of a last group that are not there, and elements past headDim, are computed from whatever lies in their place.
 */
final class PanelTile implements QueryBlock {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final int L = Lanes.COUNT;
    private static final int GROUP = Panels.GROUP;
    /** Elements of values by a group, as keys: their sums stay in registers. */
    private static final int BLOCK = Panels.STRIP;
    /** From one position's block of values to the next: a constant, so that the compiler takes bounds checks out of the loop. */
    private static final int ROW = 8;
    /** Masks an index, as in {@link Panels}. */
    private static final int PLACE = (1 << 28) - 1;
    /** Copies a block of values; every machine that has vectors of more has these too. */
    private static final VectorSpecies<Float> PART = L == 4 ? FloatVector.SPECIES_128 : FloatVector.SPECIES_256;
    private static final int POSITIONS = KvCache.PAGE;
    /** With those that fill up the last strip. */
    private static final int KEYS = (POSITIONS + BLOCK - 1) / BLOCK * BLOCK;
    /**
     * Numbers of all queries: with outputs, keys and values half of a common second-level cache of 512 KB; processors with vectors of
     * 512 bits have 1 MB. Keys and values are decoded once for all of them (Zen 5, a prompt's rows from position 3584 on, heads of 128 and
     * 256: 131 and 133 for 122 and 120 GFLOP/s, one thread).
     */
    private static final int NUMBERS = L == 16 ? 1 << 15 : 1 << 14;
    private static final int LEAST_QUERIES = 32, MOST_QUERIES = NUMBERS / 128;

    final float[] keys;
    /** Values as the cache has them: [headDim / KvCache.STRIP, POSITIONS, KvCache.STRIP]. */
    final float[] strips;
    final int headDim;
    private final int padded;
    private final float scale;
    private final float[] values;
    private final float[] queries;
    private final float[] outputs;
    private final float[] scores = new float[KEYS * GROUP];
    private final float[] max;
    private final float[] sum;
    private final float[] before = new float[L];
    private int count;

    PanelTile(int headDim) {
        this.headDim = headDim;
        scale = (float) (1 / Math.sqrt(headDim));
        padded = (headDim + BLOCK - 1) / BLOCK * BLOCK;
        int most = queries(headDim);
        keys = new float[KEYS * headDim];
        strips = new float[(headDim + KvCache.STRIP - 1) / KvCache.STRIP * KvCache.STRIP * POSITIONS + ROW];
        values = new float[padded / BLOCK * POSITIONS * ROW];
        queries = new float[most * headDim];
        outputs = new float[most * padded];
        max = new float[most];
        sum = new float[most];
    }

    /** Queries for which a tile has room: whole groups. */
    static int queries(int headDim) {
        return Math.clamp(NUMBERS / headDim / GROUP * GROUP, LEAST_QUERIES, MOST_QUERIES);
    }

    @Override public int positions() {
        return POSITIONS;
    }

    @Override public void begin(int n) {
        count = n;
        // not infinite: what has seen nothing is e^0 times nothing
        Arrays.fill(max, -Float.MAX_VALUE);
        Arrays.fill(sum, 0);
        Arrays.fill(outputs, 0);
    }

    @Override public void query(int i, float[] q, int at) {
        int to = place(i, headDim);
        for (int d = 0; d < headDim; d++) queries[to + d * GROUP] = q[at + d] * scale;
    }

    /** Where element 0 of query i lies in groups of {@code elements * GROUP}. */
    private static int place(int i, int elements) {
        return i / GROUP * GROUP * elements + i % GROUP;
    }

    /**
     * Takes in the first n positions of the tile. Query i belongs to row i / group, which sees the positions up to
     * {@code first + i / group} of the tile.
     */
    void fold(int first, int group, int n) {
        pack(n);
        for (int i = 0; i < count; i += GROUP) {
            int seen = Math.min(n, first + (i + GROUP - 1) / group + 1);
            if (seen <= 0) continue;
            Arrays.fill(scores, 0);
            Panels.strips(queries, i * headDim, keys, 0, headDim, headDim, scores, 0, GROUP, seen);
            if (first + i / group + 1 < seen) hide(i, first, group, seen);
            for (int l = 0; l < GROUP; l += L) {
                if (raise(i + l, l, seen)) rescale(i + l, i * padded + l);
                soften(i + l, l, seen);
            }
            for (int b = 0; b < padded; b += BLOCK)
                addSix(outputs, i * padded + b * GROUP, scores, values, b / BLOCK * POSITIONS * ROW, 1, seen);
        }
    }

    /** Lays values out by blocks; one that ends in the next strip takes the rest from there. */
    private void pack(int n) {
        for (int d = 0; d < headDim; d += BLOCK) {
            int strip = d / KvCache.STRIP * KvCache.STRIP * POSITIONS;
            int here = KvCache.STRIP - d % KvCache.STRIP;
            int to = d / BLOCK * POSITIONS * ROW;
            copy(strip + KvCache.STRIP - here, to, n);
            for (int j = here; j < Math.min(BLOCK, headDim - d); j++)
                for (int t = 0; t < n; t++)
                    values[to + t * ROW + j] = strips[strip + KvCache.STRIP * (POSITIONS + t) + j - here];
        }
    }

    private void copy(int from, int to, int n) {
        for (int t = 0; t < n; t++)
            for (int j = 0; j < ROW; j += PART.length())
                FloatVector.fromArray(PART, strips, from + t * KvCache.STRIP + j).intoArray(values, to + t * ROW + j);
    }

    /** No weight for what a query of the group must not see yet. */
    private void hide(int i, int first, int group, int n) {
        for (int l = 0; l < GROUP; l++)
            for (int t = Math.max(0, first + (i + l) / group + 1); t < n; t++) scores[t * GROUP + l] = Float.NEGATIVE_INFINITY;
    }

    /** The largest scores of a vector of queries; whether one is larger than before. */
    private boolean raise(int i, int lane, int n) {
        FloatVector top = FloatVector.fromArray(F, max, i);
        top.intoArray(before, 0);
        for (int t = 0; t < n; t++) {
            FloatVector s = FloatVector.fromArray(F, scores, t * GROUP + lane);
            top = top.blend(s, s.compare(GT, top));
        }
        top.intoArray(max, i);
        return top.compare(GT, FloatVector.fromArray(F, before, 0)).anyTrue();
    }

    /** {@code l = e^(m - m') l, o = e^(m - m') o}. */
    private void rescale(int i, int at) {
        FloatVector factor = VectorMath.expOfNegative(FloatVector.fromArray(F, before, 0).sub(FloatVector.fromArray(F, max, i)));
        FloatVector.fromArray(F, sum, i).mul(factor).intoArray(sum, i);
        for (int d = 0; d < padded; d++)
            FloatVector.fromArray(F, outputs, at + d * GROUP).mul(factor).intoArray(outputs, at + d * GROUP);
    }

    /** {@code s = e^(s - m')}, and their sum. */
    private void soften(int i, int lane, int n) {
        FloatVector top = FloatVector.fromArray(F, max, i), total = FloatVector.fromArray(F, sum, i);
        for (int t = 0; t < n; t++) {
            int at = t * GROUP + lane;
            FloatVector e = VectorMath.expOfNegative(FloatVector.fromArray(F, scores, at).sub(top));
            e.intoArray(scores, at);
            total = total.add(e);
        }
        total.intoArray(sum, i);
    }

    /**
     * {@code c[j, i] += sum over t < n of v[t, j] * p[t, i]}: as {@link Panels#strip6}, but what is spread lies side by side.
     *
     * @param one 1; as a variable it keeps the compiler from loading all six before it multiplies
     */
    private static void addSix(float[] c, int cAt, float[] p, float[] v, int vAt, int one, int n) {
        FloatVector s0a = FloatVector.fromArray(F, c, cAt), s0b = FloatVector.fromArray(F, c, cAt + L);
        FloatVector s1a = FloatVector.fromArray(F, c, cAt + 2 * L), s1b = FloatVector.fromArray(F, c, cAt + 3 * L);
        FloatVector s2a = FloatVector.fromArray(F, c, cAt + 4 * L), s2b = FloatVector.fromArray(F, c, cAt + 5 * L);
        FloatVector s3a = FloatVector.fromArray(F, c, cAt + 6 * L), s3b = FloatVector.fromArray(F, c, cAt + 7 * L);
        FloatVector s4a = FloatVector.fromArray(F, c, cAt + 8 * L), s4b = FloatVector.fromArray(F, c, cAt + 9 * L);
        FloatVector s5a = FloatVector.fromArray(F, c, cAt + 10 * L), s5b = FloatVector.fromArray(F, c, cAt + 11 * L);
        int v1 = vAt + one, v2 = v1 + one, v3 = v2 + one, v4 = v3 + one, v5 = v4 + one;
        for (int t = 0; t < n; t++) {
            int at = t * GROUP & PLACE;
            FloatVector a = FloatVector.fromArray(F, p, at), b = FloatVector.fromArray(F, p, at + L), x;
            x = FloatVector.broadcast(F, v[vAt + t * ROW]);
            s0a = x.fma(a, s0a);
            s0b = x.fma(b, s0b);
            x = FloatVector.broadcast(F, v[v1 + t * ROW]);
            s1a = x.fma(a, s1a);
            s1b = x.fma(b, s1b);
            x = FloatVector.broadcast(F, v[v2 + t * ROW]);
            s2a = x.fma(a, s2a);
            s2b = x.fma(b, s2b);
            x = FloatVector.broadcast(F, v[v3 + t * ROW]);
            s3a = x.fma(a, s3a);
            s3b = x.fma(b, s3b);
            x = FloatVector.broadcast(F, v[v4 + t * ROW]);
            s4a = x.fma(a, s4a);
            s4b = x.fma(b, s4b);
            x = FloatVector.broadcast(F, v[v5 + t * ROW]);
            s5a = x.fma(a, s5a);
            s5b = x.fma(b, s5b);
        }
        s0a.intoArray(c, cAt);
        s0b.intoArray(c, cAt + L);
        s1a.intoArray(c, cAt + 2 * L);
        s1b.intoArray(c, cAt + 3 * L);
        s2a.intoArray(c, cAt + 4 * L);
        s2b.intoArray(c, cAt + 5 * L);
        s3a.intoArray(c, cAt + 6 * L);
        s3b.intoArray(c, cAt + 7 * L);
        s4a.intoArray(c, cAt + 8 * L);
        s4b.intoArray(c, cAt + 9 * L);
        s5a.intoArray(c, cAt + 10 * L);
        s5b.intoArray(c, cAt + 11 * L);
    }

    @Override public void finish(int i, float[] y, int at) {
        take(i, y, at, 1 / sum[i]);
    }

    @Override public void keep(int i, float[] partial, int at) {
        take(i, partial, at, 1);
        partial[at + headDim] = max[i];
        partial[at + headDim + 1] = sum[i];
    }

    private void take(int i, float[] y, int at, float factor) {
        int from = place(i, padded);
        for (int d = 0; d < headDim; d++) y[at + d] = factor * outputs[from + d * GROUP];
    }
}
