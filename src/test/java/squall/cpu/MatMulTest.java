package squall.cpu;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.format.HugePages;
import squall.ops.Weight;
import squall.quant.Format;
import squall.quant.RowGroups;

/** Products of stored weights against double sums of the definition {@code at}. */
class MatMulTest {
    private static final int[] ROWS = {1, 2, 3, 4, 5, 7, 8, 16, 17, 64, 65, 130};

    private final Random random = new Random(7);

    @ParameterizedTest @EnumSource(Format.class) @Tag("width")
    void everyFormatMatchesTheDefinition(Format format) {
        int block = format.codec.blockSize();
        int[] cols = block == 1 ? new int[] {1, 7, 33, 600} : new int[] {block, 3 * block, 1536 / block * block};
        try (ThreadTeam team = new ThreadTeam(2)) {
            MatMul asStored = new MatMul(team, new WeightLayout(team, 0)), inGroups = new MatMul(team, new WeightLayout(team, Long.MAX_VALUE));
            for (int c : cols)
                for (int outputs : new int[] {1, 15, 67, 168}) {
                    Weight w = Weights.random(random, format, outputs, c, 1, false);
                    for (int rows : new int[] {1, 3, 8, 17}) {
                        check(asStored, rows, w);
                        check(inGroups, rows, w);
                    }
                }
        }
    }

    /** Those of a file: plain numbers are taken into memory at the first product, and never asked of the file again. */
    @ParameterizedTest @EnumSource(names = {"F32", "F16", "BF16", "Q8_0"})
    void matricesOfAFile(Format format, @TempDir Path folder) throws IOException {
        Path path = folder.resolve("weights");
        Weight heap = Weights.random(random, format, 700, 1024, 2, false);
        long each = heap.byteSize() / 2;
        try (Arena arena = Arena.ofShared(); FileChannel file = FileChannel.open(path, CREATE_NEW, READ, WRITE); ThreadTeam team = new ThreadTeam(2)) {
            MemorySegment mapped = file.map(FileChannel.MapMode.READ_WRITE, 0, 2 * each, arena);
            for (int e = 0; e < 2; e++) MemorySegment.copy(heap.experts().get(e), 0, mapped, e * each, each);
            Weight w = new Weight("of a file", format, 700, 1024, List.of(mapped.asSlice(each, each)), List.of());
            MatMul matMul = new MatMul(team);
            for (int rows : new int[] {1, 3, 17}) check(matMul, rows, w);
            double[] values = Weights.values(w, 0);
            mapped.fill((byte) 0);
            float[] x = Weights.floats(random, 17 * 1024), y = new float[17 * 700];
            for (int rows : new int[] {1, 17}) {
                matMul.multiply(new float[][] {y}, x, rows, new Weight[] {w});
                Weights.Sum sum = Weights.dot(values, 699, x, rows - 1, 1024);
                assertEquals(HugePages.areKnown() || RowGroups.of(format) != null ? sum.value() : 0, y[rows * 700 - 1], 4e-7 * 32 * sum.magnitude(), format + ", " + rows + " rows");
            }
            matMul.close();
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 3}) @Tag("width")
    void everyRowCount(int threads) {
        try (ThreadTeam team = new ThreadTeam(threads)) {
            MatMul matMul = new MatMul(team);
            Weight w = Weights.random(random, Format.F32, 131, 96, 1, false);
            for (int rows : ROWS) check(matMul, rows, w);
        }
    }

    @Test @Tag("width") void blockScalesWithRaggedEdges() {
        try (ThreadTeam team = new ThreadTeam(2)) {
            MatMul matMul = new MatMul(team);
            for (int cols : new int[] {1, 7, 128, 129, 700})
                for (int outputs : new int[] {1, 127, 129, 200}) {
                    Weight w = Weights.random(random, Format.F32, outputs, cols, 1, true);
                    for (int rows : new int[] {1, 2, 9}) check(matMul, rows, w);
                }
        }
    }

    @Test void severalMatricesOfOneInput() {
        try (ThreadTeam team = new ThreadTeam(2)) {
            MatMul matMul = new MatMul(team);
            Weight[] ws = {Weights.random(random, Format.F32, 200, 64, 1, false),
                    Weights.random(random, Format.F32, 3, 64, 1, false), Weights.random(random, Format.F32, 64, 64, 1, false)};
            for (int rows : ROWS) check(matMul, rows, ws);
        }
    }

