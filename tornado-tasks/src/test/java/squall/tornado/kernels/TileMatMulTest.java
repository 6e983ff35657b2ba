package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;
import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Region;
import squall.tornado.Rig;
import squall.tornado.Small;
import squall.tornado.TestDevice;
import squall.tornado.Traits;
import squall.tornado.Traits.Shape;

/** Products of several rows on tensor cores against their definitions. */
class TileMatMulTest {
    /** Both operands are rounded to eleven bits, scales of planes as well; of the sum's roundings little is left beside. */
    private static final double TOLERANCE = 0x1p-10 + 0x1p-11;
    /** Of numbers that halves cannot tell from nothing. */
    private static final double SMALLEST = 0x1p-24;
    private static final int LAYER = 2;

    @BeforeEach void warps() {
        assumeTrue(TestDevice.hasWarps(), "tensor cores are CUDA's");
    }

    /** Every way in which matrices are laid out, with few rows and with many. */
    static Stream<Arguments> kinds() {
        return Stream.of(Format.F16, Format.BF16, Format.Q8_0, Format.Q4_0, Format.Q5_1, Format.Q4_K, Format.Q6_K)
                .flatMap(f -> Stream.of(Arguments.of(f, 3), Arguments.of(f, 13), Arguments.of(f, 29)));
    }

    static Stream<Arguments> someKinds() {
        return Stream.of(Format.F32, Format.BF16, Format.Q4_1).flatMap(f -> Stream.of(Arguments.of(f, 3), Arguments.of(f, 13), Arguments.of(f, 29)));
    }

    private static Rig rig(int rows, int cols) {
        Rig rig = new Rig(rows, LAYER, new Traits(Shape.WARPS, 64, true, false, false));
        rig.plan(new int[][] {{1, 3, rows - 1}, {0, 0, 1}});
        rig.library(64, cols);
        return rows <= 8 ? rig.few() : rows <= 16 ? rig.rows(16) : rig;
    }

    private static Bank laid(Bank file) {
        return Planes.fit(file.format(), file.cols()) ? Banks.planes(file) : Banks.wide(file);
    }

    private static void play(Rig rig, int kind, Region y, Region x, Bank w) {
        rig.play(tape -> {
            LibraryRows.record(tape, x);
            TileMatMul.record(tape, "product", y, w, kind == MatMul.SWIGLU ? w.rows() / 2 : w.rows(), kind);
        }, Banks.arrays(w));
    }

