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
import org.junit.jupiter.params.provider.CsvSource;
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;
import squall.ops.Routing;
import squall.ops.Weight;
import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Chosen;
import squall.tornado.Region;
import squall.tornado.Rig;
import squall.tornado.Small;
import squall.tornado.TestDevice;
import squall.tornado.Traits;
import squall.tornado.Traits.Shape;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** A mixture of experts for few rows against its definition, with x rounded to bytes as the kernels round it. */
class ExpertStepTest {
    private static final int LAYER = 2;
    private static final float EPS = 1e-6f;
    private static final Traits TRAITS = new Traits(Shape.WARPS, 64, true, false, false);

    @BeforeEach void warps() {
        assumeTrue(TestDevice.hasWarps(), "the backend has no warps");
    }

    /** Experts that fill no warp, with and without a shared one. Outputs are no multiple of a group's. */
    @ParameterizedTest @CsvSource({"Q8_0, 160, 96, 37, 3, 1, NORMALISED, 2", "Q4_0, 96, 32, 5, 2, 0, RAW, 1", "Q4_K, 256, 256, 33, 8, 1, NORMALISED, 3",
        "Q5_K, 256, 256, 8, 4, 1, RAW, 1", "Q6_K, 512, 256, 12, 2, 0, NORMALISED, 1", "Q5_1, 96, 160, 64, 3, 1, NORMALISED, 8"})
    void sums(Format format, int dim, int hidden, int experts, int used, int shared, Routing.Weights kind, int rows) {
        Rig rig = new Rig(13, LAYER, TRAITS).few();
        rig.plan(rows == 1 ? new int[][] {{0, 4, 1}} : new int[][] {{1, 3, rows - 1}, {0, 0, 1}});
        int all = used + shared;
        Bank router = Banks.of(Format.F32, experts + shared, dim, 1);
        Bank gateUpFile = Banks.of(format, 2 * hidden, dim, experts + shared), downFile = Banks.of(format, dim, hidden, experts + shared);
        Bank gateUp = Banks.planes(gateUpFile), down = Banks.planes(downFile);
        Small norm = rig.small(dim);
        Region x = rig.region(dim), logits = rig.region(experts + shared), weights = rig.region(all), steps = rig.region(ExpertStep.steps(dim, all, hidden));
        for (int i = 0; i < norm.array().getSize(); i++) norm.array().set(i, norm.array().get(i) / 30);
        IntArray ids = new IntArray(8 * all);
        ids.init(-1);
        rig.tiles(16 * ExpertStep.steps(dim, all, hidden));
        rig.changing(ids).play(tape -> ExpertStep.recordAdd(tape, new Normed(x, norm, EPS), new Chosen(ids, weights, all), logits, router, shared == 1, kind,
                gateUp, down, steps), Stream.concat(Stream.of(norm.array()), Stream.of(Banks.arrays(router, gateUp, down))).toArray(TornadoNativeArray[]::new));
        for (int r = 0; r < rows; r++) {
            double[] before = rig.rowBefore(x, r), expected = before.clone(), bounds = new double[dim];
            double scale = 1 / Math.sqrt(Banks.dot(before, before) / dim + EPS);
            double[] weighed = IntStream.range(0, dim).mapToDouble(i -> (float) before[i] * (float) rig.weight(norm, i)).toArray();
            double[] in = IntStream.range(0, dim).mapToDouble(i -> weighed[i] * scale).toArray();
            double[] values = IntStream.range(0, experts + shared).mapToDouble(e -> Banks.dot(Banks.row(router, LAYER, 0, e), in)).toArray();
            rig.expect(logits, r, values, 1e-5);
            double[] chosen = weights(values, experts, used, kind);
            double[] coarse = rounded(weighed, scale);
            for (int j = 0; j < all; j++) {
                int e = j < used ? largest(values, experts, j) : experts;
                double weight = j < used ? chosen[j] : Definitions.sigmoid(values[experts]);
                assertEquals(e, ids.get(r * all + j), "row " + r + ", place " + j);
                assertEquals(weight, rig.get(weights, r, j), 1e-4 * weight, "row " + r + ", weight " + j);
                double[] h = IntStream.range(0, hidden).mapToDouble(i -> {
                    double gate = Banks.dot(row(gateUp, e, i), coarse), up = Banks.dot(row(gateUp, e, hidden + i), coarse);
                    return gate * Definitions.sigmoid(gate) * up;
                }).toArray();
                for (int o = 0; o < dim; o++) {
                    double[] row = row(down, e, o);
                    expected[o] += weight * Banks.dot(row, h);
                    for (int s = 0; s < hidden; s += 16) {
                        double most = 0, sum = 0;
                        for (int i = s; i < s + 16; i++) {
                            most = Math.max(most, Math.abs(h[i]));
                            sum += Math.abs(row[i]);
                        }
                        // half a step of each, and what single precision leaves
                        bounds[o] += weight * most * sum * (0.51 / 127 + 1e-4);
                    }
                }
            }
            for (int o = 0; o < dim; o++) bounds[o] += 1e-5 * Math.abs(expected[o]);
            rig.expect(x, r, expected, bounds);
            rig.scratch(weights, r, 0, all);
            rig.scratch(steps, r, 0, steps.width());
        }
        for (int i = rows * all; i < ids.getSize(); i++) assertEquals(-1, ids.get(i));
        rig.nothingElseChanged();
    }

