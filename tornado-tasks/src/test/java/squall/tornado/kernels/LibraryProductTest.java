package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
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

/** Products by cuBLAS, and what is fused around them, against their definitions in double precision. */
class LibraryProductTest {
    /** Two operands rounded to eleven bits, beside the product of their lengths: no sum is further off. */
    private static final double TOLERANCE = 0x1p-10;
    private static final int LAYER = 2;
    private static final int ROWS = 11;
    private static final Traits TRAITS = new Traits(Shape.WARPS, 64, true, false, true);

    static Stream<Format> formats() {
        return Banks.formats();
    }

    private static Rig rig() {
        assumeTrue(TestDevice.hasLibrary(), "no cuBLAS here");
        Rig rig = new Rig(5, LAYER, TRAITS);
        rig.plan(new int[][] {{1, 3, ROWS - 1}, {0, 0, 1}});
        return rig;
    }

    private static int cols(Format format) {
        int block = format.codec.blockSize();
        return block > 1 ? 96 / block * block + block : 142;
    }

    @ParameterizedTest @MethodSource("formats") void products(Format format) {
        Rig rig = rig();
        Bank w = Banks.of(format, 6, cols(format), 1);
        Region x = rig.region(w.cols()), y = rig.region(w.rows());
        rig.library(w.rows(), w.cols());
        rig.play(tape -> {
            LibraryRows.record(tape, x);
            LibraryProduct.record(tape, y, w);
        }, Banks.arrays(w));
        for (int r = 0; r < ROWS; r++) Banks.expect(rig, y, r, new double[w.rows()], w, rig.row(x, r), TOLERANCE);
        rig.nothingElseChanged();
    }

    /** The same with matrices as they are laid out for warps, where scales of the K formats are rounded to halves too. */
    @ParameterizedTest @MethodSource("formats") void productsOfWarps(Format format) {
        Rig rig = rig();
        int cols = format.codec.blockSize() == 1 ? 144 : cols(format);
        Bank file = Banks.of(format, 6, cols, 1), w = Planes.fit(format, cols) ? Banks.planes(file) : Banks.wide(file);
        Region x = rig.region(cols), y = rig.region(6);
        rig.library(6, cols);
        rig.play(tape -> {
            LibraryRows.record(tape, x);
            LibraryProduct.record(tape, y, w);
        }, Banks.arrays(w));
        for (int r = 0; r < ROWS; r++) Banks.expect(rig, y, r, new double[6], file, rig.row(x, r), 2 * TOLERANCE);
        rig.nothingElseChanged();
    }

    /** Rows that halves cannot hold, for their size or their smallness, and one of nothing. */
    @Test void anySizeOfNumbers() {
        Rig rig = rig();
        Bank w = Banks.of(Format.BF16, 5, 70, 1);
        Region x = rig.region(70), y = rig.region(5);
        float[] sizes = {1e9f, 1e-9f, 3e4f, 0f, 1e-30f};
        for (int r = 0; r < sizes.length; r++) for (int i = 0; i < 70; i++) rig.set(x, r, i, rig.get(x, r, i) * sizes[r]);
        rig.library(5, 70);
        rig.play(tape -> {
            LibraryRows.record(tape, x);
            LibraryProduct.record(tape, y, w);
        }, Banks.arrays(w));
        for (int r = 0; r < ROWS; r++) Banks.expect(rig, y, r, new double[w.rows()], w, rig.row(x, r), TOLERANCE);
    }

    @Test void sumsOfANorm() {
        Rig rig = rig();
        Bank w = Banks.of(Format.BF16, 1030, 66, 1);
        Small norm = rig.small(66);
        Region x = rig.region(66), y = rig.region(1030);
        rig.library(1030, 66);
        rig.play(tape -> {
            LibraryRows.recordNorm(tape, x, norm, 1e-6f);
            LibraryProduct.recordAdd(tape, y, w);
        }, w.array(), norm.array());
        for (int r = 0; r < ROWS; r++) Banks.expect(rig, y, r, rig.rowBefore(y, r), w, normalised(rig, x, norm, r), TOLERANCE);
        rig.nothingElseChanged();
    }

    private static double[] normalised(Rig rig, Region x, Small w, int row) {
        double[] v = rig.row(x, row);
        double scale = 1 / Math.sqrt(Banks.dot(v, v) / v.length + 1e-6);
        return IntStream.range(0, v.length).mapToDouble(i -> rig.weight(w, i) * v[i] * scale).toArray();
    }

    /** Two products after one another: the first one's result is the second one's operand and never in the arena. */
    @Test void swiGluThenDown() {
        Rig rig = rig();
        int hidden = 34;
        Bank gateUp = Banks.of(Format.F16, 2 * hidden, 62, 1), down = Banks.of(Format.BF16, 7, hidden, 1);
        Region x = rig.region(62), y = rig.region(7);
        for (int r = 0; r < ROWS; r++) for (int i = 0; i < 62; i++) rig.set(x, r, i, rig.get(x, r, i) / 8);
        rig.library(2 * hidden, 62);
        rig.play(tape -> {
            LibraryRows.record(tape, x);
            LibraryProduct.recordSwiGlu(tape, gateUp);
            LibraryProduct.record(tape, y, down);
        }, gateUp.array(), down.array());
        for (int r = 0; r < ROWS; r++) {
            double[] p = Banks.product(rig, gateUp, rig.row(x, r));
            double[] h = IntStream.range(0, hidden).mapToDouble(i -> p[i] * Definitions.sigmoid(p[i]) * p[hidden + i]).toArray();
            Banks.expect(rig, y, r, new double[7], down, h, 8 * TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    @Test void servesManyRowsOnly() {
        Rig rig = new Rig(1, 0, TRAITS);
        assertFalse(LibraryProduct.serves(new Rig(1, 0, TRAITS).rows(1).frame(), 64), "a single row");
        assertTrue(LibraryProduct.serves(rig.rows(512).frame(), 64));
        assertFalse(LibraryProduct.serves(rig.frame(), 63), "half a pair");
        assertFalse(LibraryProduct.serves(new Rig(1, 0, new Traits(Shape.WARPS, 64, true, true, true)).rows(512).frame(), 64), "precise");
        assertFalse(LibraryProduct.serves(new Rig(1, 0, new Traits(Shape.WARPS, 64, true, false, false)).rows(512).frame(), 64), "no library");
    }

    @Test @Tag("checker") void kernelsAreWhatDevicesCompile() {
        for (Class<?> kernels : List.of(LibraryProduct.class, LibraryRows.class, LibraryWeights.class))
            for (KernelReport report : Lint.kernelsOf(kernels)) assertEquals(List.of(), report.violations(), report.name());
    }
}