    /** Rows and columns are parts of what a group takes at a time, and more than that. */
    @ParameterizedTest @MethodSource("kinds") void products(Format format, int rows) {
        int cols = format.codec.blockSize() == 256 ? 768 : 608;
        Rig rig = rig(rows, cols);
        Bank file = Banks.of(format, 37, cols, 1);
        Region x = rig.region(cols), y = rig.region(37);
        play(rig, MatMul.ASSIGN, y, x, laid(file));
        for (int r = 0; r < rows; r++) rig.expect(y, r, Banks.product(rig, file, x, r), bounds(rig, file, x, r));
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("someKinds") void sums(Format format, int rows) {
        Rig rig = rig(rows, 96);
        Bank file = Banks.of(format, 19, 96, 1);
        Region x = rig.region(96), y = rig.region(19);
        play(rig, MatMul.ADD, y, x, laid(file));
        for (int r = 0; r < rows; r++) {
            double[] before = rig.rowBefore(y, r), p = Banks.product(rig, file, x, r);
            rig.expect(y, r, IntStream.range(0, 19).mapToDouble(i -> before[i] + p[i]).toArray(), bounds(rig, file, x, r));
        }
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("someKinds") void swiGlu(Format format, int rows) {
        Rig rig = rig(rows, 96);
        Bank file = Banks.of(format, 42, 96, 1);
        Region x = rig.region(96), h = rig.region(21);
        for (int r = 0; r < rows; r++) for (int i = 0; i < 96; i++) rig.set(x, r, i, rig.get(x, r, i) / 50);
        play(rig, MatMul.SWIGLU, h, x, laid(file));
        for (int r = 0; r < rows; r++) {
            double[] p = Banks.product(rig, file, x, r), b = bounds(rig, file, x, r);
            // |silu'| is below 1.1
            double[] bounds = IntStream.range(0, 21).mapToDouble(i -> 1.1 * b[i] * (Math.abs(p[21 + i]) + b[21 + i]) + Math.abs(p[i]) * b[21 + i]
                    + 1e-6).toArray();
            rig.expect(h, r, IntStream.range(0, 21).mapToDouble(i -> p[i] * Definitions.sigmoid(p[i]) * p[21 + i]).toArray(), bounds);
        }
        rig.nothingElseChanged();
    }

    /** Rows that halves cannot hold, for their size or their smallness, and one of nothing. */
    @Test void anySizeOfNumbers() {
        Rig rig = rig(5, 64);
        Bank file = Banks.of(Format.BF16, 5, 64, 1);
        Region x = rig.region(64), y = rig.region(5);
        float[] sizes = {1e9f, 1e-9f, 3e4f, 0f, 1e-30f};
        for (int r = 0; r < sizes.length; r++) for (int i = 0; i < 64; i++) rig.set(x, r, i, rig.get(x, r, i) * sizes[r]);
        play(rig, MatMul.ASSIGN, y, x, laid(file));
        for (int r = 0; r < 5; r++) rig.expect(y, r, Banks.product(rig, file, x, r), bounds(rig, file, x, r));
    }

    @ParameterizedTest @ValueSource(ints = {3, 13, 29}) void norms(int rows) {
        Rig rig = rig(rows, 96);
        Bank file = Banks.of(Format.BF16, 19, 96, 1), w = laid(file);
        Small norm = rig.small(96);
        Region x = rig.region(96), y = rig.region(19), n = rig.region(96);
        rig.play(tape -> {
            LibraryRows.recordNorm(tape, x, norm, 1e-6f);
            LibraryProduct.record(tape, y, w);
        }, w.array(), norm.array());
        for (int r = 0; r < rows; r++) {
            double[] v = rig.row(x, r);
            double scale = 1 / Math.sqrt(Banks.dot(v, v) / v.length + 1e-6);
            for (int i = 0; i < v.length; i++) rig.set(n, r, i, (float) (rig.weight(norm, i) * v[i] * scale));
            rig.scratch(n, r, 0, 96);
            rig.expect(y, r, Banks.product(rig, file, n, r), bounds(rig, file, n, r));
        }
        rig.nothingElseChanged();
    }

    @ParameterizedTest @ValueSource(ints = {3, 13, 29}) void gatedNorms(int rows) {
        Rig rig = rig(rows, 96);
        Bank file = Banks.of(Format.BF16, 19, 96, 1), w = laid(file);
        Small norm = rig.small(24);
        Region o = rig.region(96), z = rig.region(96), y = rig.region(19), n = rig.region(96);
        rig.play(tape -> {
            LibraryRows.recordGatedNorm(tape, o, z, norm, 1e-6f);
            LibraryProduct.record(tape, y, w);
        }, w.array(), norm.array());
        for (int r = 0; r < rows; r++) {
            for (int head = 0; head < 4; head++) {
                double squares = 0;
                for (int i = 24 * head; i < 24 * head + 24; i++) squares += (double) rig.get(o, r, i) * rig.get(o, r, i);
                for (int i = 24 * head; i < 24 * head + 24; i++) {
                    double gate = rig.get(z, r, i), v = rig.get(o, r, i) / Math.sqrt(squares / 24 + 1e-6);
                    rig.set(n, r, i, (float) (v * rig.weight(norm, i % 24) * gate * Definitions.sigmoid(gate)));
                }
            }
            rig.scratch(n, r, 0, 96);
            rig.expect(y, r, Banks.product(rig, file, n, r), bounds(rig, file, n, r));
        }
        rig.nothingElseChanged();
    }

    @Test void servesFewRowsWhereOperandsMayBeRounded() {
        assertTrue(TileRows.serves(rig(3, 64).frame(), 64));
        assertFalse(TileRows.serves(rig(3, 64).rows(1).frame(), 64), "one row");
        assertFalse(TileRows.serves(rig(3, 64).rows(65).frame(), 64), "too many rows");
        assertFalse(TileRows.serves(rig(3, 64).frame(), 72), "half a step");
        assertFalse(TileRows.serves(new Rig(3, LAYER, new Traits(Shape.WARPS, 64, true)).frame(), 64), "precise");
    }

    /** {@code 2^-10 sum |w| |x|}, and what scales of the K formats add: see {@link Planes}. */
    private static double[] bounds(Rig rig, Bank w, Region x, int row) {
        double[] in = rig.row(x, row), bounds = new double[w.rows()];
        for (int o = 0; o < bounds.length; o++) {
            double[] weights = Banks.row(w, LAYER, 0, o);
            double largest = 0;
            for (int i = 0; i < in.length; i++) {
                if (i % 32 == 0) largest = IntStream.range(i, i + 32).mapToDouble(j -> Math.abs(weights[j])).max().orElseThrow();
                double scales = w.format().name().endsWith("_K") ? 0x1p-11 * 4 * largest : 0;
                bounds[o] += Math.abs(in[i]) * (TOLERANCE * Math.abs(weights[i]) + scales + SMALLEST) + SMALLEST * Math.abs(weights[i]);
            }
        }
        return bounds;
    }

    @Tag("checker") @Test void keepToTheDialect() {
        for (Class<?> kernels : List.of(TileRows.class, TileMatMul.class, TilePlanes.class)) {
            List<KernelReport> reports = Lint.kernelsOf(kernels);
            assertFalse(reports.isEmpty());
            for (KernelReport report : reports) assertEquals(List.of(), report.violations(), report.name());
        }
    }
}
