package squall.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.quant.Format;

/**
 * What every player of {@link Ops} must do: the same as {@link PlainOps}, on odd sizes, for several segments in a step,
 * for prompts in pieces and for slots used again. Subclass it and say how the player is opened.
 */
public abstract class OpsContract {
    /** Sequences of a step; a slot is cleared wherever it starts at 0 again. */
    private static final int SLOTS = 3;
    /** Of the largest value: some tens of float32 roundings. */
    private static final double TOLERANCE = 2e-6;

    private final Random random = new Random(1);

    /** A player with room for {@code slots} sequences and for this state, KV in float32. */
    protected abstract Stage open(List<StateSpec> state, int slots);

    /** Rows of slots 0, 1 and 2 in each step; 0: not in it. The last steps use slots again. */
    private static final int[][] JOURNEY = {{7, 1, 70}, {1, 65, 1}, {64, 2, 0}, {-3, 1, 1}, {1, -200, 5}, {2, 1, -1}};

    /** Long enough for the sequence to be cut: 700 positions, then single rows beside a short prompt. */
    private static final int[][] LONG_JOURNEY = {{700, 0, 0}, {1, 5, 1}, {3, 1, 300}, {1, 1, 1}};

    /** What is walked where length matters; shorter for players that count every access. */
    protected int[][] longJourney() {
        return LONG_JOURNEY;
    }

    // ---- the frame

    private void compare(List<StateSpec> state, int[] widths, int[][] journey, double tolerance, Stage.Score score) {
        compare(state, widths, journey, tolerance, score, (i, n) -> floats(n));
    }

    private interface Filling {
        float[] fill(int input, int n);
    }

    private void compare(List<StateSpec> state, int[] widths, int[][] journey, double tolerance, Stage.Score score,
                         Filling filling) {
        try (Stage player = open(state, SLOTS); Stage definition = new PlainOps()) {
            int[] lengths = new int[SLOTS];
            for (int[] legs : journey) {
                StepPlan plan = plan(legs, lengths, player, definition);
                float[][] inputs = new float[widths.length][];
                for (int i = 0; i < widths.length; i++) inputs[i] = filling.fill(i, plan.rows() * widths[i]);
                float[][] expected = definition.play(plan, widths, inputs, score);
                float[][] actual = player.play(plan, widths, inputs, score);
                assertEquals(expected.length, actual.length);
                for (int i = 0; i < expected.length; i++)
                    assertClose(expected[i], actual[i], tolerance, "step " + Arrays.toString(legs) + ", result " + i);
            }
        }
    }

    /** A negative number of rows: the slot is cleared before. */
    private StepPlan plan(int[] legs, int[] lengths, Stage... stages) {
        StepPlan.Builder plan = new StepPlan.Builder();
        for (int slot = 0; slot < legs.length; slot++) {
            if (legs[slot] < 0) {
                for (Stage s : stages) s.clear(slot);
                lengths[slot] = 0;
            }
            int rows = Math.abs(legs[slot]);
            if (rows == 0) continue;
            int[] tokens = random.ints(rows, 0, 11).toArray();
            StepPlan.Want want = slot == 0 ? StepPlan.Want.LAST : slot == 1 ? StepPlan.Want.ALL : StepPlan.Want.NONE;
            plan.add(slot, lengths[slot], tokens, 0, rows, want);
            lengths[slot] += rows;
        }
        return plan.build();
    }

    public static void assertClose(float[] expected, float[] actual, double tolerance, String what) {
        assertEquals(expected.length, actual.length, what);
        double largest = 0, error = 0;
        int worst = 0;
        for (int i = 0; i < expected.length; i++) {
            assertTrue(Float.isFinite(expected[i]) && Float.isFinite(actual[i]),
                    what + ": element " + i + " is " + actual[i] + " for " + expected[i]);
            largest = Math.max(largest, Math.abs(expected[i]));
            double e = Math.abs((double) expected[i] - actual[i]);
            if (e > error) {
                error = e;
                worst = i;
            }
        }
        assertTrue(error <= tolerance * largest, what + ": element " + worst + " of " + expected.length + " is "
                + (error > 0 ? actual[worst] + " for " + expected[worst] : "") + ", error " + error / largest + " > " + tolerance);
    }

