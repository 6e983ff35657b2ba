package squall.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import squall.engine.EngineOptions.KvFormat;
import squall.model.Model;
import squall.ops.StepPlan;

/** The whole model against the reference implementation in double precision, for every player. */
public abstract class GoldenContract {
    /** Puts a model on the player: KV in float32. */
    protected abstract Executor open(Model model, EngineOptions options);

    /** {@code max |a - b| / max |b|} that is allowed; a bug shows as 1e-2. */
    protected abstract double tolerance();

    /** How many of the checkpoint's tokens go in pieces; fewer for players that count every access. */
    protected int tokens(int all) {
        return all;
    }

    private static String[] names() {
        return Golden.NAMES;
    }

    @ParameterizedTest @MethodSource("names")
    void agrees(String name) {
        EngineOptions options = new EngineOptions(512, 3, 512, 2, KvFormat.F32, KvFormat.F32);
        try (Golden golden = new Golden(name); Executor executor = open(golden.model(), options)) {
            int[] ids = golden.ids();
            double[] expected = golden.logits();
            // slot 0 is used again each time
            executor.clear(0);
            atOnce(golden, executor, ids, expected);
            int n = tokens(ids.length);
            for (int piece : new int[] {1, 7, 64, 65}) {
                executor.clear(0);
                for (int from = 0; from < n; from += piece)
                    check(executor, ids, expected, from, Math.min(n, from + piece), "in pieces of " + piece);
            }
            interleaved(executor, Arrays.copyOf(ids, n), Arrays.copyOf(expected, n * (expected.length / ids.length)));
        }
    }

    private void check(Executor executor, int[] ids, double[] expected, int from, int to, String how) {
        int vocab = expected.length / ids.length;
        double error = Golden.error(Golden.step(executor, 0, ids, from, to), expected, from, to - from, vocab);
        assertTrue(error <= tolerance(), how + ", at " + from + ": error " + error);
    }

    /** The whole prompt in one step; the residual stream after every layer, so that a bug shows where it is. */
    private void atOnce(Golden golden, Executor executor, int[] ids, double[] reference) {
        float[] hidden = golden.hidden();
        int dim = golden.model().config().dim();
        int[] seen = {0};
        StepPlan plan = new StepPlan.Builder().add(0, 0, ids, 0, ids.length, StepPlan.Want.ALL).build();
        Logits logits = executor.step(plan, (point, x, rows, width) -> {
            assertEquals(seen[0]++, point);
            assertEquals(dim, width);
            double[] expected = new double[rows * width];
            for (int i = 0; i < expected.length; i++) expected[i] = hidden[point * rows * width + i];
            double error = Golden.error(x, expected, 0, rows, width);
            assertTrue(error <= 1e-4, "after layer " + point + ": error " + error);
        });
        assertEquals(hidden.length, seen[0] * ids.length * dim);
        double error = Golden.error(logits.values(), reference, 0, ids.length, logits.vocab());
        assertTrue(error <= tolerance(), "at once: error " + error);
    }

    /** Three sequences share the steps, in pieces of random length: the golden one, itself shifted, and another. */
    private void interleaved(Executor executor, int[] ids, double[] expected) {
        Random random = new Random(5);
        int vocab = expected.length / ids.length;
        int[] other = random.ints(ids.length, 0, vocab).toArray();
        int[][] all = {other, ids, ids};
        int[] at = new int[3];
        for (int slot = 0; slot < 3; slot++) executor.clear(slot);
        while (at[1] < ids.length || at[2] < ids.length) {
            StepPlan.Builder plan = new StepPlan.Builder();
            int[] rows = new int[3];
            for (int slot = 0; slot < 3; slot++) {
                rows[slot] = Math.min(ids.length - at[slot], random.nextInt(3) == 0 ? 1 : random.nextInt(40));
                if (rows[slot] > 0) plan.add(slot, at[slot], all[slot], at[slot], at[slot] + rows[slot], StepPlan.Want.ALL);
            }
            if (Arrays.stream(rows).sum() == 0) continue;
            float[] logits = executor.step(plan.build(), null).values();
            int row = 0;
            for (int slot = 0; slot < 3; slot++) {
                if (slot > 0) {
                    float[] own = Arrays.copyOfRange(logits, row * vocab, (row + rows[slot]) * vocab);
                    double error = Golden.error(own, expected, at[slot], rows[slot], vocab);
                    assertTrue(error <= tolerance(), "interleaved, slot " + slot + " at " + at[slot] + ": error " + error);
                }
                row += rows[slot];
                at[slot] += rows[slot];
            }
        }
    }
}
