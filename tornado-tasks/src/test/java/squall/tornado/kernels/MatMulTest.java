package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;
import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Chosen;
import squall.tornado.Region;
import squall.tornado.Rig;
import squall.tornado.Tape;
import squall.tornado.Traits;
import squall.tornado.Traits.Shape;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Products with stored weights of every format, and the embedding, against their definitions. */
class MatMulTest {
    /** Of a sum of some hundred products in single precision. */
    private static final double TOLERANCE = 2e-6;
    private static final int LAYER = 2;

    static Stream<Arguments> kinds() {
        return both(Banks.formats().toList());
    }

    /** One format of each way to store numbers: what is done with them does not depend on the format. */
    static Stream<Arguments> someKinds() {
        return both(List.of(Format.F32, Format.F16, Format.F8_E4M3, Format.Q5_K));
    }

    private static Stream<Arguments> both(List<Format> formats) {
        return Stream.of(Shape.GROUPS, Shape.ROWS).flatMap(shape -> formats.stream().map(format -> Arguments.of(shape, format)));
    }

    private static Rig rig(Shape shape, int rows) {
        Rig rig = new Rig(rows, LAYER, new Traits(shape, 64, false));
        rig.plan(rows == 1 ? new int[][] {{1, 3, 1}} : new int[][] {{1, 3, rows - 1}, {0, 0, 1}});
        return rig;
    }

    /** Not whole vectors and more than one turn of a group, where blocks allow it. */
    private static int cols(Format format, Shape shape) {
        int block = format.codec.blockSize();
        return block > 1 ? 96 / block * block + block : shape == Shape.ROWS ? 136 : 141;
    }

    private interface Recording {
        void on(Tape tape, Region y, Region x, Bank w);
    }

    private static void play(Rig rig, Recording recording, Region y, Region x, Bank w) {
        rig.play(tape -> recording.on(tape, y, x, w), Banks.arrays(w));
    }

    @ParameterizedTest @MethodSource("kinds") void products(Shape shape, Format format) {
        for (int rows : new int[] {1, 6}) {
            Rig rig = rig(shape, rows);
            Bank w = Banks.of(format, 6, cols(format, shape), 1);
            Region x = rig.aligned(w.cols()), y = rig.region(w.rows());
            play(rig, MatMul::record, y, x, w);
            for (int r = 0; r < rows; r++) rig.expect(y, r, Banks.product(rig, w, x, r), TOLERANCE);
            rig.nothingElseChanged();
        }
    }