    private static double[] weights(double[] values, int experts, int used, Routing.Weights kind) {
        double[] p = IntStream.range(0, used).mapToDouble(j -> Math.exp(values[largest(values, experts, j)])).toArray();
        double sum = kind == Routing.Weights.NORMALISED ? IntStream.range(0, used).mapToDouble(j -> p[j]).sum()
                : IntStream.range(0, experts).mapToDouble(e -> Math.exp(values[e])).sum();
        return IntStream.range(0, used).mapToDouble(j -> p[j] / sum).toArray();
    }

    /** Which of the first {@code experts} values has so many above it. */
    private static int largest(double[] values, int experts, int above) {
        return IntStream.range(0, experts).filter(e -> IntStream.range(0, experts).filter(i -> values[i] > values[e]).count() == above).findFirst().orElseThrow();
    }

    private static double[] row(Bank w, int expert, int row) {
        int number = (LAYER * w.experts() + expert) * w.rows() + row, layout = Planes.layout(w.format());
        return IntStream.range(0, w.cols()).mapToDouble(i -> w.planes().gain() * (double) Planes.at(layout, (LongArray) w.array(),
                w.planes().scales(), number * Planes.rowLongs(layout, w.cols()), number * Planes.rowScales(layout, w.cols()), w.cols(), i)).toArray();
    }

    private static double[] rounded(double[] x, double scale) {
        double[] rounded = new double[x.length];
        for (int s = 0; s < x.length; s += 16) {
            float peak = (float) IntStream.range(s, s + 16).mapToDouble(i -> Math.abs(x[i])).max().orElseThrow(), factor = 127f / Math.max(peak, 1e-30f);
            for (int i = s; i < s + 16; i++) rounded[i] = (byte) PlaneMatMul.round((float) x[i], factor) * (peak * scale / 127);
        }
        return rounded;
    }

    /** Logits that are not numbers still give different experts. */
    @Test void notANumber() {
        Rig rig = new Rig(3, LAYER, TRAITS).few();
        rig.plan(new int[] {0, 4, 1});
        Bank router = Banks.of(Format.F32, 40, 32, 1), gateUp = Banks.planes(Banks.of(Format.Q8_0, 64, 32, 40)), down = Banks.planes(Banks.of(Format.Q8_0, 32, 32, 40));
        Small norm = rig.small(32);
        Region x = rig.region(32), logits = rig.region(40), weights = rig.region(6), steps = rig.region(ExpertStep.steps(32, 6, 32));
        rig.set(x, 0, 3, Float.NaN);
        IntArray ids = new IntArray(8 * 6);
        ids.init(-1);
        rig.tiles(16 * ExpertStep.steps(32, 6, 32));
        rig.changing(ids).play(tape -> ExpertStep.recordAdd(tape, new Normed(x, norm, EPS), new Chosen(ids, weights, 6), logits, router, false,
                Routing.Weights.NORMALISED, gateUp, down, steps), Stream.concat(Stream.of(norm.array()), Stream.of(Banks.arrays(router, gateUp, down)))
                .toArray(TornadoNativeArray[]::new));
        assertEquals(6, IntStream.range(0, 6).map(ids::get).filter(e -> e >= 0 && e < 40).distinct().count());
    }

    @Test void servesFewRowsOfPlanes() {
        Weight floats = new Weight("w", Format.F32, 256, 256, List.of(), List.of()), planes = new Weight("w", Format.Q4_K, 256, 256, List.of(), List.of());
        assertTrue(ExpertStep.serves(new Rig(1, 0, TRAITS).few().frame(), floats, planes, planes, 9));
        assertFalse(ExpertStep.serves(new Rig(1, 0, TRAITS).rows(65).frame(), floats, planes, planes, 9), "many rows");
        assertFalse(ExpertStep.serves(new Rig(1, 0, TRAITS).few().frame(), planes, planes, planes, 9), "a router in planes");
        assertFalse(ExpertStep.serves(new Rig(1, 0, TRAITS).few().frame(), floats, planes, floats, 9), "experts in floats");
    }

    @Test @Tag("checker") void kernelsAreWhatDevicesCompile() {
        for (KernelReport report : Lint.kernelsOf(ExpertStep.class)) assertEquals(List.of(), report.violations(), report.name());
    }
}