    private float[] floats(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = (float) random.nextGaussian();
        return x;
    }

    /** n values evenly spread over [-range, range]. */
    private static float[] spread(int n, float range) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = range * (2f * (i * 7919L % n) / n - 1);
        return x;
    }

    private static MemorySegment bytes(float[] values) {
        MemorySegment s = MemorySegment.ofArray(new byte[4 * values.length]);
        MemorySegment.copy(values, 0, s, ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0, values.length);
        return s;
    }

    private Weight weight(int rows, int cols) {
        return new Weight("w", Format.F32, rows, cols, bytes(floats(rows * cols)));
    }

    private Weight experts(int n, int rows, int cols) {
        List<MemorySegment> all = new ArrayList<>();
        for (int i = 0; i < n; i++) all.add(bytes(floats(rows * cols)));
        return new Weight("w", Format.F32, rows, cols, all, List.of());
    }

    private Norm norm(int n) {
        return new Norm(weight(1, n), 1e-6f);
    }

    private static Buf[] of(Buf... bufs) {
        return bufs;
    }

    // ---- rows

    @Test void embedReadsTheRowsOfTheTokens() {
        Weight table = weight(11, 37);
        compare(List.of(), new int[] {37}, JOURNEY, 0, (ops, in) -> {
            ops.embed(in[0], table);
            return in;
        });
    }

    @ParameterizedTest @ValueSource(ints = {1, 7, 20, 64, 100, 1027})
    void rmsNorm(int width) {
        Norm norm = norm(width);
        compare(List.of(), new int[] {width}, JOURNEY, TOLERANCE, (ops, in) -> {
            Buf y = ops.rows(width);
            ops.rmsNorm(y, in[0], norm);
            return of(y);
        });
        compare(List.of(), new int[] {width}, JOURNEY, TOLERANCE, (ops, in) -> {
            ops.rmsNorm(in[0], in[0], norm);
            return in;
        });
    }

    @Test void rmsNormOfSmallRowsFeelsEpsilon() {
        Norm norm = norm(33);
        compare(List.of(), new int[] {33}, JOURNEY, TOLERANCE, (ops, in) -> {
            ops.rmsNorm(in[0], in[0], norm);
            return in;
        }, (i, n) -> spread(n, 1e-3f));
    }

    @Test void productsAndTheirFusedForms() {
        Norm norm = norm(45);
        Weight[] w = {weight(67, 45), weight(1, 45), weight(19, 45)};
        Weight back = weight(45, 67);
        compare(List.of(), new int[] {45}, JOURNEY, TOLERANCE, (ops, in) -> {
            Buf[] y = of(ops.rows(67), ops.rows(1), ops.rows(19));
            ops.normMatmul(y, in[0], norm, w);
            Buf again = ops.rows(67);
            ops.matmul(again, in[0], w[0]);
            ops.matmulAdd(in[0], y[0], back);
            return of(y[0], y[1], y[2], again, in[0]);
        });
    }

    @ParameterizedTest @ValueSource(ints = {1, 19, 130})
    void elementwise(int width) {
        compare(List.of(), new int[] {width, width}, JOURNEY, TOLERANCE, (ops, in) -> {
            ops.add(in[0], in[1]);
            return in;
        });
        compare(List.of(), new int[] {width, width}, JOURNEY, TOLERANCE, (ops, in) -> {
            ops.siluMul(in[0], in[1]);
            return in;
        }, (i, n) -> i == 0 ? spread(n, 120) : floats(n));
        compare(List.of(), new int[] {width, width, 1}, JOURNEY, TOLERANCE, (ops, in) -> {
            ops.addGated(in[0], in[1], in[2]);
            return of(in[0]);
        }, (i, n) -> i == 2 ? spread(n, 100) : floats(n));
    }

    @Test void outputsPacksTheWantedRows() {
        Norm norm = norm(21);
        Weight w = weight(13, 21);
        compare(List.of(), new int[] {21}, new int[][] {{7, 3, 2}, {1, 1, 1}, {1, 0, 0}}, TOLERANCE, (ops, in) -> {
            Buf chosen = ops.outputs(in[0]);
            Buf y = ops.rows(13);
            ops.normMatmul(of(y), chosen, norm, new Weight[] {w});
            return of(chosen, y);
        });
    }

    // ---- attention

    @ParameterizedTest @CsvSource({"4,64,64,0,8", "3,20,40,20,5", "2,128,256,0,64", "5,7,7,0,2"})
    void headNormRope(int heads, int dim, int stride, int offset, int frequencies) {
        Norm norm = norm(dim);
        float[] f = new float[frequencies];
        for (int j = 0; j < frequencies; j++) f[j] = (float) Math.pow(10000, -2.0 * j / (2 * frequencies));
        HeadShape shape = new HeadShape(heads, dim, stride, offset);
        int width = heads * stride;
        for (float scale : new float[] {1, 1.1386294f}) {
            Rope rope = new Rope(f, scale);
            compare(List.of(), new int[] {width}, JOURNEY, TOLERANCE, (ops, in) -> {
                Buf y = ops.rows(heads * dim);
                ops.headNormRope(y, in[0], shape, norm, rope);
                return of(y);
            });
        }
    }

    @ParameterizedTest @CsvSource({"4,2,64", "3,1,20", "2,2,33", "16,1,128", "6,2,256"})
    void attention(int heads, int kvHeads, int dim) {
        StateSpec.Kv a = new StateSpec.Kv("a", kvHeads, dim);
        StateSpec.Kv b = new StateSpec.Kv("b", kvHeads, dim);
        int[] widths = {heads * dim, kvHeads * dim, kvHeads * dim, heads * dim};
        Stage.Score score = (ops, in) -> {
            Buf y = ops.rows(heads * dim), z = ops.rows(heads * dim);
            ops.appendKv(a, in[1], in[2]);
            ops.attention(y, in[0], a, heads);
            ops.appendKv(b, in[2], in[1]);
            ops.attention(z, in[3], b, heads);
            return of(y, z);
        };
        compare(List.of(a, b), widths, JOURNEY, TOLERANCE, score);
        compare(List.of(a, b), widths, longJourney(), TOLERANCE, score);
    }

    @ParameterizedTest @CsvSource({"4,2,64", "3,1,20"})
    void gatedAttention(int heads, int kvHeads, int dim) {
        StateSpec.Kv kv = new StateSpec.Kv("a", kvHeads, dim);
        HeadShape gates = new HeadShape(heads, dim, 2 * dim, dim);
        compare(List.of(kv), new int[] {heads * dim, kvHeads * dim, kvHeads * dim, 2 * heads * dim}, JOURNEY, TOLERANCE, (ops, in) -> {
            Buf y = ops.rows(heads * dim);
            ops.appendKv(kv, in[1], in[2]);
            ops.gatedAttention(y, in[0], kv, heads, in[3], gates);
            return of(y);
        });
    }

    @ParameterizedTest @CsvSource({"4,2,64,32", "3,1,20,4"})
    void normRopeAppend(int heads, int kvHeads, int dim, int frequencies) {
        StateSpec.Kv kv = new StateSpec.Kv("a", kvHeads, dim);
        HeadShape queries = new HeadShape(heads, dim, 2 * dim, 0);
        Norm queryNorm = norm(dim), keyNorm = norm(dim);
        float[] f = new float[frequencies];
        for (int j = 0; j < frequencies; j++) f[j] = (float) Math.pow(10000, -1.0 * j / frequencies);
        Rope rope = new Rope(f, 1);
        compare(List.of(kv), new int[] {2 * heads * dim, kvHeads * dim, kvHeads * dim}, JOURNEY, TOLERANCE, (ops, in) -> {
            Buf q = ops.rows(heads * dim), y = ops.rows(heads * dim);
            ops.normRopeAppend(q, in[0], queries, queryNorm, in[1], keyNorm, in[2], kv, rope);
            ops.attention(y, q, kv, heads);
            return of(q, y);
        });
    }

    @Test void attentionWithLargeScores() {
        StateSpec.Kv kv = new StateSpec.Kv("a", 1, 32);
        compare(List.of(kv), new int[] {64, 32, 32}, longJourney(), 2e-5, (ops, in) -> {
            Buf y = ops.rows(64);
            ops.appendKv(kv, in[1], in[2]);
            ops.attention(y, in[0], kv, 2);
            return of(y);
        }, (i, n) -> {
            float[] x = floats(n);
            if (i == 0) for (int j = 0; j < n; j++) x[j] *= 30;
            return x;
        });
    }

    @ParameterizedTest @CsvSource({"4,64,128,64", "3,20,40,20", "2,7,7,0"})
    void sigmoidMul(int heads, int dim, int stride, int offset) {
        HeadShape shape = new HeadShape(heads, dim, stride, offset);
        compare(List.of(), new int[] {heads * dim, heads * stride}, JOURNEY, TOLERANCE, (ops, in) -> {
            ops.sigmoidMul(in[0], in[1], shape);
            return of(in[0]);
        }, (i, n) -> i == 1 ? spread(n, 110) : floats(n));
    }

    // ---- Gated DeltaNet

    @ParameterizedTest @CsvSource({"4,64", "4,301", "2,19", "3,1", "6,40"})
    void causalConvSilu(int taps, int channels) {
        StateSpec.Window window = new StateSpec.Window("w", taps, channels);
        Weight w = weight(channels, taps);
        compare(List.of(window), new int[] {channels}, JOURNEY, TOLERANCE, (ops, in) -> {
            Buf y = ops.rows(channels);
            ops.causalConvSilu(y, in[0], w, window);
            return of(y);
        });
    }

    @Test void deltaGatesOverTheWholeRange() {
        Weight decay = new Weight("decay", Format.F32, 1, 5, bytes(new float[] {-0.01f, -1, -16, -0.5f, -2}));
        Weight dt = new Weight("dt", Format.F32, 1, 5, bytes(new float[] {0, 0.1f, -3, 2, -0.7f}));
        for (float range : new float[] {1, 20, 90})
            compare(List.of(), new int[] {5, 5}, JOURNEY, TOLERANCE, (ops, in) -> {
                ops.deltaGates(in[0], in[1], decay, dt);
                return in;
            }, (i, n) -> spread(n, range));
    }

    @ParameterizedTest @CsvSource({"2,6,32,32", "3,3,20,12", "1,2,7,5"})
    void deltaNormalise(int keyHeads, int valueHeads, int dk, int dv) {
        DeltaShape shape = new DeltaShape(keyHeads, valueHeads, dk, dv, DeltaShape.HeadOrder.GROUPED);
        for (float range : new float[] {1, 1e-3f})
            compare(List.of(), new int[] {shape.channels()}, JOURNEY, TOLERANCE, (ops, in) -> {
                ops.deltaNormalise(in[0], shape);
                return in;
            }, (i, n) -> spread(n, range));
    }

    @Test void deltaPrepareIsBothAtOnce() {
        DeltaShape shape = new DeltaShape(2, 6, 20, 12, DeltaShape.HeadOrder.GROUPED);
        Weight decay = new Weight("decay", Format.F32, 1, 6, bytes(new float[] {-0.01f, -1, -16, -0.5f, -2, -3}));
        Weight dt = new Weight("dt", Format.F32, 1, 6, bytes(new float[] {0, 0.1f, -3, 2, -0.7f, 1}));
        compare(List.of(), new int[] {shape.channels(), 6, 6}, JOURNEY, TOLERANCE, (ops, in) -> {
            ops.deltaPrepare(in[1], in[2], decay, dt, in[0], shape);
            return in;
        });
    }

    @Test void productsOfOneInput() {
        Weight[] w = {weight(67, 45), weight(1, 45), weight(19, 45)};
        compare(List.of(), new int[] {45}, JOURNEY, TOLERANCE, (ops, in) -> {
            Buf[] y = of(ops.rows(67), ops.rows(1), ops.rows(19));
            ops.matmul(y, in[0], w);
            return y;
        });
    }

    @Test void normSwiGlu() {
        Norm norm = norm(45);
        Weight gate = weight(67, 45), up = weight(67, 45);
        compare(List.of(), new int[] {45}, JOURNEY, TOLERANCE, (ops, in) -> {
            Buf h = ops.rows(67);
            ops.normSwiGlu(h, in[0], norm, gate, up);
            return of(h);
        });
    }

    @ParameterizedTest @CsvSource({"2,6,32,32,GROUPED", "2,6,32,32,TILED", "3,3,20,12,GROUPED", "1,2,7,5,TILED", "2,4,128,128,TILED"})
    void deltaRule(int keyHeads, int valueHeads, int dk, int dv, DeltaShape.HeadOrder order) {
        DeltaShape shape = new DeltaShape(keyHeads, valueHeads, dk, dv, order);
        StateSpec.Recurrent a = new StateSpec.Recurrent("a", valueHeads, dk, dv);
        StateSpec.Recurrent b = new StateSpec.Recurrent("b", valueHeads, dk, dv);
        compare(List.of(a, b), new int[] {shape.channels(), valueHeads, valueHeads}, JOURNEY, 5e-6, (ops, in) -> {
            Buf y = ops.rows(valueHeads * dv), z = ops.rows(valueHeads * dv);
            ops.deltaNormalise(in[0], shape);
            ops.deltaRule(y, in[0], in[1], in[2], a, shape);
            ops.deltaRule(z, in[0], in[2], in[2], b, shape);
            return of(y, z);
        }, (i, n) -> {
            float[] x = floats(n);
            for (int j = 0; i > 0 && j < n; j++) x[j] = i == 1 ? random.nextFloat() : -Math.abs(x[j]);
            return x;
        });
    }

    @ParameterizedTest @CsvSource({"3,32", "2,20", "5,7"})
    void gatedNorm(int heads, int dim) {
        Norm norm = norm(dim);
        compare(List.of(), new int[] {heads * dim, heads * dim}, JOURNEY, TOLERANCE, (ops, in) -> {
            ops.gatedNorm(in[0], in[1], norm);
            return of(in[0]);
        }, (i, n) -> i == 1 ? spread(n, 30) : floats(n));
    }

    @ParameterizedTest @CsvSource({"2,4,32,32,4", "1,3,7,5,2", "2,2,128,128,4"})
    void deltaNet(int keyHeads, int valueHeads, int dk, int dv, int taps) {
        DeltaShape shape = new DeltaShape(keyHeads, valueHeads, dk, dv, DeltaShape.HeadOrder.GROUPED);
        DeltaParts parts = new DeltaParts(weight(shape.channels(), taps), new StateSpec.Window("w", taps, shape.channels()),
                new Weight("decay", Format.F32, 1, valueHeads, bytes(spread(valueHeads, 2))), weight(1, valueHeads),
                new StateSpec.Recurrent("s", valueHeads, dk, dv), shape, norm(dv));
        for (int h = 0; h < valueHeads; h++)
            parts.decay().data().setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, h, -Math.abs(parts.decay().data().getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, h)));
        int out = valueHeads * dv;
        compare(List.of(parts.memory(), parts.window()), new int[] {shape.channels(), valueHeads, valueHeads, out}, JOURNEY, 5e-6, (ops, in) -> {
            Buf y = ops.rows(out);
            ops.deltaNet(y, in[0], in[1], in[2], in[3], parts);
            return of(y);
        });
    }

    // ---- mixture of experts

    @ParameterizedTest @CsvSource({"8,3,NORMALISED", "8,3,RAW", "37,5,RAW", "16,16,NORMALISED", "5,1,RAW"})
    void mixtureOfExperts(int experts, int used, Routing.Weights kind) {
        Weight gate = experts(experts, 9, 21), up = experts(experts, 9, 21), down = experts(experts, 21, 9);
        Stage.Score score = (ops, in) -> {
            Buf y = ops.rows(21);
            ops.experts(y, in[0], ops.route(in[1], used, kind), gate, up, down);
            return of(y);
        };
        compare(List.of(), new int[] {21, experts}, JOURNEY, TOLERANCE, score);
        // equal logits: the lower index
        compare(List.of(), new int[] {21, experts}, JOURNEY, TOLERANCE, score, (i, n) -> {
            float[] x = floats(n);
            for (int j = 0; i == 1 && j < n; j++) x[j] = Math.round(x[j]);
            return x;
        });
    }

    /** The shared expert like the others, unlike them, and none. */
    @ParameterizedTest @CsvSource({"8,3,9", "5,2,7", "6,6,0"})
    void mixture(int experts, int used, int sharedHidden) {
        Mixture.Shared shared = sharedHidden == 0 ? null
                : new Mixture.Shared(weight(1, 21), weight(sharedHidden, 21), weight(sharedHidden, 21), weight(21, sharedHidden));
        Mixture m = new Mixture(weight(experts, 21), experts(experts, 9, 21), experts(experts, 9, 21), experts(experts, 21, 9), used,
                Routing.Weights.NORMALISED, shared);
        Norm norm = norm(21);
        compare(List.of(), new int[] {21}, JOURNEY, TOLERANCE, (ops, in) -> {
            ops.mixture(in[0], norm, m);
            return in;
        });
    }

    // ---- state

    @Test void aSlotUsedAgainGivesTheSameNumbers() {
        DeltaShape shape = new DeltaShape(1, 2, 16, 16, DeltaShape.HeadOrder.GROUPED);
        StateSpec.Recurrent s = new StateSpec.Recurrent("s", 2, 16, 16);
        StateSpec.Window window = new StateSpec.Window("w", 4, shape.channels());
        StateSpec.Kv kv = new StateSpec.Kv("kv", 1, 16);
        Weight w = weight(shape.channels(), 4);
        int[] widths = {shape.channels(), 2, 16};
        Stage.Score score = (ops, in) -> {
            Buf c = ops.rows(shape.channels()), y = ops.rows(32), z = ops.rows(16);
            ops.causalConvSilu(c, in[0], w, window);
            ops.deltaRule(y, c, in[1], in[1], s, shape);
            ops.appendKv(kv, in[2], in[2]);
            ops.attention(z, in[2], kv, 1);
            return of(c, y, z);
        };
        try (Stage player = open(List.of(s, window, kv), SLOTS)) {
            int[] lengths = new int[SLOTS];
            StepPlan first = plan(new int[] {0, 70, 0}, lengths, player);
            float[][] in = new float[3][];
            for (int i = 0; i < 3; i++) in[i] = spread(70 * widths[i], 0.5f);
            float[][] before = player.play(first, widths, in, score);
            player.clear(1);
            float[][] after = player.play(first, widths, in, score);
            for (int i = 0; i < before.length; i++) assertArrayEquals(before[i], after[i]);
        }
    }
}
