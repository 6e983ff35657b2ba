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
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;
import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Region;
import squall.tornado.Rig;
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
                .flatMap(f -> Stream.of(Arguments.of(f, 3), Arguments.of(f, 13)));
    }

    static Stream<Arguments> someKinds() {
        return Stream.of(Format.BF16, Format.Q4_1).flatMap(f -> Stream.of(Arguments.of(f, 3), Arguments.of(f, 13)));
    }

    private static Rig rig(int rows, int cols) {
        Rig rig = new Rig(rows, LAYER, new Traits(Shape.WARPS, 64, true, false, false));
        rig.plan(new int[][] {{1, 3, rows - 1}, {0, 0, 1}});
        rig.tiles(cols * 16);
        return rows <= 8 ? rig.few() : rig;
    }

    private static Bank laid(Bank file) {
        return Planes.fit(file.format(), file.cols()) ? Banks.planes(file) : Banks.wide(file);
    }

    /** By tiles also where {@link MatMul} prefers another kernel. */
    private static void play(Rig rig, int kind, Region y, Region x, Bank w) {
        rig.play(tape -> TileMatMul.record(tape, "product", y, x, w, kind == MatMul.SWIGLU ? w.rows() / 2 : w.rows(), kind), Banks.arrays(w));
    }

    /** Rows and columns are parts of what a group takes at a time, and more than that. */
    @ParameterizedTest @MethodSource("kinds") void products(Format format, int rows) {
        int cols = format.codec.blockSize() == 256 ? 768 : 608;
        Rig rig = rig(rows, cols);
        Bank file = Banks.of(format, 37, cols, 1);
        Region x = rig.region(cols), y = rig.region(37);
        play(rig, MatMul.ASSIGN, y, x, laid(file));
        for (int r = 0; r < rows; r++) rig.expect(y, r, product(rig, file, x, r), bounds(rig, file, x, r));
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("someKinds") void sums(Format format, int rows) {
        Rig rig = rig(rows, 96);
        Bank file = Banks.of(format, 19, 96, 1);
        Region x = rig.region(96), y = rig.region(19);
        play(rig, MatMul.ADD, y, x, laid(file));
        for (int r = 0; r < rows; r++) {
            double[] before = rig.rowBefore(y, r), p = product(rig, file, x, r);
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
            double[] p = product(rig, file, x, r), b = bounds(rig, file, x, r);
            // |silu'| is below 1.1
            double[] bounds = IntStream.range(0, 21).mapToDouble(i -> 1.1 * b[i] * (Math.abs(p[21 + i]) + b[21 + i]) + Math.abs(p[i]) * b[21 + i]
                    + 1e-6).toArray();
            rig.expect(h, r, IntStream.range(0, 21).mapToDouble(i -> p[i] * Definitions.sigmoid(p[i]) * p[21 + i]).toArray(), bounds);
        }
        rig.nothingElseChanged();
    }

    /** Matrices of so many rows that a group takes 64 of them. */
    @Test void tallMatrices() {
        Rig rig = rig(9, 32);
        Bank file = Banks.of(Format.Q8_0, 8200, 32, 1);
        Region x = rig.region(32), y = rig.region(8200);
        play(rig, MatMul.ASSIGN, y, x, laid(file));
        for (int r = 0; r < 9; r++) rig.expect(y, r, product(rig, file, x, r), bounds(rig, file, x, r));
        rig.nothingElseChanged();
    }

    @Test void servesFewRowsWhereOperandsMayBeRounded() {
        Bank w = Banks.wide(Banks.of(Format.BF16, 4, 64, 1));
        assertTrue(TileMatMul.serves(rig(3, 64).frame(), w));
        assertFalse(TileMatMul.serves(rig(3, 64).rows(1).frame(), w), "one row");
        assertFalse(TileMatMul.serves(rig(3, 64).rows(65).frame(), w), "too many rows");
        assertFalse(TileMatMul.serves(new Rig(3, LAYER, new Traits(Shape.WARPS, 64, true)).frame(), w), "precise");
        assertFalse(TileMatMul.serves(rig(3, 64).frame(), Banks.of(Format.F32, 4, 64, 1)), "F32");
    }

    private static double[] product(Rig rig, Bank w, Region x, int row) {
        double[] in = rig.row(x, row);
        return IntStream.range(0, w.rows()).mapToDouble(o -> Banks.dot(Banks.row(w, LAYER, 0, o), in)).toArray();
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
        List<KernelReport> reports = Lint.kernelsOf(TileMatMul.class);
        assertFalse(reports.isEmpty());
        for (KernelReport report : reports) assertEquals(List.of(), report.violations(), report.name());
    }
}
