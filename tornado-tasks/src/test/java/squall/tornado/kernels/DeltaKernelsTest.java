package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static squall.tornado.Rehearsal.assertSound;
import static squall.tornado.Rehearsal.copy;
import static squall.tornado.Rehearsal.gaussian;
import static squall.tornado.Rehearsal.region;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.ops.Buf;
import squall.ops.DeltaParts;
import squall.ops.DeltaShape;
import squall.ops.Norm;
import squall.ops.OpsContract;
import squall.ops.PlainOps;
import squall.ops.Stage;
import squall.ops.StateSpec;
import squall.ops.StepPlan;
import squall.ops.Weight;
import squall.quant.Format;
import squall.tornado.Frame;
import squall.tornado.Region;
import squall.tornado.Rehearsal;
import squall.tornado.Rig;
import squall.tornado.Slab;
import squall.tornado.Small;
import squall.tornado.Tape;
import squall.tornado.TestDevice;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** The kernels of Gated DeltaNet against the plain definitions: layer 1 of 2, regions that are not packed, prompts in pieces. */
class DeltaKernelsTest {
    private static final int LAYERS = 2;
    private static final int LAYER = 1;
    private static final int SLOTS = 3;
    /** Rows of slots 0, 1 and 2 in each step; negative: the slot starts at position 0 again. */
    private static final int[][] JOURNEY = {{7, 1, 37}, {1, 35, 1}, {34, 2, 0}, {-3, 1, 1}, {1, -2, 5}, {2, 1, -1}};
    /** Never more than a row: such recordings have kernels of their own. */
    private static final int[][] ONE_BY_ONE = {{1, 0, 0}, {1, 0, 0}, {0, 0, 1}, {1, 0, 0}, {0, 0, 1}, {-1, 0, 0}, {1, 0, 0}, {0, 1, 0}};
    private static final int MOST_ROWS = 72;
    /** Of the largest value: some tens of float32 roundings. */
    private static final double TOLERANCE = 2e-6;
    /** Some roundings to eleven bits, in a state that is read again and again. */
    private static final double ROUNDED = 4e-3;
    /**
     * Of the norm behind the rule, more than models have: at position 0 {@code o = (k q) d}, and where k and q happen to be at right
     * angles nothing but sqrt(eps) is left to divide by, which would magnify the roundings of k q a thousand times.
     */
    private static final float EPS = 1e-2f;
    private final Random random = new Random(1);

    /** Small groups, so that trees and tails have work; vectors of eight are for the kernels of CPU devices alone. */
    private static List<Traits> shapes() {
        return Stream.of(Traits.Shape.values()).filter(s -> s != Traits.Shape.WARPS || TestDevice.hasWarps())
                .filter(s -> s != Traits.Shape.ROWS || TestDevice.hasVectors())
                .map(s -> new Traits(s, s == Traits.Shape.ROWS ? 1 : 32, false)).toList();
    }

    /** Regions one after the other, with gaps before, between and after the rows. */
    private static Region[] regions(int... widths) {
        Region[] regions = new Region[widths.length];
        int at = 3;
        for (int i = 0; i < widths.length; i++) {
            int stride = widths[i] + 5;
            regions[i] = region(widths[i], at, stride);
            at += (MOST_ROWS + 1) * stride;
        }
        return regions;
    }

    /**
     * Plays a journey and compares: the first inputs are filled as {@code range} says, then come scratch regions, and the
     * score's results are {@code written} of them.
     */
    private void compare(Traits traits, Region[] regions, int inputs, int[] written, float[] ranges, double tolerance, Consumer<Tape> tasks,
                         Stage.Score score, FloatArray... arrays) {
        compare(traits, JOURNEY, regions, inputs, written, List.of(), ranges, tolerance, tasks, score, arrays);
    }

