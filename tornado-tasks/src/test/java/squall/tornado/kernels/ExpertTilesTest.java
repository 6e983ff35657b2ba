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
import org.junit.jupiter.params.provider.CsvSource;
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;
import squall.ops.Weight;
import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Chosen;
import squall.tornado.Region;
import squall.tornado.Rig;
import squall.tornado.TestDevice;
import squall.tornado.Traits;
import squall.tornado.Traits.Shape;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Experts of many rows against their definition in double precision. */
class ExpertTilesTest {
    /** Three operands rounded to eleven bits and scales of planes, beside the product of lengths; silu and the gate multiply what is left. */
    private static final double TOLERANCE = 8 * 0x1p-10;
    private static final int LAYER = 2;
    private static final int EXPERTS = 5;
    private static final int USED = 4;
    /** Rows of a recording for prompts. */
    private static final int PROMPT = 128;
    private static final Traits TRAITS = new Traits(Shape.WARPS, 64, true, false, true);

    /**
     * Expert 3 has two choices of every row, which make more than a tile from 33 rows on, expert 1 none, the others some. Sizes are no
     * multiples of what a group takes.
     */
    @ParameterizedTest @CsvSource({"Q8_0, 160, 96, 37", "Q4_0, 160, 96, 40", "Q5_1, 96, 160, 34", "Q4_K, 256, 256, 37", "Q5_K, 256, 256, 33", "Q6_K, 256, 256, 9"})
    void sums(Format format, int dim, int hidden, int rows) {
        assumeTrue(TestDevice.hasLibrary(), "no rows of halves without a library");
        Rig rig = new Rig(11, LAYER, TRAITS).rows(PROMPT);
        rig.plan(new int[][] {{1, 3, rows - 1}, {0, 0, 1}});
        Bank gateUpFile = Banks.of(format, 2 * hidden, dim, EXPERTS), downFile = Banks.of(format, dim, hidden, EXPERTS);
        Bank gateUp = Banks.planes(gateUpFile), down = Banks.planes(downFile);
        Region x = rig.region(dim), y = rig.region(dim), parts = rig.region(USED * dim), weights = rig.region(USED);
        for (int r = 0; r < rows; r++) for (int i = 0; i < dim; i++) rig.set(x, r, i, rig.get(x, r, i) / 50);
        IntArray ids = new IntArray(PROMPT * USED);
        ids.init(-1);
        for (int r = 0; r < rows; r++) {
            int[] experts = {3, r % 7 == 0 ? 0 : 2, 3, 4};
            for (int j = 0; j < USED; j++) ids.set(r * USED + j, experts[j]);
        }
        Chosen chosen = new Chosen(ids, weights, USED);
        rig.experts(EXPERTS, USED, hidden, dim);
        rig.play(tape -> {
            LibraryRows.record(tape, x);
            ExpertOrder.record(tape, chosen, EXPERTS, hidden);
            ExpertTiles.recordAdd(tape, y, parts, chosen, gateUp, down);
        }, Stream.concat(Stream.of(ids), Stream.of(Banks.arrays(gateUp, down))).toArray(TornadoNativeArray[]::new));
        for (int r = 0; r < rows; r++) {
            double[] expected = rig.rowBefore(y, r), bounds = new double[dim], in = rig.row(x, r);
            for (int j = 0; j < USED; j++) {
                int e = ids.get(r * USED + j);
                double[] h = hidden(gateUpFile, e, in);
                double weight = rig.get(weights, r, j), length = Math.sqrt(Banks.dot(h, h));
                for (int o = 0; o < dim; o++) {
                    double[] row = Banks.row(downFile, LAYER, e, o);
                    expected[o] += weight * Banks.dot(row, h);
                    bounds[o] += Math.abs(weight) * TOLERANCE * length * Math.sqrt(Banks.dot(row, row)) + 1e-6 * Math.abs(expected[o]);
                }
            }
            rig.expect(y, r, expected, bounds);
            rig.scratch(parts, r, 0, USED * dim);
        }
        rig.nothingElseChanged();
    }

    private static double[] hidden(Bank gateUp, int expert, double[] x) {
        int hidden = gateUp.rows() / 2;
        return IntStream.range(0, hidden).mapToDouble(i -> {
            double gate = Banks.dot(Banks.row(gateUp, LAYER, expert, i), x), up = Banks.dot(Banks.row(gateUp, LAYER, expert, hidden + i), x);
            return gate * Definitions.sigmoid(gate) * up;
        }).toArray();
    }

    @Test void servesManyRowsOfPlanes() {
        Weight planes = new Weight("w", Format.Q4_K, 256, 256, List.of(), List.of()), floats = new Weight("w", Format.F32, 256, 256, List.of(), List.of());
        Rig rig = new Rig(1, 0, TRAITS);
        assertTrue(ExpertTiles.serves(rig.rows(65).frame(), planes, planes));
        assertFalse(ExpertTiles.serves(rig.rows(64).frame(), planes, planes), "few rows");
        assertFalse(ExpertTiles.serves(rig.rows(65).frame(), planes, floats), "no planes");
    }

    @Test @Tag("checker") void kernelsAreWhatDevicesCompile() {
        for (Class<?> kernels : List.of(ExpertOrder.class, ExpertTiles.class))
            for (KernelReport report : Lint.kernelsOf(kernels)) assertEquals(List.of(), report.violations(), report.name());
    }
}
