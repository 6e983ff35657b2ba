package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.Golden;
import squall.engine.Logits;
import squall.engine.Meter;
import squall.ops.StepPlan;
import squall.ops.StepPlan.Want;
import squall.sample.Sampling;
import squall.sample.Wish;

/** A step whose tasks are recorded in a row says what the reference implementation says, and what layer by layer gives. */
class WholeStepTest {
    private static final double TOLERANCE = 1e-4;
    private static final int PROMPT = 4;
    private static final int SLOTS = 3;

    private static Executor open(Golden golden) {
        EngineOptions options = new EngineOptions(64, SLOTS, 70, 1, KvFormat.F32, KvFormat.F32);
        return new TornadoExecutor(golden.model(), null, options, new Traits(Traits.Shape.WARPS, 32, false, true, TestDevice.hasLibrary()));
    }

    private static StepPlan rows(int[] slots, int[] positions, int[] ids, Want want) {
        StepPlan.Builder plan = new StepPlan.Builder();
        for (int i = 0; i < slots.length; i++) plan.add(slots[i], positions[i], ids, positions[i], positions[i] + 1, want);
        return plan.build();
    }

    private static void agrees(Logits logits, int row, double[] expected, int position) {
        int vocab = logits.vocab();
        double largest = 0, worst = 0;
        for (int i = 0; i < vocab; i++) {
            largest = Math.max(largest, Math.abs(expected[position * vocab + i]));
            worst = Math.max(worst, Math.abs(expected[position * vocab + i] - logits.values()[row * vocab + i]));
        }
        assertTrue(worst <= TOLERANCE * largest, "row " + row + " at " + position + ": off by " + worst / largest);
    }

    private static int best(double[] expected, int position, int vocab) {
        int best = 0;
        for (int i = 1; i < vocab; i++) if (expected[position * vocab + i] > expected[position * vocab + best]) best = i;
        return best;
    }

    @ParameterizedTest @ValueSource(strings = {"qwen3_5", "qwen3_5_moe"})
    void oneRowAndSeveralSequences(String name) {
        assumeTrue(TestDevice.hasWarps(), "the device has no warps");
        try (Golden golden = new Golden(name); Executor executor = open(golden)) {
            int[] ids = golden.ids();
            double[] expected = golden.logits();
            int vocab = expected.length / ids.length;
            for (int slot = 0; slot < SLOTS; slot++) executor.clear(slot);
            for (int p = 0; p < PROMPT; p++) agrees(executor.step(rows(new int[] {0}, new int[] {p}, ids, Want.LAST), null), 0, expected, p);
            // of two other sequences one is a token behind
            executor.step(rows(new int[] {1}, new int[] {0}, ids, Want.NONE), null);
            Logits three = executor.step(rows(new int[] {2, 0, 1}, new int[] {0, PROMPT, 1}, ids, Want.LAST), null);
            agrees(three, 0, expected, 0);
            agrees(three, 1, expected, PROMPT);
            agrees(three, 2, expected, 1);
            // a device that repeats what was taken down does so from the second step on
            for (int p = 1; p < PROMPT; p++) {
                StepPlan next = rows(new int[] {1, 2}, new int[] {p + 1, p}, ids, Want.LAST);
                int[] drawn = executor.draw(next, Collections.nCopies(2, new Wish(Sampling.GREEDY, 0, vocab)));
                assertEquals(List.of(best(expected, p + 1, vocab), best(expected, p, vocab)), List.of(drawn[0], drawn[1]));
            }
            // a meter has every task by itself
            try (Meter meter = executor.meter()) {
                agrees(executor.step(rows(new int[] {0}, new int[] {PROMPT + 1}, ids, Want.LAST), null), 0, expected, PROMPT + 1);
                assertTrue(meter.take().costs().size() > 3);
            }
            agrees(executor.step(rows(new int[] {0}, new int[] {PROMPT + 2}, ids, Want.LAST), null), 0, expected, PROMPT + 2);
        }
    }
}
