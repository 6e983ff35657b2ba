package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.Golden;
import squall.ops.OpsContract;
import squall.ops.StepPlan;
import squall.ops.StepPlan.Want;

class CpuExecutorTest {
    private static final String HYBRID = "qwen3_5";

    private static CpuExecutor open(Golden golden, int threads, KvFormat keys, KvFormat values) {
        return new CpuExecutor(golden.model(), new EngineOptions(512, 3, 512, threads, keys, values));
    }

    private static StepPlan plan(int slot, int start, int... ids) {
        return new StepPlan.Builder().add(slot, start, ids, 0, ids.length, Want.LAST).build();
    }

    private static void refuses(CpuExecutor executor, StepPlan plan, String... said) {
        String message = assertThrows(IllegalArgumentException.class, () -> executor.step(plan, null)).getMessage();
        for (String s : said) assertTrue(message.contains(s), message);
    }

    @Test void refusesPlansThatDoNotFitAndChangesNothing() {
        try (Golden golden = new Golden(HYBRID); CpuExecutor executor = open(golden, 1, KvFormat.F32, KvFormat.F32)) {
            int[] ids = golden.ids();
            float[] first = Golden.step(executor, 1, ids, 0, 5);
            refuses(executor, plan(3, 0, 1), "slot 3 of 3");
            refuses(executor, plan(0, 2, 1), "slot 0 holds 0 positions", "starts at 2");
            refuses(executor, plan(1, 0, 1), "slot 1 holds 5 positions", "starts at 0");
            refuses(executor, plan(1, 5, 3, 256), "token id 256", "vocabulary of 256");
            refuses(executor, plan(1, 5, -1), "token id -1");
            refuses(executor, plan(0, 0, new int[513]), "513 positions", "512", "--ctx-size");
            float[] next = Golden.step(executor, 1, ids, 5, 20);
            executor.clear(1);
            assertArrayEquals(first, Golden.step(executor, 1, ids, 0, 5));
            assertArrayEquals(next, Golden.step(executor, 1, ids, 5, 20));
        }
    }

    @Test void bringsBackWhatIsAskedForOnly() {
        try (Golden golden = new Golden(HYBRID); CpuExecutor executor = open(golden, 2, KvFormat.F32, KvFormat.F32)) {
            int[] ids = golden.ids();
            float[] all = Golden.step(executor, 0, ids, 0, 30);
            StepPlan none = new StepPlan.Builder().add(1, 0, ids, 0, 29, Want.NONE).build();
            assertEquals(0, executor.step(none, null).rows());
            StepPlan last = new StepPlan.Builder().add(1, 29, ids, 29, 30, Want.LAST).add(2, 0, ids, 0, 30, Want.LAST).build();
            var logits = executor.step(last, null);
            assertEquals(2, logits.rows());
            assertEquals(256, logits.vocab());
            float[] expected = Arrays.copyOfRange(all, 29 * 256, 30 * 256);
            OpsContract.assertClose(expected, Arrays.copyOf(logits.values(), 256), 2e-5, "the row alone");
            OpsContract.assertClose(expected, Arrays.copyOfRange(logits.values(), 256, 512), 2e-5, "the last of many");
        }
    }

    /** Results do not depend on the number of threads, to the bit. */
    @ParameterizedTest @ValueSource(strings = {"qwen3", "qwen3_next"})
    void threadsDoNotChangeTheNumbers(String name) {
        try (Golden golden = new Golden(name); CpuExecutor one = open(golden, 1, KvFormat.F32, KvFormat.F32);
             CpuExecutor four = open(golden, 4, KvFormat.F32, KvFormat.F32)) {
            int[] ids = golden.ids();
            for (int from : new int[] {0, 100, 101, 102})
                assertArrayEquals(Golden.step(one, 0, ids, from, from == 0 ? 100 : from + 1),
                        Golden.step(four, 0, ids, from, from == 0 ? 100 : from + 1));
        }
    }

    @ParameterizedTest @ValueSource(strings = {"qwen3", HYBRID})
    void goesBackToWhereItWas(String name) {
        try (Golden golden = new Golden(name); CpuExecutor executor = open(golden, 2, KvFormat.F32, KvFormat.F32)) {
            int[] ids = golden.ids();
            Golden.step(executor, 0, ids, 0, 70);
            Object saved = executor.saveState(0);
            if (name.equals("qwen3")) assertNull(saved);
            assertEquals(saved == null, executor.stateBytes() == 0);
            float[] expected = Golden.step(executor, 0, ids, 70, 140);
            for (int again = 0; again < 2; again++) {
                executor.restoreState(0, 70, saved);
                assertArrayEquals(expected, Golden.step(executor, 0, ids, 70, 140));
            }
            assertThrows(IllegalArgumentException.class, () -> executor.restoreState(0, 141, saved));
            executor.clear(0);
            assertThrows(IllegalArgumentException.class, () -> executor.restoreState(0, 70, saved));
        }
    }