    @ParameterizedTest @MethodSource("someKinds") void sums(Shape shape, Format format) {
        Rig rig = rig(shape, 5);
        Bank w = Banks.of(format, 3, cols(format, shape), 1);
        Region x = rig.aligned(w.cols()), y = rig.region(w.rows());
        play(rig, MatMul::recordAdd, y, x, w);
        for (int r = 0; r < 5; r++) {
            double[] before = rig.rowBefore(y, r), product = Banks.product(rig, w, x, r);
            rig.expect(y, r, IntStream.range(0, 3).mapToDouble(i -> before[i] + product[i]).toArray(), TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("someKinds") void swiGlu(Shape shape, Format format) {
        Rig rig = rig(shape, 6);
        int hidden = 5;
        Bank w = Banks.of(format, 2 * hidden, cols(format, shape), 1);
        Region x = rig.aligned(w.cols()), h = rig.region(hidden);
        for (int r = 0; r < 6; r++) for (int i = 0; i < w.cols(); i++) rig.set(x, r, i, rig.get(x, r, i) / 50);
        play(rig, MatMul::recordSwiGlu, h, x, w);
        for (int r = 0; r < 6; r++) {
            double[] p = Banks.product(rig, w, x, r);
            rig.expect(h, r, IntStream.range(0, hidden).mapToDouble(i -> p[i] * Definitions.sigmoid(p[i]) * p[hidden + i]).toArray(), 2 * TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    /** Blocks of the grid are crossed in both directions, and matrices end inside of one. */
    @ParameterizedTest @ValueSource(strings = {"GROUPS", "ROWS"}) void gridsOfScales(Shape shape) {
        Rig rig = rig(shape, 2);
        Bank w = Banks.of(Format.F8_E4M3, 260, 264, 1);
        Region x = rig.aligned(264), y = rig.region(260), h = rig.region(130);
        play(rig, MatMul::record, y, x, w);
        for (int r = 0; r < 2; r++) rig.expect(y, r, Banks.product(rig, w, x, r), TOLERANCE);
        rig.nothingElseChanged();
        for (int i = 0; i < 264; i++) for (int r = 0; r < 2; r++) rig.set(x, r, i, rig.get(x, r, i) / 50);
        play(rig, MatMul::recordSwiGlu, h, x, w);
        for (int r = 0; r < 2; r++) {
            double[] p = Banks.product(rig, w, x, r);
            rig.expect(h, r, IntStream.range(0, 130).mapToDouble(i -> p[i] * Definitions.sigmoid(p[i]) * p[130 + i]).toArray(), 2 * TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    @Test void fp8WithoutScales() {
        Rig rig = rig(Shape.GROUPS, 2);
        Bank s = Banks.of(Format.F8_E4M3, 4, 70, 1);
        Bank w = new Bank(s.format(), s.array(), s.layerStride(), 0, 4, 70, 1, s.expertStride(), null, 0);
        Region x = rig.region(70), y = rig.region(4);
        play(rig, MatMul::record, y, x, w);
        for (int r = 0; r < 2; r++) rig.expect(y, r, Banks.product(rig, w, x, r), TOLERANCE);
        rig.nothingElseChanged();
    }

    /** Rows that do not start at multiples of eight, on a device for vectors. */
    @Test void unalignedRowsAreReadOneByOne() {
        Rig rig = rig(Shape.ROWS, 5);
        Bank w = Banks.of(Format.Q4_0, 4, 64, 1);
        Region x = rig.region(64), y = rig.region(4);
        play(rig, MatMul::record, y, x, w);
        for (int r = 0; r < 5; r++) rig.expect(y, r, Banks.product(rig, w, x, r), TOLERANCE);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("squall.tornado.kernels.Banks#formats") void embedding(Format format) {
        Rig rig = rig(Shape.GROUPS, 3);
        Bank table = Banks.of(format, 140, cols(format, Shape.GROUPS), 1);
        Region x = rig.region(table.cols());
        int[] tokens = {139, 0, 57};
        for (int r = 0; r < 3; r++) rig.token(r, tokens[r]);
        rig.play(tape -> Embedding.record(tape, x, table), Banks.arrays(table));
        for (int r = 0; r < 3; r++) rig.expect(x, r, Banks.row(table, LAYER, 0, tokens[r]), 1e-7);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("someKinds") void experts(Shape shape, Format format) {
        int experts = 5, used = 3, rows = 4, dim = Math.max(8, format.codec.blockSize()), hidden = 32;
        Rig rig = rig(shape, rows);
        Bank gate = Banks.of(format, hidden, dim, experts), up = Banks.of(Format.F16, hidden, dim, experts), down = Banks.of(Format.Q4_0, dim, hidden, experts);
        Region x = rig.aligned(dim), h = rig.aligned(used * hidden), y = rig.region(dim);
        Chosen chosen = chosen(rig, experts, used, rows);
        scaleDown(rig, x, rows);
        rig.play(tape -> Experts.record(tape, y, h, x, chosen, gate, up, down), arrays(chosen, gate, up, down));
        for (int r = 0; r < rows; r++) {
            double[] expected = new double[dim], in = rig.row(x, r);
            for (int j = 0; j < used; j++) {
                int e = chosen.ids().get(r * used + j);
                double[] a = IntStream.range(0, hidden).mapToDouble(i -> Banks.dot(Banks.row(gate, LAYER, e, i), in)).toArray();
                double[] b = IntStream.range(0, hidden).mapToDouble(i -> Banks.dot(Banks.row(up, LAYER, e, i), in)).toArray();
                addExpert(rig, expected, a, b, down, e, chosen, r, j);
            }
            rig.scratch(h, r, 0, used * hidden);
            rig.expect(y, r, expected, 2 * TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("someKinds") void expertsWithStackedMatrices(Shape shape, Format format) {
        int experts = 4, used = 2, rows = 3, dim = 8, hidden = Math.max(8, format.codec.blockSize());
        Rig rig = rig(shape, rows);
        Bank gateUp = Banks.of(Format.F32, 2 * hidden, dim, experts), down = Banks.of(format, dim, hidden, experts);
        Region x = rig.aligned(dim), h = rig.aligned(used * hidden), y = rig.region(dim);
        Chosen chosen = chosen(rig, experts, used, rows);
        scaleDown(rig, x, rows);
        rig.play(tape -> Experts.record(tape, y, h, x, chosen, gateUp, down), arrays(chosen, gateUp, down));
        for (int r = 0; r < rows; r++) {
            double[] expected = new double[dim], in = rig.row(x, r);
            for (int j = 0; j < used; j++) {
                int e = chosen.ids().get(r * used + j);
                double[] p = IntStream.range(0, 2 * hidden).mapToDouble(i -> Banks.dot(Banks.row(gateUp, LAYER, e, i), in)).toArray();
                addExpert(rig, expected, Arrays.copyOf(p, hidden), Arrays.copyOfRange(p, hidden, 2 * hidden), down, e, chosen, r, j);
            }
            rig.scratch(h, r, 0, used * hidden);
            rig.expect(y, r, expected, 2 * TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    private static void addExpert(Rig rig, double[] y, double[] gate, double[] up, Bank down, int expert, Chosen chosen, int row, int j) {
        double[] h = IntStream.range(0, gate.length).mapToDouble(i -> gate[i] * Definitions.sigmoid(gate[i]) * up[i]).toArray();
        for (int o = 0; o < y.length; o++) y[o] += rig.get(chosen.weights(), row, j) * Banks.dot(Banks.row(down, LAYER, expert, o), h);
    }

    private static Chosen chosen(Rig rig, int experts, int used, int rows) {
        IntArray ids = new IntArray(Rig.BUCKET * used);
        ids.init(-1);
        for (int r = 0; r < rows; r++) for (int j = 0; j < used; j++) ids.set(r * used + j, (r * 2 + j * 3) % experts);
        return new Chosen(ids, rig.region(used), used);
    }

    private static void scaleDown(Rig rig, Region x, int rows) {
        for (int r = 0; r < rows; r++) for (int i = 0; i < x.width(); i++) rig.set(x, r, i, rig.get(x, r, i) / 50);
    }

    private static TornadoNativeArray[] arrays(Chosen chosen, Bank... banks) {
        return Stream.concat(Stream.of(chosen.ids()), Stream.of(Banks.arrays(banks)))
                .toArray(TornadoNativeArray[]::new);
    }

    @Tag("checker") @ParameterizedTest @ValueSource(classes = {MatMul.class, Embedding.class, Experts.class}) void keepToTheDialect(Class<?> kernels) {
        List<KernelReport> reports = Lint.kernelsOf(kernels);
        assertFalse(reports.isEmpty());
        for (KernelReport report : reports) assertEquals(List.of(), report.violations(), report.name());
    }
}