    private void compare(Traits traits, int[][] journey, Region[] regions, int inputs, int[] written, List<Region> scratch, float[] ranges,
                         double tolerance, Consumer<Tape> tasks, Stage.Score score, FloatArray... arrays) {
        Region last = regions[regions.length - 1];
        int[] widths = Arrays.stream(regions).limit(inputs).mapToInt(Region::width).toArray();
        try (Stage definition = new PlainOps();
             Rehearsal rehearsal = new Rehearsal(traits, journey == ONE_BY_ONE ? 1 : MOST_ROWS, last.at() + (MOST_ROWS + 1) * last.stride(), LAYER, tasks, arrays)) {
            int[] lengths = new int[SLOTS];
            for (int[] legs : journey) {
                for (int slot = 0; slot < SLOTS; slot++)
                    if (legs[slot] < 0) {
                        lengths[slot] = 0;
                        definition.clear(slot);
                    }
                StepPlan plan = Rehearsal.plan(Arrays.stream(legs).map(Math::abs).toArray(), lengths);
                float[][] in = new float[inputs][];
                for (int i = 0; i < rehearsal.arena().getSize(); i++) rehearsal.arena().set(i, 1e9f + i);
                for (int i = 0; i < inputs; i++) {
                    in[i] = new float[plan.rows() * widths[i]];
                    for (int j = 0; j < in[i].length; j++) in[i][j] = value(ranges[i]);
                    rehearsal.put(regions[i], in[i]);
                }
                float[] before = copy(rehearsal.arena());
                rehearsal.play(plan);
                float[][] expected = definition.play(plan, widths, in, score);
                Region[] results = Arrays.stream(written).mapToObj(i -> regions[i]).toArray(Region[]::new);
                rehearsal.assertOnlyWrote(before, plan.rows(), Stream.concat(Stream.of(results), scratch.stream()).toArray(Region[]::new));
                for (int i = 0; i < results.length; i++)
                    OpsContract.assertClose(expected[i], rehearsal.rows(results[i], plan.rows()), tolerance,
                            "step " + Arrays.toString(legs) + ", result " + i);
            }
        }
    }

    /** Gaussian of that width; at 0 from 0 to 1; below 0 a negative gaussian. */
    private float value(float range) {
        if (range == 0) return random.nextFloat();
        double x = random.nextGaussian() * range;
        return (float) (range < 0 ? -Math.abs(x) : x);
    }

    /** A small weight of both layers, the second behind a gap. */
    private Small small(int size) {
        return new Small(gaussian(random, LAYERS * (size + 7)), size + 7, 4, size);
    }

