package squall.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Rows side by side against the same rows as they are stored. */
@Tag("width")
class RowGroupsTest {
    private static final int ROWS = RowGroups.ROWS;
    private static final float UNTOUCHED = 12345.678f;

    static Stream<Format> formats() {
        return Arrays.stream(Format.values()).filter(f -> f.codec.rowGroups() != null);
    }

    @ParameterizedTest @MethodSource("formats")
    void decodesBitForBit(Format f) {
        assumeTrue(Lanes.COUNT >= 8, "vectors of four lanes have no layouts");
        int size = f.codec.blockSize();
        for (int blocks = 1; blocks <= 5; blocks++) {
            byte[] rows = Blocks.finite(f, 2 * ROWS * blocks, blocks);
            MemorySegment laid = laid(f, rows, 2), stored = MemorySegment.ofArray(rows);
            long rowBytes = f.rowBytes(blocks * size);
            for (int g = 0; g < 2; g++)
                for (int first = 0; first < blocks; first++) {
                    int n = (blocks - first) * size, step = ROWS + 3;
                    float[] want = new float[2 + n * step], got = want.clone(), row = new float[n];
                    Arrays.fill(want, UNTOUCHED);
                    Arrays.fill(got, UNTOUCHED);
                    for (int r = 0; r < ROWS; r++) {
                        f.codec.decode(stored, (g * ROWS + r) * rowBytes + first * f.codec.blockBytes(), row, 0, n);
                        for (int i = 0; i < n; i++) want[2 + i * step + r] = row[i];
                    }
                    f.codec.rowGroups().decode(laid, g * ROWS * rowBytes, first, got, 2, step, n, new float[RowGroups.FACTORS]);
                    assertArrayEquals(want, got, f + " group " + g + " from block " + first);
                }
        }
    }

    @ParameterizedTest @MethodSource("formats")
    void products(Format f) {
        for (int groups : new int[] {1, 2, 3, 4, 5, 7, 8, 9, 13})
            for (int blocks : new int[] {1, 2, 3, Math.max(1, 1024 / f.codec.blockSize())}) check(f, groups, Blocks.finite(f, groups * ROWS * blocks, blocks), 1);
    }

    /** Activations far from one: they are scaled, and sums scaled back. */
    @ParameterizedTest @MethodSource("formats")
    void smallAndLargeActivations(Format f) {
        for (float factor : new float[] {0x1p-40f, 0x1p-20f, 0x1p20f, 0x1p40f}) check(f, 4, Blocks.finite(f, 4 * ROWS * 3, 5), factor);
    }

    @ParameterizedTest @MethodSource("formats")
    void smallestAndLargestScales(Format f) {
        for (int half : new int[] {0, 0x8000, 1, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x7BFF, 0xFBFF}) check(f, 4, Blocks.withScale(f, 4 * ROWS * 2, half, half), 1);
    }

    @ParameterizedTest @MethodSource("formats")
    void scalesThatAreNotFiniteAreRefused(Format f) {
        for (int half : new int[] {0x7C00, 0xFC00, 0x7C01, 0xFFFF})
            for (int at : Blocks.scalesOf(f)) {
                byte[] rows = Blocks.finite(f, ROWS * 3, half);
                int from = 2 * f.codec.blockBytes() + at;
                assertTrue(lay(f, rows, MemorySegment.ofArray(new byte[rows.length])), "finite ones were refused");
                rows[from] = (byte) half;
                rows[from + 1] = (byte) (half >> 8);
                assertFalse(lay(f, rows, MemorySegment.ofArray(new byte[rows.length])), f + " took a scale of " + Integer.toHexString(half));
            }
    }

    private static boolean lay(Format f, byte[] rows, MemorySegment to) {
        return f.codec.rowGroups().lay(to, 0, MemorySegment.ofArray(rows), 0, rows.length / ROWS);
    }

    private static MemorySegment laid(Format f, byte[] rows, int groups) {
        MemorySegment laid = Arena.ofAuto().allocate(rows.length, 32);
        long groupBytes = rows.length / groups;
        for (int g = 0; g < groups; g++)
            assertTrue(f.codec.rowGroups().lay(laid, g * groupBytes, MemorySegment.ofArray(rows), g * groupBytes, groupBytes / ROWS));
        return laid;
    }

    private static void check(Format f, int groups, byte[] rows, float factor) {
        assumeTrue(Lanes.COUNT >= 8, "vectors of four lanes have no layouts");
        RowGroups g = f.codec.rowGroups();
        int outputs = groups * ROWS, rowBytes = rows.length / outputs, n = rowBytes / f.codec.blockBytes() * f.codec.blockSize();
        SplittableRandom random = new SplittableRandom(n);
        float[] x = new float[n + 3], prepared = new float[g.preparedSize(n)], y = new float[outputs + 5];
        for (int i = 0; i < x.length; i++) x[i] = factor * (float) random.nextGaussian();
        Arrays.fill(y, UNTOUCHED);
        g.prepare(prepared, x, 3, n);
        g.multiply(y, 2, laid(f, rows, groups), 0, groups, ROWS * rowBytes, prepared, n, new float[RowGroups.FACTORS]);
        float[] values = new float[n];
        for (int o = 0; o < outputs; o++) {
            f.codec.decode(MemorySegment.ofArray(rows), (long) o * rowBytes, values, 0, n);
            double sum = 0, magnitude = 0;
            for (int i = 0; i < n; i++) {
                double term = (double) values[i] * x[3 + i];
                sum += term;
                magnitude += Math.abs(term);
            }
            assertEquals(sum, y[2 + o], 4e-7 * Math.sqrt(n) * magnitude + Float.MIN_VALUE, f + " output " + o + " of " + outputs + ", " + n + " values");
        }
        for (int i : new int[] {0, 1, outputs + 2, outputs + 4}) assertEquals(UNTOUCHED, y[i], "written outside");
    }
}
