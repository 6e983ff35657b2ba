package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

/** Products of cuBLAS in banks of BF16, and the rows that are made for them, against their definitions. */
class BankProductTest {
    /** One operand is rounded to eight bits, the other is as it is in the file; sums in float32. */
    private static final double TOLERANCE = 0x1p-8;
    private static final int LAYER = 2;
    private static final Traits TRAITS = new Traits(Shape.WARPS, 64, true, false, true, true, new Traits(Shape.WARPS, 64, true).choices());

    /** recorded: most rows of the recording; up to 64 all are multiplied, of more those that are alive. */
    private static Rig rig(int rows, int recorded) {
        assumeTrue(TestDevice.hasLibrary(), "no cuBLAS here");
        Rig rig = new Rig(rows, LAYER, TRAITS).rows(recorded);
        rig.plan(new int[][] {{1, 3, rows - 1}, {0, 0, 1}});
        rig.library(160, 80);
        return rig;
    }

    /** What comes of rows that are not alive is where rows of y are. */
    @ParameterizedTest @CsvSource({"3, 8", "13, 16", "29, 40", "29, 512"}) void products(int rows, int recorded) {
        Rig rig = rig(rows, recorded);
        Bank file = Banks.of(Format.BF16, 37, 80, 1), w = Banks.wide(file);
        Region x = rig.region(80), y = rig.region(37);
        rig.play(tape -> {
            LibraryRows.record(tape, x);
            LibraryProduct.record(tape, y, w);
        }, Banks.arrays(w));
        for (int r = 0; r < rows; r++) Banks.expect(rig, y, r, new double[37], file, rig.row(x, r), TOLERANCE);
        if (recorded <= 64) for (int r = rows; r < recorded; r++) rig.scratch(y, r, 0, 37);
        rig.nothingElseChanged();
    }

    /** Rows that are not alive add nothing to what is there. */
    @ParameterizedTest @CsvSource({"3, 8", "29, 40", "29, 512"}) void sumsOfANorm(int rows, int recorded) {
        Rig rig = rig(rows, recorded);
        Bank file = Banks.of(Format.BF16, 37, 80, 1), w = Banks.wide(file);
        Small norm = rig.small(80);
        Region x = rig.region(80), y = rig.region(37);
        rig.play(tape -> {
            LibraryRows.recordNorm(tape, x, norm, 1e-6f);
            LibraryProduct.recordAdd(tape, y, w);
        }, w.array(), norm.array());
        for (int r = 0; r < rows; r++) {
            double[] v = rig.row(x, r);
            double scale = 1 / Math.sqrt(Banks.dot(v, v) / v.length + 1e-6);
            Banks.expect(rig, y, r, rig.rowBefore(y, r), file, IntStream.range(0, 80).mapToDouble(i -> rig.weight(norm, i) * v[i] * scale).toArray(), TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    /** Two products after one another: the first one's result is the second one's operand and never in the arena. */
    @ParameterizedTest @CsvSource({"3, 8", "29, 512"}) void swiGluThenDown(int rows, int recorded) {
        Rig rig = rig(rows, recorded);
        int hidden = 72;
        Bank gateUpFile = Banks.of(Format.BF16, 2 * hidden, 64, 1), downFile = Banks.of(Format.BF16, 7, hidden, 1);
        Bank gateUp = Banks.wide(gateUpFile), down = Banks.wide(downFile);
        Region x = rig.region(64), y = rig.region(7);
        for (int r = 0; r < rows; r++) for (int i = 0; i < 64; i++) rig.set(x, r, i, rig.get(x, r, i) / 8);
        rig.play(tape -> {
            LibraryRows.record(tape, x);
            LibraryProduct.recordSwiGlu(tape, gateUp);
            LibraryProduct.recordAdd(tape, y, down);
        }, gateUp.array(), down.array());
        for (int r = 0; r < rows; r++) {
            double[] p = Banks.product(rig, gateUpFile, rig.row(x, r));
            double[] h = IntStream.range(0, hidden).mapToDouble(i -> p[i] * Definitions.sigmoid(p[i]) * p[hidden + i]).toArray();
            Banks.expect(rig, y, r, rig.rowBefore(y, r), downFile, h, 8 * TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    /** More heads than a group has, and a part of one more. */
    @ParameterizedTest @CsvSource({"3, 8", "13, 512"}) void productsOfAGatedNorm(int rows, int recorded) {
        Rig rig = rig(rows, recorded);
        int dim = 8, heads = 10;
        Bank file = Banks.of(Format.BF16, 5, heads * dim, 1), w = Banks.wide(file);
        Small norm = rig.small(dim);
        Region o = rig.region(heads * dim), z = rig.region(heads * dim), y = rig.region(5);
        rig.play(tape -> {
            LibraryRows.recordGatedNorm(tape, o, z, norm, 1e-6f);
            LibraryProduct.recordAdd(tape, y, w);
        }, w.array(), norm.array());
        for (int r = 0; r < rows; r++) {
            double[] v = rig.row(o, r), gate = rig.row(z, r), x = new double[heads * dim];
            for (int h = 0; h < heads; h++) {
                double squares = 0;
                for (int i = 0; i < dim; i++) squares += v[h * dim + i] * v[h * dim + i];
                for (int i = 0; i < dim; i++) {
                    int at = h * dim + i;
                    x[at] = rig.weight(norm, i) * v[at] / Math.sqrt(squares / dim + 1e-6) * gate[at] * Definitions.sigmoid(gate[at]);
                }
            }
            Banks.expect(rig, y, r, rig.rowBefore(y, r), file, x, TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    @Test void servesSeveralRowsOfModelsInBf16() {
        assertTrue(LibraryProduct.serves(new Rig(1, 0, TRAITS).rows(2).frame(), 64));
        assertFalse(LibraryProduct.serves(new Rig(1, 0, TRAITS).rows(1).frame(), 64), "a single row");
        assertFalse(LibraryProduct.leavesSwiGlu(new Rig(1, 0, TRAITS).rows(16).frame(), 64), "tiles are for other models");
    }

    @Test @Tag("checker") void kernelsAreWhatDevicesCompile() {
        for (KernelReport report : Lint.kernelsOf(BrainRows.class)) assertEquals(List.of(), report.violations(), report.name());
    }
}