    /** What is skipped is not computed, and everything after it is as after a prompt: positions, kept states, pages. */
    @ParameterizedTest @ValueSource(strings = {"qwen3", HYBRID})
    void skipsToADepth(String name) {
        try (Golden golden = new Golden(name); CpuExecutor executor = open(golden, 2, KvFormat.F16, KvFormat.F16)) {
            int[] ids = golden.ids();
            float[] fresh = Golden.step(executor, 1, ids, 0, 20);
            assertTrue(executor.skipTo(0, 100));
            refuses(executor, plan(0, 99, 1), "slot 0 holds 100 positions");
            Object saved = executor.saveState(0);
            float[] first = Golden.step(executor, 0, ids, 100, 110);
            for (float logit : first) assertTrue(Float.isFinite(logit));
            executor.restoreState(0, 100, saved);
            assertArrayEquals(first, Golden.step(executor, 0, ids, 100, 110));
            for (int length : new int[] {109, 513, -1}) {
                String message = assertThrows(IllegalArgumentException.class, () -> executor.skipTo(0, length)).getMessage();
                assertTrue(message.contains("from 110 positions to " + length), message);
            }
            assertTrue(executor.skipTo(0, 140));
            Golden.step(executor, 0, ids, 140, 150);
            executor.clear(1);
            assertArrayEquals(fresh, Golden.step(executor, 1, ids, 0, 20));
        }
    }

    @Test void refusesAStateThatIsNotTheSequencesOwn() {
        try (Golden golden = new Golden(HYBRID); CpuExecutor executor = open(golden, 1, KvFormat.F32, KvFormat.F32)) {
            int[] ids = golden.ids();
            Golden.step(executor, 0, ids, 0, 10);
            Golden.step(executor, 1, ids, 0, 10);
            Object saved = executor.saveState(0);
            Golden.step(executor, 0, ids, 10, 20);
            assertThrows(IllegalArgumentException.class, () -> executor.restoreState(0, 10, null));
            assertThrows(IllegalArgumentException.class, () -> executor.restoreState(0, 9, saved));
            assertThrows(IllegalArgumentException.class, () -> executor.restoreState(1, 10, saved));
            executor.clear(0);
            Golden.step(executor, 0, ids, 0, 20);
            assertThrows(IllegalArgumentException.class, () -> executor.restoreState(0, 10, saved));
        }
    }

    @Test void aStepThatFailsLeavesItsSlotsUnusableUntilCleared() {
        try (Golden golden = new Golden(HYBRID); CpuExecutor executor = open(golden, 2, KvFormat.F32, KvFormat.F32)) {
            int[] ids = golden.ids();
            float[] expected = Golden.step(executor, 0, ids, 0, 40);
            IllegalStateException broken = new IllegalStateException("tap");
            assertSame(broken, assertThrows(IllegalStateException.class, () -> executor.step(plan(0, 40, 1, 2), (p, x, r, w) -> {
                if (p == 2) throw broken;
            })));
            refuses(executor, plan(0, 42, 1), "slot 0", "clear it");
            executor.clear(0);
            assertArrayEquals(expected, Golden.step(executor, 0, ids, 0, 40));
        }
    }

    /**
     * Keys and values in fewer bits: the logits move by their rounding (2^-11 of each number for halves, 1/254 of the
     * largest of 32 for q8_0) times what three to four layers make of it, at most 10 on these networks.
     */
    @ParameterizedTest @CsvSource({"qwen3, F16, F16, 0x1p-11", "qwen3_yarn, Q8_0, Q8_0, 0x1.02p-8", "qwen3_tied, F16, Q8_0, 0x1.02p-8",
        "qwen3_5, F16, F16, 0x1p-11", "qwen3_5_tied, Q8_0, F16, 0x1.02p-8", "qwen3_next, Q8_0, Q8_0, 0x1.02p-8"})
    void cacheFormatsRound(String name, KvFormat keys, KvFormat values, double rounding) {
        try (Golden golden = new Golden(name); CpuExecutor executor = open(golden, 2, keys, values)) {
            int[] ids = golden.ids();
            double[] expected = golden.logits();
            int vocab = expected.length / ids.length;
            for (int from = 0; from < ids.length; from += 50) {
                double error = Golden.error(Golden.step(executor, 0, ids, from, from + 50), expected, from, 50, vocab);
                assertTrue(error <= 10 * rounding, "error " + error);
                assertTrue(error > 2e-5 || name.startsWith("qwen3_"), "is the cache in " + keys + "? error " + error);
            }
        }
    }

    @Test void isFoundAsTheProviderOfTheCpu() {
        ExecutorProvider cpu = ServiceLoader.load(ExecutorProvider.class).stream().map(ServiceLoader.Provider::get)
                .filter(p -> p.name().equals("cpu")).findFirst().orElseThrow();
        assertNull(cpu.whyUnavailable());
        ExecutorProvider.Device device = cpu.devices().getFirst();
        assertTrue(device.memoryBytes() > 0 && device.computeUnits() > 0 && !device.name().isBlank());
        try (Golden golden = new Golden("qwen3");
             Executor executor = cpu.open(golden.model(), device.id(), new EngineOptions(64, 2, 8, 0, KvFormat.F16, KvFormat.F16))) {
            assertEquals(2, executor.slots());
        }
    }
}
