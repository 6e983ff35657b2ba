package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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

/** The recorder hands products of many rows to cuBLAS, where operands may be rounded; the vocabulary stays what it is. */
class LibraryOpsTest {
    /** Some roundings to eleven bits, beside the largest result. */
    private static final double TOLERANCE = 2e-3;
    private static final Traits TRAITS = new Traits(Traits.Shape.WARPS, 64, true, false, true);
    private static final int DIM = 46;
    private static final int HIDDEN = 68;

    private final Random random = new Random(3);
    private final Norm norm = new Norm(weight(Format.F32, 1, DIM), 1e-6f);

    private float[] floats(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = (float) random.nextGaussian();
        return x;
    }

    private Weight weight(Format format, int rows, int cols) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[(int) (rows * format.rowBytes(cols))]);
        for (int i = 0; i < rows * cols; i++) {
            float v = (float) (random.nextGaussian() / Math.sqrt(cols));
            if (format == Format.F32) bytes.set(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 4L * i, v);
            else bytes.set(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 2L * i, (short) (Float.floatToRawIntBits(v) >>> 16));
        }
        return new Weight("w", format, rows, cols, bytes);
    }

    private static StepPlan plan(int... rows) {
        StepPlan.Builder plan = new StepPlan.Builder();
        for (int slot = 0; slot < rows.length; slot++) plan.add(slot, 0, new int[rows[slot]], 0, rows[slot], StepPlan.Want.ALL);
        return plan.build();
    }

    private void compare(int width, Stage.Score score) {
        compare(new int[] {width}, TOLERANCE, score);
    }

    private void compare(int[] widths, double tolerance, Stage.Score score) {
        compare(TRAITS, widths, tolerance, score);
    }

    private void compare(Traits traits, int[] widths, double tolerance, Stage.Score score) {
        assumeTrue(TestDevice.hasLibrary(), "no cuBLAS here");
        try (Stage player = new TornadoStage(traits, 3, 80); Stage definition = new PlainOps()) {
            for (StepPlan plan : List.of(plan(5, 66, 1), plan(3))) {
                definition.clear(0);
                player.clear(0);
                float[][] in = Arrays.stream(widths).mapToObj(w -> floats(plan.rows() * w)).toArray(float[][]::new);
                float[][] expected = definition.play(plan, widths, in, score), actual = player.play(plan, widths, in, score);
                assertEquals(expected.length, actual.length);
                for (int i = 0; i < expected.length; i++) OpsContract.assertClose(expected[i], actual[i], tolerance, plan.rows() + " rows, result " + i);
            }
        }
    }

    /** Stacked where formats allow it; one product's rows have another width, and one's width is odd. */
    @Test void projections() {
        Weight[] w = {weight(Format.BF16, HIDDEN, DIM), weight(Format.F32, 3, DIM), weight(Format.BF16, 8, DIM)};
        Weight back = weight(Format.BF16, DIM, HIDDEN), odd = weight(Format.F32, 5, 3);
        compare(DIM, (ops, in) -> {
            Buf[] y = {ops.rows(HIDDEN), ops.rows(3), ops.rows(8)};
            ops.normMatmul(y, in[0], norm, w);
            Buf z = ops.rows(5);
            ops.matmul(z, y[1], odd);
            ops.matmulAdd(in[0], y[0], back);
            return new Buf[] {y[0], y[1], y[2], z, in[0]};
        });
    }

    @Test void feedForward() {
        Weight gate = weight(Format.BF16, HIDDEN, DIM), up = weight(Format.BF16, HIDDEN, DIM), down = weight(Format.F32, DIM, HIDDEN);
        compare(DIM, (ops, in) -> {
            Buf h = ops.rows(HIDDEN);
            ops.normSwiGlu(h, in[0], norm, gate, up);
            ops.matmulAdd(in[0], h, down);
            return in;
        });
    }

    /** As a block with a shared expert has it: plain norm, products, SwiGLU by itself. */
    @Test void unfused() {
        Weight gate = weight(Format.BF16, HIDDEN, DIM), up = weight(Format.F32, HIDDEN, DIM), down = weight(Format.BF16, DIM, HIDDEN);
        compare(DIM, (ops, in) -> {
            Buf n = ops.rows(DIM), h = ops.rows(HIDDEN), u = ops.rows(HIDDEN), y = ops.rows(DIM);
            ops.rmsNorm(n, in[0], norm);
            ops.matmul(new Buf[] {h, u}, n, new Weight[] {gate, up});
            ops.siluMul(h, u);
            ops.matmul(y, h, down);
            Buf chosen = ops.outputs(y), z = ops.rows(HIDDEN);
            ops.normMatmul(new Buf[] {z}, chosen, norm, new Weight[] {gate});
            return new Buf[] {y, z};
        });
    }

    private DeltaParts deltaParts(DeltaShape shape) {
        Weight decay = weight(Format.F32, 1, 4);
        for (int h = 0; h < 4; h++) decay.data().set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * h, -0.3f * (h + 1));
        return new DeltaParts(weight(Format.F32, shape.channels(), 4), new StateSpec.Window("w", 4, shape.channels()), decay,
                weight(Format.F32, 1, 4), new StateSpec.Recurrent("s", 4, 16, 12), shape, new Norm(weight(Format.F32, 1, 12), 1e-6f));
    }

    private static Stage.Score deltaNet(DeltaParts parts, Weight out) {
        return (ops, in) -> {
            ops.deltaNetAdd(in[4], in[0], in[1], in[2], in[3], parts, out);
            return new Buf[] {in[4]};
        };
    }

    /** The norm of DeltaNet's heads is an operand and nothing else. */
    @Test void deltaNet() {
        DeltaShape shape = new DeltaShape(2, 4, 16, 12, DeltaShape.HeadOrder.GROUPED);
        compare(new int[] {shape.channels(), 4, 4, 48, DIM}, 2 * TOLERANCE, deltaNet(deltaParts(shape), weight(Format.BF16, DIM, 48)));
    }

    /** A token of each sequence: one task leaves the operand, in BF16 where the matrices are. */
    @ParameterizedTest @ValueSource(booleans = {false, true}) void deltaNetOfSequences(boolean brains) {
        assumeTrue(TestDevice.hasLibrary(), "no cuBLAS here");
        DeltaShape shape = new DeltaShape(2, 4, 16, 12, DeltaShape.HeadOrder.TILED);
        int[] widths = {shape.channels(), 4, 4, 48, DIM};
        Stage.Score score = deltaNet(deltaParts(shape), weight(Format.BF16, DIM, 48));
        try (Stage player = new TornadoStage(brains ? TRAITS.withBrains() : TRAITS, 8, 8, true); Stage definition = new PlainOps()) {
            for (int step = 0; step < 6; step++) {
                StepPlan.Builder plan = new StepPlan.Builder();
                if (step == 4) definition.clear(3);
                for (int slot = 7; slot >= 0; slot--) plan.add(slot, slot == 3 ? step % 4 : step, new int[1], 0, 1, StepPlan.Want.ALL);
                StepPlan rows = plan.build();
                float[][] in = Arrays.stream(widths).mapToObj(w -> floats(rows.rows() * w)).toArray(float[][]::new);
                float[][] expected = definition.play(rows, widths, in, score), actual = player.play(rows, widths, in, score);
                OpsContract.assertClose(expected[0], actual[0], (brains ? 8 : 2) * TOLERANCE, "step " + step);
            }
        }
    }

    /** All matrices are in BF16: rows are rounded to eight bits, and what is multiplied twice is so twice. */
    @Test void inBanks() {
        int dim = 48, hidden = 64;
        Norm before = new Norm(weight(Format.F32, 1, dim), 1e-6f);
        Weight[] w = {weight(Format.BF16, hidden, dim), weight(Format.BF16, 8, dim)};
        Weight gate = weight(Format.BF16, hidden, dim), up = weight(Format.BF16, hidden, dim), down = weight(Format.BF16, dim, hidden);
        compare(TRAITS.withBrains(), new int[] {dim}, 8 * TOLERANCE, (ops, in) -> {
            Buf[] y = {ops.rows(hidden), ops.rows(8)};
            ops.normMatmul(y, in[0], before, w);
            ops.matmulAdd(in[0], y[0], down);
            Buf h = ops.rows(hidden), z = ops.rows(hidden);
            ops.normSwiGlu(h, in[0], before, gate, up);
            ops.matmulAdd(in[0], h, down);
            ops.normMatmul(new Buf[] {z}, ops.outputs(in[0]), before, new Weight[] {gate});
            return new Buf[] {y[0], y[1], in[0], z};
        });
    }
}
