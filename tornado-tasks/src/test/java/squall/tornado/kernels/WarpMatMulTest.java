package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;
import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Chosen;
import squall.tornado.Region;
import squall.tornado.Rig;
import squall.tornado.Small;
import squall.tornado.Tape;
import squall.tornado.TestDevice;
import squall.tornado.Traits;
import squall.tornado.Traits.Shape;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Products for warps, with weights laid out for them, against their definitions. */
class WarpMatMulTest {
    /** Of a sum of some hundred products in single precision. */
    private static final double TOLERANCE = 2e-6;
    private static final int LAYER = 2;
    /** Rows and columns: fewer than a group has, more than a group has, more than a turn of a group has. */
    private static final int[][] SIZES = {{3, 64}, {9, 352}, {17, 1312}};

    private interface Recording {
        void on(Tape tape, Region y, Region x, Bank w);
    }

    @BeforeEach void warps() {
        assumeTrue(TestDevice.hasWarps(), "shuffles are CUDA's");
    }

    private static Rig rig(int rows, boolean precise) {
        Rig rig = new Rig(rows, LAYER, new Traits(Shape.WARPS, 64, true, precise, false));
        rig.plan(rows == 1 ? new int[][] {{1, 3, 1}} : new int[][] {{1, 3, rows - 1}, {0, 0, 1}});
        return rows == 1 ? rig.rows(1) : rig;
    }

    static Stream<Arguments> floats() {
        return Stream.of(Format.F32, Format.F16, Format.BF16).flatMap(f -> Stream.of(Arguments.of(f, 1), Arguments.of(f, 6)));
    }

    static Stream<Format> quantised() {
        return Banks.formats().filter(f -> Planes.fit(f, 256));
    }

    private static void play(Rig rig, Recording recording, Region y, Region x, Bank w) {
        rig.play(tape -> recording.on(tape, y, x, w), Banks.arrays(w));
    }

    // ---- x in floats

    @ParameterizedTest @MethodSource("floats") void products(Format format, int rows) {
        for (int[] size : SIZES) {
            Rig rig = rig(rows, true);
            Bank file = Banks.of(format, size[0], size[1], 1);
            Region x = rig.region(size[1]), y = rig.region(size[0]);
            play(rig, MatMul::record, y, x, Banks.wide(file));
            for (int r = 0; r < rows; r++) rig.expect(y, r, Banks.product(rig, file, x, r), TOLERANCE);
            rig.nothingElseChanged();
        }
    }

    /** Groups that have more matrix rows than are on their way at a time, and the last one fewer. */
    @ParameterizedTest @ValueSource(strings = {"F32", "F16", "BF16"}) void largeGroups(Format format) {
        Rig rig = rig(1, true);
        Bank file = Banks.of(format, 22, 352, 1), w = Banks.wide(file);
        Region x = rig.region(352), y = rig.region(22), h = rig.region(11);
        scaleDown(rig, x, 1);
        rig.play(tape -> {
            WarpRow.record(tape, "matmul", y, x, null, w, 22, WarpMatMul.store(w) << 4 | MatMul.ASSIGN, 8);
            WarpRow.record(tape, "swiGlu", h, x, null, w, 11, WarpMatMul.store(w) << 4 | MatMul.SWIGLU, 8);
        }, Banks.arrays(w));
        double[] p = Banks.product(rig, file, x, 0);
        rig.expect(y, 0, p, TOLERANCE);
        rig.expect(h, 0, swiGlu(p), 2 * TOLERANCE);
        rig.nothingElseChanged();
    }