    private Weight weight(Small small, int rows) {
        float[] values = new float[small.size()];
        for (int i = 0; i < values.length; i++) values[i] = small.array().get(LAYER * small.layerStride() + small.at() + i);
        MemorySegment s = MemorySegment.ofArray(new byte[4 * values.length]);
        MemorySegment.copy(values, 0, s, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
        return new Weight("w", Format.F32, rows, values.length / rows, s);
    }

    /** State of both layers and all slots, full of what nobody may read. */
    private static Slab slab(int size) {
        FloatArray array = new FloatArray(LAYERS * (SLOTS * (size + 2) + 1));
        array.init(-7e9f);
        return new Slab(array, SLOTS * (size + 2) + 1, size + 2);
    }

    @Test void nothingThatTornadoRefuses() {
        assumeFalse(TestDevice.isReal(), "the bytecode is the same on a device");
        for (Class<?> kernels : new Class<?>[] {CausalConv.class, DeltaChunks.class, DeltaGates.class, DeltaInputs.class, DeltaProducts.class, DeltaRule.class, DeltaStep.class, DeltaSteps.class, DeltaSystem.class, DeltaTiles.class, GatedNorm.class}) assertSound(kernels);
    }

    @ParameterizedTest @CsvSource({"4,64", "4,67", "2,19", "3,1", "6,40", "1,33", "17,5"})
    void convolution(int taps, int channels) {
        Small weights = small(channels * taps);
        Weight w = weight(weights, channels);
        StateSpec.Window window = new StateSpec.Window("w", taps, channels);
        Region[] r = regions(channels, channels);
        for (Traits traits : shapes()) {
            Slab slab = slab(taps * channels);
            compare(traits, r, 1, new int[] {1}, new float[] {1}, TOLERANCE, tape -> CausalConv.record(tape, r[1], r[0], weights, taps, slab),
                    (ops, in) -> {
                        Buf y = ops.rows(channels);
                        ops.causalConvSilu(y, in[0], w, window);
                        return new Buf[] {y};
                    }, weights.array(), slab.array());
        }
    }

    @ParameterizedTest @ValueSource(floats = {1, 20, 90})
    void gates(float range) {
        Small decay = small(5), dt = small(5);
        for (int i = 0; i < decay.array().getSize(); i++) decay.array().set(i, -Math.abs(decay.array().get(i)) * 4);
        Weight a = weight(decay, 1), b = weight(dt, 1);
        Region[] r = regions(5, 5);
        for (Traits traits : shapes())
            compare(traits, r, 2, new int[] {0, 1}, new float[] {range, range}, TOLERANCE,
                    tape -> DeltaGates.record(tape, r[0], r[1], decay, dt), (ops, in) -> {
                        ops.deltaGates(in[0], in[1], a, b);
                        return in;
                    }, decay.array(), dt.array());
    }

    @Test void softplusKeepsSmallValues() {
        for (double x = -60; x < 60; x += 0.01) {
            double exact = x > 20 ? x : Math.log1p(Math.exp((float) x));
            assertEquals(1, Activation.softplus((float) x) / exact, 1e-6, "softplus(" + x + ")");
            assertEquals(1, Activation.quickSoftplus((float) x) / exact, 1e-6, "softplus(" + x + ")");
            assertEquals(1, Activation.quickSigmoid((float) x) * (1 + Math.exp(-(float) x)), 1e-6, "sigmoid(" + x + ")");
        }
    }

    @ParameterizedTest @CsvSource({"2,6,32,32,1", "3,3,20,12,1", "1,2,7,5,0.001", "1,1,100,3,1"})
    void normalise(int keyHeads, int valueHeads, int dk, int dv, float range) {
        DeltaShape shape = new DeltaShape(keyHeads, valueHeads, dk, dv, DeltaShape.HeadOrder.GROUPED);
        Region[] r = regions(shape.channels());
        for (Traits traits : shapes())
            compare(traits, r, 1, new int[] {0}, new float[] {range}, TOLERANCE, tape -> DeltaGates.normalise(tape, r[0], shape),
                    (ops, in) -> {
                        ops.deltaNormalise(in[0], shape);
                        return in;
                    });
    }

    @ParameterizedTest @CsvSource({"2,6,32,32", "3,3,20,12", "1,40,7,5"})
    void prepare(int keyHeads, int valueHeads, int dk, int dv) {
        DeltaShape shape = new DeltaShape(keyHeads, valueHeads, dk, dv, DeltaShape.HeadOrder.GROUPED);
        Small decay = small(valueHeads), dt = small(valueHeads);
        Weight a = weight(decay, 1), b = weight(dt, 1);
        Region[] r = regions(valueHeads, valueHeads, shape.channels());
        for (Traits traits : shapes())
            compare(traits, r, 3, new int[] {0, 1, 2}, new float[] {3, 3, 1}, TOLERANCE,
                    tape -> DeltaGates.prepare(tape, r[0], r[1], decay, dt, r[2], shape), (ops, in) -> {
                        ops.deltaGates(in[0], in[1], a, b);
                        ops.deltaNormalise(in[2], shape);
                        return in;
                    }, decay.array(), dt.array());
    }

    @ParameterizedTest @CsvSource({"2,6,32,32,4", "3,3,20,12,2", "1,40,7,5,1"})
    void inputsInOneTask(int keyHeads, int valueHeads, int dk, int dv, int taps) {
        DeltaShape shape = new DeltaShape(keyHeads, valueHeads, dk, dv, DeltaShape.HeadOrder.GROUPED);
        Small weights = small(shape.channels() * taps), decay = small(valueHeads), dt = small(valueHeads);
        Weight w = weight(weights, shape.channels()), d = weight(decay, 1), t = weight(dt, 1);
        StateSpec.Window window = new StateSpec.Window("w", taps, shape.channels());
        Region[] r = regions(shape.channels(), valueHeads, valueHeads, shape.channels());
        for (Traits traits : shapes()) for (int[][] journey : new int[][][] {JOURNEY, SINGLES}) {
            Slab slab = slab(taps * shape.channels());
            compare(traits, journey, r, 3, new int[] {3, 1, 2}, List.of(), new float[] {1, 3, 3}, TOLERANCE,
                    tape -> DeltaInputs.record(tape, r[3], r[0], weights, taps, slab, r[1], r[2], decay, dt, shape), (ops, in) -> {
                        Buf y = ops.rows(shape.channels());
                        ops.causalConvSilu(y, in[0], w, window);
                        ops.deltaGates(in[1], in[2], d, t);
                        ops.deltaNormalise(y, shape);
                        return new Buf[] {y, in[1], in[2]};
                    }, weights.array(), decay.array(), dt.array(), slab.array());
        }
    }

    /** Rows that are alone in their segments. */
    private static final int[][] SINGLES = {{1, 0, 1}, {1, 1, 1}, {1, 1, 0}, {1, 1, 1}, {-1, 1, 1}, {1, 0, -1}, {1, 1, 1}, {1, 0, 1}, {1, 0, 1}};

    @ParameterizedTest @CsvSource({"2,6,32,32,4,GROUPED", "3,3,20,12,2,GROUPED", "1,5,7,5,1,TILED", "1,2,36,100,3,GROUPED", "2,4,128,128,4,TILED"})
    void stepInOneTask(int keyHeads, int valueHeads, int dk, int dv, int taps, DeltaShape.HeadOrder order) {
        assumeTrue(TestDevice.hasWarps(), "the backend has no warps");
        DeltaShape shape = new DeltaShape(keyHeads, valueHeads, dk, dv, order);
        int channels = shape.channels(), out = valueHeads * dv, convs = channels * taps;
        Small all = small(convs + 2 * valueHeads + dv);
        Small conv = new Small(all.array(), all.layerStride(), all.at(), convs), decay = new Small(all.array(), all.layerStride(), all.at() + convs, valueHeads);
        Small dt = new Small(all.array(), all.layerStride(), decay.at() + valueHeads, valueHeads), norm = new Small(all.array(), all.layerStride(), dt.at() + valueHeads, dv);
        for (int h = 0; h < valueHeads; h++) {
            int i = LAYER * decay.layerStride() + decay.at() + h;
            all.array().set(i, -Math.abs(all.array().get(i)));
        }
        DeltaParts parts = new DeltaParts(weight(conv, channels), new StateSpec.Window("w", taps, channels), weight(decay, 1), weight(dt, 1),
                new StateSpec.Recurrent("s", valueHeads, dk, dv), shape, new Norm(weight(norm, 1), EPS));
        Region[] r = regions(channels, valueHeads, valueHeads, out, out, valueHeads * DeltaStep.parts(shape));
        DeltaStep.Weights weights = new DeltaStep.Weights(conv, decay, dt, norm);
        List<BiConsumer<Tape, Slab[]>> ways = List.of((tape, state) -> {
            DeltaStep.record(tape, r[4], r[5], r[0], r[1], r[2], r[3], weights, taps, state[0], state[1], shape);
            GatedNorm.recordDivision(tape, Normed.heads(r[4], r[5], dv, EPS));
        }, (tape, state) -> DeltaSteps.record(tape, r[4], r[0], r[1], r[2], r[3], weights, taps, state[0], state[1], shape, EPS));
        for (BiConsumer<Tape, Slab[]> way : ways) {
            Slab[] state = {slab(taps * channels), slab(valueHeads * dv * dk)};
            compare(new Traits(Traits.Shape.WARPS, 32, false), SINGLES, r, 4, new int[] {4}, List.of(r[5]), new float[] {1, 3, 3, 2}, 5e-6,
                    tape -> way.accept(tape, state), (ops, in) -> {
                        Buf y = ops.rows(out);
                        ops.deltaNet(y, in[0], in[1], in[2], in[3], parts);
                        return new Buf[] {y};
                    }, all.array(), state[0].array(), state[1].array());
        }
    }

    @ParameterizedTest @CsvSource({"2,6,32,32,GROUPED", "2,6,32,32,TILED", "3,3,20,12,GROUPED", "1,2,7,5,TILED", "1,2,16,3,TILED",
            "1,1,8,4,TILED", "1,2,130,3,TILED",
            "1,2,128,128,TILED"})
    void deltaRule(int keyHeads, int valueHeads, int dk, int dv, DeltaShape.HeadOrder order) {
        DeltaShape shape = new DeltaShape(keyHeads, valueHeads, dk, dv, order);
        StateSpec.Recurrent s = new StateSpec.Recurrent("s", valueHeads, dk, dv);
        Region[] r = regions(shape.channels(), valueHeads, valueHeads, valueHeads * dv);
        for (Traits traits : shapes()) for (int[][] journey : new int[][][] {JOURNEY, ONE_BY_ONE}) {
            Slab slab = slab(valueHeads * dv * dk);
            compare(traits, journey, r, 3, new int[] {0, 3}, List.of(), new float[] {1, 0, -1}, 5e-6, tape -> {
                DeltaGates.normalise(tape, r[0], shape);
                DeltaRule.record(tape, r[3], r[0], r[1], r[2], slab, shape);
            }, (ops, in) -> {
                Buf y = ops.rows(valueHeads * dv);
                ops.deltaNormalise(in[0], shape);
                ops.deltaRule(y, in[0], in[1], in[2], s, shape);
                return new Buf[] {in[0], y};
            }, slab.array());
        }
    }

    /** A whole chunk of 64 rows with a part of another, and beside it a segment of one row. */
    private static final int[][] WHOLE = {{66, 0, 1}};

    @ParameterizedTest @CsvSource({"2,6,32,32,GROUPED", "3,3,20,12,TILED", "1,2,7,5,TILED", "1,2,128,40,GROUPED"})
    void deltaRuleInChunks(int keyHeads, int valueHeads, int dk, int dv, DeltaShape.HeadOrder order) {
        deltaRuleInChunks(chunked(), JOURNEY, keyHeads, valueHeads, dk, dv, order);
    }

    @ParameterizedTest @CsvSource({"1,2,32,32,TILED", "1,1,128,128,GROUPED"})
    void deltaRuleInWholeChunks(int keyHeads, int valueHeads, int dk, int dv, DeltaShape.HeadOrder order) {
        assumeTrue(TestDevice.hasWarps(), "the backend has no warps");
        deltaRuleInChunks(chunked().subList(1, 2), WHOLE, keyHeads, valueHeads, dk, dv, order);
    }

    private void deltaRuleInChunks(List<Traits> all, int[][] journey, int keyHeads, int valueHeads, int dk, int dv, DeltaShape.HeadOrder order) {
        DeltaShape shape = new DeltaShape(keyHeads, valueHeads, dk, dv, order);
        StateSpec.Recurrent s = new StateSpec.Recurrent("s", valueHeads, dk, dv);
        for (Traits traits : all) {
            Region[] r = regions(shape.channels(), valueHeads, valueHeads, valueHeads * dv, DeltaRule.scratchWidth(like(traits, MOST_ROWS), shape));
            Slab slab = slab(valueHeads * dv * dk);
            compare(traits, journey, r, 3, new int[] {0, 3}, List.of(r[4]), new float[] {1, 0, -1}, traits.precise() ? 5e-6 : ROUNDED, tape -> {
                DeltaGates.normalise(tape, r[0], shape);
                DeltaRule.recordChunked(tape, r[3], r[0], r[1], r[2], slab, shape, r[4]);
            }, (ops, in) -> {
                Buf y = ops.rows(valueHeads * dv);
                ops.deltaNormalise(in[0], shape);
                ops.deltaRule(y, in[0], in[1], in[2], s, shape);
                return new Buf[] {in[0], y};
            }, slab.array());
        }
    }

    /** A frame that is asked what it would need. */
    private static Frame like(Traits traits, int maxRows) {
        return new Frame(null, null, null, 0, null, null, maxRows, traits, null);
    }

    /** In float32, and where there are tensor cores with operands of eleven bits. */
    private static List<Traits> chunked() {
        Traits exact = shapes().getLast(), rounded = new Traits(Traits.Shape.WARPS, 32, true, false, false);
        return TestDevice.hasWarps() ? List.of(exact, rounded) : List.of(exact);
    }

    @Test void promptsAreChunkedWhereOperandsMayBeRounded() {
        DeltaShape shape = new DeltaShape(2, 4, 128, 128, DeltaShape.HeadOrder.GROUPED);
        Rig rig = new Rig(1, 0, new Traits(Traits.Shape.WARPS, 32, true, false, false));
        assertFalse(DeltaRule.isChunked(rig.frame(), shape), "few rows");
        assertTrue(DeltaRule.isChunked(rig.rows(512).frame(), shape));
        assertFalse(DeltaRule.isChunked(new Rig(1, 0, new Traits(Traits.Shape.WARPS, 32, true)).rows(512).frame(), shape), "precise");
    }

    /** Keys that are nearly the same are what breaks an inverse by doubling; strong decays break differences of long sums. */
    @ParameterizedTest @CsvSource({"1,0", "31,0", "32,-30", "33,-30", "63,0", "64,0", "65,-30", "65,-0.001", "200,0", "200,-30", "200,-0.5"})
    void chunksOfNearlyTheSameKeys(int rows, float g) {
        for (Traits traits : chunked()) chunksOfNearlyTheSameKeys(traits, rows, g);
    }

    private void chunksOfNearlyTheSameKeys(Traits traits, int rows, float g) {
        DeltaShape shape = new DeltaShape(1, 2, 24, 9, DeltaShape.HeadOrder.GROUPED);
        StateSpec.Recurrent spec = new StateSpec.Recurrent("s", 2, 24, 9);
        int all = 2 * rows;
        Region qkv = region(shape.channels(), 0, shape.channels()), beta = region(2, all * shape.channels(), 2);
        Region decay = region(2, beta.at() + 2 * all, 2), y = region(18, decay.at() + 2 * all, 18);
        int width = DeltaRule.scratchWidth(like(traits, all), shape);
        Region scratch = region(width, y.at() + 18 * all, width);
        Slab slab = slab(2 * 24 * 9);
        float[][] in = {new float[all * shape.channels()], new float[all * 2], new float[all * 2]};
        for (int i = 0; i < in[0].length; i++) {
            int c = i % shape.channels();
            in[0][i] = c < 48 ? (float) Math.sin(c) + 0.003f * value(1) : value(1);
        }
        for (int i = 0; i < all * 2; i++) {
            in[1][i] = 0.9f + 0.1f * random.nextFloat();
            // strong decays among weak ones: the rows after them must not suffer
            in[2][i] = i % 5 < 3 ? g * (0.9f + 0.1f * random.nextFloat()) : -1e-3f * random.nextFloat();
        }
        try (Stage definition = new PlainOps();
             Rehearsal rehearsal = new Rehearsal(traits, all, scratch.at() + all * scratch.stride(), LAYER, tape -> {
                 DeltaGates.normalise(tape, qkv, shape);
                 DeltaRule.recordChunked(tape, y, qkv, beta, decay, slab, shape, scratch);
             }, slab.array())) {
            int[] lengths = new int[SLOTS];
            for (int step = 0; step < 2; step++) {
                StepPlan plan = Rehearsal.plan(new int[] {rows, 0, rows}, lengths);
                rehearsal.put(qkv, in[0]);
                rehearsal.put(beta, in[1]);
                rehearsal.put(decay, in[2]);
                rehearsal.play(plan);
                float[] expected = definition.play(plan, new int[] {qkv.width(), 2, 2}, in, (ops, b) -> {
                    Buf out = ops.rows(18);
                    ops.deltaNormalise(b[0], shape);
                    ops.deltaRule(out, b[0], b[1], b[2], spec, shape);
                    return new Buf[] {out};
                })[0];
                OpsContract.assertClose(expected, rehearsal.rows(y, all), traits.precise() ? 5e-6 : 2 * ROUNDED, "step " + step);
            }
        }
    }

    @ParameterizedTest @CsvSource({"3,32", "2,20", "5,7"})
    void gatedNorm(int heads, int dim) {
        Small weight = small(dim);
        Norm norm = new Norm(weight(weight, 1), 1e-6f);
        Region[] r = regions(heads * dim, heads * dim);
        for (Traits traits : shapes())
            compare(traits, r, 2, new int[] {0}, new float[] {1, 10}, TOLERANCE, tape -> GatedNorm.record(tape, r[0], r[1], weight, 1e-6f),
                    (ops, in) -> {
                        ops.gatedNorm(in[0], in[1], norm);
                        return new Buf[] {in[0]};
                    }, weight.array());
    }
}
