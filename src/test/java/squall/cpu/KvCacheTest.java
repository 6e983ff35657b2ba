package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.engine.EngineOptions.KvFormat;
import squall.format.ModelFileException;
import squall.ops.StateSpec;

class KvCacheTest {
    private static final StateSpec.Kv A = new StateSpec.Kv("blk.0.attn", 2, 64);
    private static final StateSpec.Kv B = new StateSpec.Kv("blk.1.attn", 2, 64);

    private final Random random = new Random(2);

    /** What is written comes back to the format's own rounding, whatever the stride, layer, head and page. */
    @ParameterizedTest @EnumSource(KvFormat.class)
    void keepsKeysAndValues(KvFormat format) {
        double bound = switch (format) { case F32 -> 0; case F16 -> 0x1p-11; case Q8_0 -> 0.5 / 127 * 1.01; };
        int positions = 3 * KvCache.PAGE - 5;
        float[] k = Weights.floats(random, positions * 2 * 64), v = Weights.floats(random, positions * 2 * 64);
        try (KvCache cache = new KvCache(List.of(A, B), 2, format, format)) {
            cache.reserve(1, positions);
            for (int p = 0; p < positions; p++)
                for (int h = 0; h < 2; h++) {
                    int at = (p * 2 + h) * 64;
                    cache.write(A, 1, h, p, k, at, v, at);
                    cache.write(B, 1, h, p, v, at, k, at);
                }
            int most = 7;
            float[] keys = new float[5 * 80], values = new float[most * 64];
            for (int stride : new int[] {64, 80})
                for (int from : new int[] {0, 59, KvCache.PAGE, 2 * KvCache.PAGE + 3})
                    for (int h = 0; h < 2; h++) {
                        cache.keys(A, 1, h, from, 5, keys, stride);
                        assertRows(k, h, from, keys, stride, 64, 0, bound);
                        cache.values(A, 1, h, from, 5, values, most);
                        assertRows(v, h, from, values, KvCache.STRIP, KvCache.STRIP, KvCache.STRIP * most, bound);
                        cache.values(B, 1, h, from, 5, values, most);
                        assertRows(k, h, from, values, KvCache.STRIP, KvCache.STRIP, KvCache.STRIP * most, bound);
                    }
        }
    }

    /** Rows of five positions, cut into strips of the given width that begin so far apart. */
    private static void assertRows(float[] expected, int head, int from, float[] rows, int stride, int width, int apart, double bound) {
        for (int p = 0; p < 5; p++)
            for (int i = 0; i < 64; i++)
                assertEquals(expected[((from + p) * 2 + head) * 64 + i], rows[i / width * apart + p * stride + i % width], bound);
    }

    /** A head whose last strip is narrower than the others, and one narrower than a strip. */
    @ParameterizedTest @ValueSource(ints = {20, 72})
    void keepsHeadsOfOddWidth(int dim) {
        StateSpec.Kv kv = new StateSpec.Kv("a", 2, dim);
        float[] x = Weights.floats(random, 3 * 2 * dim), row = new float[dim];
        try (KvCache cache = new KvCache(List.of(kv), 1, KvFormat.F32, KvFormat.F32)) {
            cache.reserve(0, 3);
            for (int p = 0; p < 3; p++)
                for (int h = 0; h < 2; h++) cache.write(kv, 0, h, p, x, (p * 2 + h) * dim, x, (p * 2 + h) * dim);
            for (int h = 0; h < 2; h++) {
                int strips = (dim + KvCache.STRIP - 1) / KvCache.STRIP;
                float[] values = new float[strips * 3 * KvCache.STRIP];
                cache.values(kv, 0, h, 0, 3, values, 3);
                for (int p = 0; p < 3; p++) {
                    cache.value(kv, 0, h, p, row);
                    assertArrayEquals(Arrays.copyOfRange(x, (p * 2 + h) * dim, (p * 2 + h + 1) * dim), row);
                    for (int i = 0; i < dim; i++)
                        assertEquals(row[i], values[(i / KvCache.STRIP * 3 + p) * KvCache.STRIP + i % KvCache.STRIP]);
                }
            }
        }
    }