    /** More columns than a group has in one turn. */
    @ParameterizedTest @ValueSource(strings = {"F32", "F16", "BF16"}) void longRows(Format format) {
        Rig rig = rig(1, true);
        Bank file = Banks.of(format, 4, 10_304, 1);
        Region x = rig.region(10_304), y = rig.region(4);
        play(rig, MatMul::record, y, x, Banks.wide(file));
        rig.expect(y, 0, Banks.product(rig, file, x, 0), TOLERANCE);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("floats") void sums(Format format, int rows) {
        Rig rig = rig(rows, true);
        Bank file = Banks.of(format, 11, 260, 1);
        Region x = rig.region(260), y = rig.region(11);
        play(rig, MatMul::recordAdd, y, x, Banks.wide(file));
        for (int r = 0; r < rows; r++) rig.expect(y, r, plus(rig.rowBefore(y, r), Banks.product(rig, file, x, r)), TOLERANCE);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("floats") void swiGlu(Format format, int rows) {
        Rig rig = rig(rows, true);
        Bank file = Banks.of(format, 14, 260, 1);
        Region x = rig.region(260), h = rig.region(7);
        scaleDown(rig, x, rows);
        play(rig, MatMul::recordSwiGlu, h, x, Banks.wide(file));
        for (int r = 0; r < rows; r++) rig.expect(h, r, swiGlu(Banks.product(rig, file, x, r)), 2 * TOLERANCE);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("floats") void embedding(Format format, int rows) {
        Rig rig = rig(rows, true);
        Bank file = Banks.of(format, 140, 36, 1), table = Banks.wide(file);
        Region x = rig.region(36);
        for (int r = 0; r < rows; r++) rig.token(r, 139 - 20 * r);
        rig.play(tape -> Embedding.record(tape, x, table), Banks.arrays(table));
        for (int r = 0; r < rows; r++) rig.expect(x, r, Banks.row(file, LAYER, 0, 139 - 20 * r), 1e-7);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @ValueSource(strings = {"F32", "F16", "BF16"}) void productsOfANorm(Format format) {
        Rig rig = rig(1, true);
        Bank file = Banks.of(format, 18, 1312, 1), w = Banks.wide(file);
        Small norm = rig.small(1312);
        Region x = rig.region(1312), y = rig.region(18), h = rig.region(9);
        rig.play(tape -> {
            MatMul.record(tape, y, new Normed(x, norm, 1e-3f), w);
            MatMul.recordSwiGlu(tape, h, new Normed(x, norm, 1e-3f), w);
        }, Stream.concat(Stream.of(norm.array()), Stream.of(Banks.arrays(w))).toArray(TornadoNativeArray[]::new));
        double[] n = normed(rig, x, norm), p = IntStream.range(0, 18).mapToDouble(o -> Banks.dot(Banks.row(file, LAYER, 0, o), n)).toArray();
        rig.expect(y, 0, p, TOLERANCE);
        rig.expect(h, 0, swiGlu(p), 3 * TOLERANCE);
        rig.nothingElseChanged();
    }

    /** {@code w * x / sqrt(mean(x^2) + 1e-3)} */
    private static double[] normed(Rig rig, Region x, Small weight) {
        double[] in = rig.row(x, 0);
        double scale = Definitions.normScale(in, 0, in.length, 1e-3);
        return IntStream.range(0, in.length).mapToDouble(i -> rig.weight(weight, i) * in[i] * scale).toArray();
    }

    /** Heads of 32 in two parts, whose squares are not those of x. */
    @ParameterizedTest @ValueSource(strings = {"F32", "F16", "BF16"}) void productsOfUndividedHeads(Format format) {
        Rig rig = rig(1, true);
        Bank file = Banks.of(format, 18, 1312, 1), w = Banks.wide(file);
        Region x = rig.region(1312), y = rig.region(18), squares = squares(rig, 1312 / 32 * 2);
        double[] before = rig.row(y, 0);
        rig.play(tape -> MatMul.recordAdd(tape, y, Normed.heads(x, squares, 32, 1e-3f), w), Banks.arrays(w));
        double[] n = divided(rig, x, squares);
        rig.expect(y, 0, IntStream.range(0, 18).mapToDouble(o -> before[o] + Banks.dot(Banks.row(file, LAYER, 0, o), n)).toArray(), TOLERANCE);
        rig.nothingElseChanged();
    }

    private static Region squares(Rig rig, int width) {
        Region squares = rig.region(width);
        for (int i = 0; i < width; i++) rig.set(squares, 0, i, 1 + i % 7);
        return squares;
    }

    /** Heads of 32 in two parts each, {@code x / sqrt(squares / 32 + 1e-3)}. */
    private static double[] divided(Rig rig, Region x, Region squares) {
        double[] in = rig.row(x, 0), s = rig.row(squares, 0);
        return IntStream.range(0, in.length).mapToDouble(i -> in[i] / Math.sqrt((s[i / 32 * 2] + s[i / 32 * 2 + 1]) / 32 + 1e-3)).toArray();
    }

    // ---- x in bytes

    @ParameterizedTest @ValueSource(strings = {"Q8_0", "Q4_K"}) void productsOfPlanesAndUndividedHeads(Format format) {
        Rig rig = rig(1, false);
        Bank file = Banks.of(format, 18, 1280, 1), w = Banks.planes(file);
        Region x = rig.region(1280), y = rig.region(18), squares = squares(rig, 1280 / 32 * 2);
        rig.play(tape -> MatMul.record(tape, y, Normed.heads(x, squares, 32, 1e-3f), w), Banks.arrays(w));
        double[] n = divided(rig, x, squares);
        rig.expect(y, 0, IntStream.range(0, 18).mapToDouble(o -> Banks.dot(Banks.row(file, LAYER, 0, o), n)).toArray(), bounds(n, file));
        rig.nothingElseChanged();
    }

    /** More than one turn of columns, so that squares are summed over several. */
    @ParameterizedTest @ValueSource(strings = {"Q8_0", "Q4_1"}) void productsOfPlanesAndANorm(Format format) {
        Rig rig = rig(1, false);
        Bank file = Banks.of(format, 18, 10_304, 1), w = Banks.planes(file);
        Small norm = rig.small(10_304);
        Region x = rig.region(10_304), y = rig.region(18);
        rig.play(tape -> MatMul.record(tape, y, new Normed(x, norm, 1e-3f), w),
                Stream.concat(Stream.of(norm.array()), Stream.of(Banks.arrays(w))).toArray(TornadoNativeArray[]::new));
        double[] n = normed(rig, x, norm);
        rig.expect(y, 0, IntStream.range(0, 18).mapToDouble(o -> Banks.dot(Banks.row(file, LAYER, 0, o), n)).toArray(), bounds(n, file));
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("quantised") void productsOfPlanes(Format format) {
        Rig rig = rig(1, false);
        Bank file = Banks.of(format, 19, 768, 1), w = Banks.planes(file);
        Region x = rig.region(768), y = rig.region(19);
        play(rig, MatMul::record, y, x, w);
        rig.expect(y, 0, Banks.product(rig, file, x, 0), bounds(rig, file, x, 0));
        rig.nothingElseChanged();
    }

    /** As {@link #largeGroups}, of all layouts. */
    @ParameterizedTest @ValueSource(strings = {"Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"}) void largeGroupsOfPlanes(Format format) {
        Rig rig = rig(1, false);
        Bank file = Banks.of(format, 43, 512, 1), w = Banks.planes(file);
        Region x = rig.region(512), y = rig.region(43);
        rig.play(tape -> PlaneMatMul.record(tape, "matmul", y, x, null, w, 43, MatMul.ASSIGN, 24), Banks.arrays(w));
        rig.expect(y, 0, Banks.product(rig, file, x, 0), bounds(rig, file, x, 0));
        rig.nothingElseChanged();
    }

    /** Several rows of x, each with groups of its own. */
    @ParameterizedTest @ValueSource(strings = {"Q8_0", "Q4_K"}) void rowsOfPlanes(Format format) {
        Rig rig = rig(6, false);
        Bank file = Banks.of(format, 19, 512, 1), w = Banks.planes(file);
        Region x = rig.region(512), y = rig.region(19);
        play(rig, MatMul::record, y, x, w);
        for (int r = 0; r < 6; r++) rig.expect(y, r, Banks.product(rig, file, x, r), bounds(rig, file, x, r));
        rig.nothingElseChanged();
    }

    /** More columns than a group has in one turn, and a number of strips that no warp divides. */
    @ParameterizedTest @ValueSource(strings = {"Q8_0", "Q5_1"}) void longRowsOfPlanes(Format format) {
        Rig rig = rig(1, false);
        Bank file = Banks.of(format, 4, 10_304, 1), w = Banks.planes(file);
        Region x = rig.region(10_304), y = rig.region(4);
        play(rig, MatMul::record, y, x, w);
        rig.expect(y, 0, Banks.product(rig, file, x, 0), bounds(rig, file, x, 0));
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("quantised") void sumsOfPlanes(Format format) {
        Rig rig = rig(1, false);
        Bank file = Banks.of(format, 5, 256, 1), w = Banks.planes(file);
        Region x = rig.region(256), y = rig.region(5);
        play(rig, MatMul::recordAdd, y, x, w);
        rig.expect(y, 0, plus(rig.rowBefore(y, 0), Banks.product(rig, file, x, 0)), bounds(rig, file, x, 0));
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("quantised") void swiGluOfPlanes(Format format) {
        Rig rig = rig(1, false);
        Bank file = Banks.of(format, 18, 256, 1), w = Banks.planes(file);
        Region x = rig.region(256), h = rig.region(9);
        scaleDown(rig, x, 1);
        play(rig, MatMul::recordSwiGlu, h, x, w);
        double[] p = Banks.product(rig, file, x, 0), b = bounds(rig, file, x, 0);
        // |silu'| is below 1.1
        double[] bounds = IntStream.range(0, 9).mapToDouble(i -> 1.1 * b[i] * (Math.abs(p[9 + i]) + b[9 + i])
                + Math.abs(p[i]) * b[9 + i] + 1e-6).toArray();
        rig.expect(h, 0, swiGlu(p), bounds);
        rig.nothingElseChanged();
    }

    @ParameterizedTest @MethodSource("quantised") void embeddingFromPlanes(Format format) {
        Rig rig = rig(3, false);
        Bank file = Banks.of(format, 140, 256, 1), w = Banks.planes(file);
        Region x = rig.region(256);
        int[] tokens = {139, 0, 57};
        for (int r = 0; r < 3; r++) rig.token(r, tokens[r]);
        rig.play(tape -> Embedding.record(tape, x, w), Banks.arrays(w));
        for (int r = 0; r < 3; r++) {
            double[] row = Banks.row(file, LAYER, 0, tokens[r]);
            rig.expect(x, r, row, IntStream.range(0, 256).mapToDouble(i -> rounding(format, row, i) + 1e-7 * Math.abs(row[i])).toArray());
        }
        rig.nothingElseChanged();
    }

    /** Against the definition with x and the hidden units rounded as the kernels round them, so that nothing is left but single precision. */
    @ParameterizedTest @ValueSource(strings = {"Q8_0", "Q4_K", "Q6_K", "Q5_1"}) void expertsInPlanes(Format format) {
        int experts = 4, used = 3, dim = 512, hidden = 256, rows = 2;
        Rig rig = new Rig(7, LAYER, new Traits(Shape.WARPS, 64, true, false, false)).few();
        rig.plan(new int[] {1, 3, 1}, new int[] {0, 0, 1});
        Bank gateUp = Banks.planes(Banks.of(format, 2 * hidden, dim, experts)), down = Banks.planes(Banks.of(format, dim, hidden, experts));
        Region x = rig.region(dim), h = rig.region(used * hidden), y = rig.region(dim), weights = rig.region(used);
        scaleDown(rig, x, rows);
        IntArray ids = IntArray.fromElements(3, 0, 2, 1, 3, 2, -1, -1, -1);
        rig.play(tape -> Experts.recordAdd(tape, y, h, x, new Chosen(ids, weights, used), gateUp, down),
                Stream.concat(Stream.of(ids), Stream.of(Banks.arrays(gateUp, down))).toArray(TornadoNativeArray[]::new));
        for (int r = 0; r < rows; r++) {
            double[] in = rounded(rig.row(x, r)), out = rounded(rig.row(h, r)), units = new double[used * hidden], sums = rig.rowBefore(y, r);
            for (int j = 0; j < used; j++) {
                int e = ids.get(r * used + j);
                for (int i = 0; i < hidden; i++) {
                    double gate = dot(gateUp, e, i, in, 0), up = dot(gateUp, e, hidden + i, in, 0);
                    units[j * hidden + i] = gate * Definitions.sigmoid(gate) * up;
                }
                for (int o = 0; o < dim; o++) sums[o] += rig.get(weights, r, j) * dot(down, e, o, out, j * hidden);
            }
            rig.expect(h, r, units, 2 * TOLERANCE);
            rig.expect(y, r, sums, 2 * TOLERANCE);
        }
        rig.nothingElseChanged();
    }

    private static double dot(Bank w, int expert, int row, double[] x, int from) {
        int number = (LAYER * w.experts() + expert) * w.rows() + row, layout = Planes.layout(w.format());
        double sum = 0;
        for (int i = 0; i < w.cols(); i++)
            sum += x[from + i] * w.planes().gain() * Planes.at(layout, (LongArray) w.array(), w.planes().scales(), number * Planes.rowLongs(layout, w.cols()),
                    number * Planes.rowScales(layout, w.cols()), w.cols(), i);
        return sum;
    }

    private static double[] rounded(double[] x) {
        double[] rounded = new double[x.length];
        for (int s = 0; s < x.length; s += 16) {
            float peak = (float) IntStream.range(s, s + 16).mapToDouble(i -> Math.abs(x[i])).max().orElseThrow(), factor = 127f / Math.max(peak, 1e-30f);
            for (int i = s; i < s + 16; i++) rounded[i] = (byte) PlaneMatMul.round((float) x[i], factor) * (peak / 127.0);
        }
        return rounded;
    }

    /** Rows of zeros have no largest number. */
    @ParameterizedTest @ValueSource(strings = {"Q8_0", "Q4_K"}) void nothingTimesPlanes(Format format) {
        Rig rig = rig(1, false);
        Bank file = Banks.of(format, 3, 256, 1), w = Banks.planes(file);
        Region x = rig.region(256), y = rig.region(3);
        for (int i = 0; i < 256; i++) rig.set(x, 0, i, 0);
        play(rig, MatMul::record, y, x, w);
        rig.expect(y, 0, new double[3], 0);
        rig.nothingElseChanged();
    }

    /**
     * How far a product may be off when x is rounded to bytes: half a step of each strip for every weight; what rounding the
     * scales does to the weights; and what single precision does to the sum.
     */
    private static double[] bounds(Rig rig, Bank w, Region x, int row) {
        return bounds(rig.row(x, row), w);
    }

    private static double[] bounds(double[] in, Bank w) {
        double[] bounds = new double[w.rows()];
        for (int o = 0; o < bounds.length; o++) {
            double[] weights = Banks.row(w, LAYER, 0, o);
            for (int s = 0; s < in.length; s += 16) {
                double step = IntStream.range(s, s + 16).mapToDouble(i -> Math.abs(in[i])).max().orElseThrow() / 127;
                for (int i = s; i < s + 16; i++)
                    bounds[o] += 0.5001 * step * Math.abs(weights[i]) + (Math.abs(in[i]) + step) * (rounding(w.format(), weights, i) + TOLERANCE * Math.abs(weights[i]));
            }
        }
        return bounds;
    }

    /**
     * What rounding scales and minima to half precision does to weight i: 2^-11 of {@code scale * quantum} and of the minimum. Neither is more than
     * twice the largest weight of a block in which quanta from low to high occur, as they do in these.
     */
    private static double rounding(Format format, double[] weights, int i) {
        int block = i / 32 * 32;
        double largest = IntStream.range(block, block + 32).mapToDouble(j -> Math.abs(weights[j])).max().orElseThrow();
        return format.name().endsWith("_K") ? 0x1p-11 * 4 * largest : 0;
    }

    // ---- layout

    @ParameterizedTest @MethodSource("quantised") void planesAreNoLargerThanNeeded(Format format) {
        Bank file = Banks.of(format, 4, 1024, 1), w = Banks.planes(file);
        double bits = 64.0 * w.array().getSize() / (3 * 4 * 1024);
        int whole = List.of("Q8_0", "Q6_K").contains(format.name()) ? format == Format.Q8_0 ? 8 : 6 : format.name().startsWith("Q5") ? 5 : 4;
        assertEquals(whole, bits, 1e-9);
        assertTrue(Math.getExponent(w.planes().gain()) < 0 || w.planes().gain() >= 1, "a power of two");
    }

    private static double[] plus(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] + b[i]).toArray();
    }

    private static double[] swiGlu(double[] p) {
        int n = p.length / 2;
        return IntStream.range(0, n).mapToDouble(i -> p[i] * Definitions.sigmoid(p[i]) * p[n + i]).toArray();
    }

    private static void scaleDown(Rig rig, Region x, int rows) {
        for (int r = 0; r < rows; r++) for (int i = 0; i < x.width(); i++) rig.set(x, r, i, rig.get(x, r, i) / 50);
    }

    /** Rows of matrices of the 4B and of smaller models, warps of a group and registers: no group waits for another, none is empty. */
    @ParameterizedTest @CsvSource({"2560, 5, 2, 56", "2560, 18, 2, 56", "12352, 5, 2, 80", "18432, 5, 2, 80", "18432, 5, 4, 96", "7168, 2, 4, 88"})
    void groupsRunAtOnce(int rows, int warps, int deep, int taken) {
        int share = WarpRow.share(rows, warps, deep, taken, 64), groups = (rows + share - 1) / share;
        assertEquals(0, share % deep);
        assertTrue(groups > WarpRow.PROCESSORS && groups <= WarpRow.PROCESSORS * (65536 / (32 * taken) / warps), groups + " groups");
    }

    @Tag("checker") @ParameterizedTest @ValueSource(classes = {WarpMatMul.class, WarpRow.class, PlaneMatMul.class, PlaneExperts.class}) void keepToTheDialect(Class<?> kernels) {
        List<KernelReport> reports = Lint.kernelsOf(kernels);
        assertFalse(reports.isEmpty());
        for (KernelReport report : reports) assertEquals(List.of(), report.violations(), report.name());
    }
}
