package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import squall.engine.EngineOptions.KvFormat;
import squall.ops.StateSpec;
import squall.ops.StepPlan;

/** Attention against its definition on the numbers that the cache holds. */
@Tag("width")
class AttentionTest {
    private static final int KV_HEADS = 2;

    private final Random random = new Random(8);

    /** Odd numbers of query heads, lengths at both sides of tiles and pages, one row and several, cut along the sequence. */
    @ParameterizedTest @CsvSource({"1,64,1,1", "2,128,31,1", "2,128,33,1", "3,64,64,1", "1,128,65,2", "4,256,129,1", "2,64,700,3", "8,64,1500,1", "4,128,67,2", "7,128,333,1"})
    void ofHalvesInPlaceIsTheDefinition(int group, int dim, int length, int rows) {
        assertTrue(HalfTile.fits(dim));
        isTheDefinition(group, dim, length, rows, KvFormat.F16);
    }

    /**
     * More queries than are taken one by one: groups and blocks that are not full, heads that end within a strip, a first page
     * of which early rows see nothing, rows of several pieces, and sequences that are cut.
     */
    @ParameterizedTest @CsvSource({"1,64,9,9,F16", "2,128,70,70,F16", "3,40,131,67,F32", "4,256,100,36,F16", "2,48,700,5,F32", "8,96,300,130,Q8_0", "1,128,330,300,F16",
            "32,16,65,3,F32"})
    void ofManyQueriesIsTheDefinition(int group, int dim, int length, int rows, KvFormat format) {
        isTheDefinition(group, dim, length, rows, format);
    }

    private void isTheDefinition(int group, int dim, int length, int rows, KvFormat format) {
        StateSpec.Kv kv = new StateSpec.Kv("a", KV_HEADS, dim);
        int heads = group * KV_HEADS;
        float[] q = Weights.floats(random, rows * heads * dim), y = new float[rows * heads * dim];
        for (int i = 0; i < q.length; i++) q[i] *= 4;
        try (ThreadTeam team = new ThreadTeam(2); KvCache cache = new KvCache(List.of(kv), 1, format, format)) {
            cache.reserve(0, length);
            for (int p = 0; p < length; p++)
                for (int h = 0; h < KV_HEADS; h++)
                    cache.write(kv, 0, h, p, Weights.floats(random, dim), 0, extremes(dim, p), 0);
            int start = length - rows;
            StepPlan plan = new StepPlan.Builder().add(0, start, new int[rows], 0, rows, StepPlan.Want.NONE).build();
            new Attention(team, cache).run(y, q, kv, heads, plan);
            for (int r = 0; r < rows; r++)
                for (int h = 0; h < heads; h++) check(cache, kv, h / group, start + r, q, y, (r * heads + h) * dim, dim);
        }
    }

    /** Values with halves that have no exponent of their own, zeros and large ones among them. */
    private float[] extremes(int dim, int position) {
        float[] v = Weights.floats(random, dim);
        v[position % dim] = 5e-7f;
        v[(position + 7) % dim] = 0;
        if (position % 50 == 3) v[(position + 9) % dim] = -6e4f;
        return v;
    }

    private static void check(KvCache cache, StateSpec.Kv kv, int kvHead, int last, float[] q, float[] y, int at, int dim) {
        float[] row = new float[dim];
        double[] weight = new double[last + 1], out = new double[dim], size = new double[dim];
        double max = Double.NEGATIVE_INFINITY, sum = 0;
        for (int p = 0; p <= last; p++) {
            cache.key(kv, 0, kvHead, p, row);
            for (int d = 0; d < dim; d++) weight[p] += (double) q[at + d] * row[d] / Math.sqrt(dim);
            max = Math.max(max, weight[p]);
        }
        for (int p = 0; p <= last; p++) sum += weight[p] = Math.exp(weight[p] - max);
        for (int p = 0; p <= last; p++) {
            cache.value(kv, 0, kvHead, p, row);
            for (int d = 0; d < dim; d++) {
                out[d] += weight[p] / sum * row[d];
                size[d] += weight[p] / sum * Math.abs(row[d]);
            }
        }
        for (int d = 0; d < dim; d++) assertEquals(out[d], y[at + d], 4e-6 * size[d] + 1e-9, "element " + d);
    }
}