    @Test void pagesComeOnDemandAndAreUsedAgain() {
        try (KvCache cache = new KvCache(List.of(A), 3, KvFormat.F16, KvFormat.Q8_0)) {
            long page = KvCache.PAGE * 2L * (64 * 2 + 64 / 32 * 34);
            assertEquals(0, cache.committedBytes());
            cache.reserve(0, 1);
            cache.reserve(2, KvCache.PAGE + 1);
            assertEquals(3 * page, cache.committedBytes());
            cache.cut(2, KvCache.PAGE);
            cache.cut(0, 0);
            cache.reserve(1, 2 * KvCache.PAGE);
            assertEquals(3 * page, cache.committedBytes());
            cache.reserve(1, 2 * KvCache.PAGE + 1);
            assertEquals(4 * page, cache.committedBytes());
        }
    }

    /** Pages that are allocated by themselves, those that come from larger pieces of memory, and the next such piece. */
    @Test void pagesOfALongSequenceAreApart() {
        StateSpec.Kv kv = new StateSpec.Kv("a", 8, 256);
        try (KvCache cache = new KvCache(List.of(kv), 1, KvFormat.F32, KvFormat.F32)) {
            int pages = 60;
            float[] x = new float[256];
            for (int i = 1; i <= pages; i++) {
                cache.reserve(0, i * KvCache.PAGE);
                for (int end : new int[] {0, 1}) {
                    Arrays.fill(x, 2 * i + end);
                    cache.write(kv, 0, 7 * end, (i - 1) * KvCache.PAGE + end * (KvCache.PAGE - 1), x, 0, x, 0);
                }
            }
            assertEquals(pages << 20, cache.committedBytes());
            float[] row = new float[256];
            for (int i = 1; i <= pages; i++)
                for (int end : new int[] {0, 1}) {
                    Arrays.fill(x, 2 * i + end);
                    cache.key(kv, 0, 7 * end, (i - 1) * KvCache.PAGE + end * (KvCache.PAGE - 1), row);
                    assertArrayEquals(x, row);
                    cache.value(kv, 0, 7 * end, (i - 1) * KvCache.PAGE + end * (KvCache.PAGE - 1), row);
                    assertArrayEquals(x, row);
                }
        }
    }

    @Test void valuesOutOfTheRangeOfHalvesSaturate() {
        StateSpec.Kv kv = new StateSpec.Kv("a", 1, 32);
        float[] x = new float[32];
        x[3] = 1e6f;
        x[4] = -1e6f;
        try (KvCache cache = new KvCache(List.of(kv), 1, KvFormat.F16, KvFormat.Q8_0)) {
            cache.reserve(0, 1);
            cache.write(kv, 0, 0, 0, x, 0, x, 0);
            float[] k = new float[32], v = new float[32];
            cache.keys(kv, 0, 0, 0, 1, k, 32);
            cache.values(kv, 0, 0, 0, 1, v, 32);
            assertArrayEquals(new float[] {65504, -65504}, new float[] {k[3], k[4]});
            assertArrayEquals(new float[] {1e6f, -1e6f}, new float[] {v[3], v[4]}, 1e6f / 127);
        }
    }

    @Test void refusesQ8OfOddHeads() {
        StateSpec.Kv kv = new StateSpec.Kv("blk.0.attn", 1, 20);
        String message = assertThrows(ModelFileException.class,
                () -> new KvCache(List.of(kv), 1, KvFormat.F32, KvFormat.Q8_0)).getMessage();
        assertTrue(message.contains("-ctv") && message.contains("20") && message.contains("blk.0.attn"), message);
    }
}