    @ParameterizedTest @EnumSource(names = {"F32", "BF16", "F16", "Q8_0", "Q4_0"})
    void resultsDoNotDependOnTheNumberOfThreads(Format format) {
        Weight w = Weights.random(random, format, 601, 288, 1, false);
        for (int rows : new int[] {1, 3, 40}) {
            float[] x = Weights.floats(random, rows * 288);
            float[] one = new float[rows * 601];
            float[] four = new float[rows * 601];
            try (ThreadTeam team = new ThreadTeam(1)) {
                new MatMul(team).multiply(new float[][] {one}, x, rows, new Weight[] {w});
            }
            try (ThreadTeam team = new ThreadTeam(4)) {
                new MatMul(team).multiply(new float[][] {four}, x, rows, new Weight[] {w});
            }
            assertArrayEquals(one, four);
        }
    }

    /** Kernels that do not look for such numbers never get to see them. */
    @Test void oneNumberThatIsNotFiniteShows() {
        int outputs = 41, cols = 64;
        try (ThreadTeam team = new ThreadTeam(2)) {
            for (short half : new short[] {0x7C00, (short) 0xFC00, 0x7E01})
                for (int o = 0; o < outputs; o += 5) {
                    MatMul matMul = new MatMul(team);
                    Weight w = Weights.random(random, Format.F16, outputs, cols, 1, false);
                    w.data().set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * (o * cols + 37), half);
                    float[] y = new float[outputs];
                    float[] x = new float[cols];
                    Arrays.fill(x, 1);
                    matMul.multiply(new float[][] {y}, x, 1, new Weight[] {w});
                    for (int i = 0; i < outputs; i++) assertEquals(i != o, Float.isFinite(y[i]));
                    if (half != 0x7E01) assertEquals(half > 0 ? Float.POSITIVE_INFINITY : Float.NEGATIVE_INFINITY, y[o]);
                }
        }
    }

    @Test void allocatesNothingInSteadyState() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        Weight[] ws = {Weights.random(random, Format.F32, 100, 128, 1, false)};
        try (ThreadTeam team = new ThreadTeam(1)) {
            MatMul matMul = new MatMul(team);
            float[] x = Weights.floats(random, 16 * 128);
            float[][] ys = {new float[16 * 100]};
            for (int rows : new int[] {1, 16}) {
                long deadline = System.nanoTime() + 60_000_000_000L; // for the compiler, on a busy machine
                long bytes = Long.MAX_VALUE;
                while (bytes > 1000 && System.nanoTime() < deadline) {
                    long before = threads.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < 1000; i++) matMul.multiply(ys, x, rows, ws);
                    bytes = threads.getCurrentThreadAllocatedBytes() - before;
                }
                assertTrue(bytes <= 1000, bytes + " bytes in 1000 products of " + rows + " rows");
            }
        }
    }

    @Test void shapesThatDoNotFitAreRefused() {
        try (ThreadTeam team = new ThreadTeam(1)) {
            MatMul matMul = new MatMul(team);
            Weight[] ws = {Weights.random(random, Format.F32, 4, 8, 1, false)};
            float[][] ys = {new float[8]};
            assertThrows(IllegalArgumentException.class, () -> matMul.multiply(ys, new float[15], 2, ws));
            assertThrows(IllegalArgumentException.class, () -> matMul.multiply(ys, new float[24], 3, ws));
            assertThrows(IllegalArgumentException.class, () -> matMul.multiply(new float[0][], new float[24], 1, ws));
        }
    }

    /** Every result within the bound of {@code Codec.dot}, and nothing written after the last. */
    private void check(MatMul matMul, int rows, Weight... ws) {
        int cols = ws[0].cols();
        float[] x = Weights.floats(random, rows * cols + 3);
        float[][] ys = new float[ws.length][];
        for (int i = 0; i < ws.length; i++) {
            ys[i] = new float[rows * ws[i].rows() + 5];
            Arrays.fill(ys[i], 77);
        }
        matMul.multiply(ys, x, rows, ws);
        for (int i = 0; i < ws.length; i++) {
            Weight w = ws[i];
            double[] values = Weights.values(w, 0);
            for (int r = 0; r < rows; r++)
                for (int o = 0; o < w.rows(); o++) {
                    Weights.Sum sum = Weights.dot(values, o, x, r, cols);
                    assertEquals(sum.value(), ys[i][r * w.rows() + o], 4e-7 * Math.sqrt(cols) * sum.magnitude(),
                            w.name() + " [" + w.rows() + ", " + cols + "] row " + r + " of " + rows + ", output " + o);
                }
            for (int j = rows * w.rows(); j < ys[i].length; j++) assertEquals(77, ys[i][j], "written past the end");
        }
    }
}
