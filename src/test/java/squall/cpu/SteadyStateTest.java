package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import squall.engine.Engine;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.Golden;
import squall.engine.Request;
import squall.ops.StepPlan;
import squall.ops.StepPlan.Want;
import squall.sample.Sampler;
import squall.sample.Sampling;

/** Decoding makes no garbage, so that no pause of the collector falls into an answer: bytes that the whole team allocates. */
@Tag("alone")
class SteadyStateTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int FROM = 20;
    private static final int TO = 150;
    /** Vectors are objects until the compiler has seen the kernels, which takes some thousand steps of models as small as these. */
    private static final int MOST_ROUNDS = 60;
    /**
     * Bytes a step, whatever the model: the record of the logits, the two lists of the head, what iterators the compiler leaves.
     * That is 105 to 265 in the JVM of its own that this test gets.
     */
    private static final long OF_A_STEP = 512;
    /**
     * Bytes a token, whatever the model: the engine's plan of the step and the sequence's bookkeeping. That is 880 to 960, with
     * other programs at work too.
     */
    private static final long OF_A_TOKEN = 1536;

    @ParameterizedTest @ValueSource(strings = {"qwen3", "qwen3_moe", "qwen3_5", "qwen3_5_moe"})
    void decodingAllocatesNothing(String name) {
        EngineOptions options = new EngineOptions(256, 1, 64, 2, KvFormat.F16, KvFormat.F16);
        try (Golden golden = new Golden(name); Executor executor = new CpuExecutor(golden.model(), options)) {
            int[] ids = golden.ids();
            List<StepPlan> plans = new ArrayList<>();
            for (int at = FROM; at < TO; at++) plans.add(new StepPlan.Builder().add(0, at, ids, at, at + 1, Want.LAST).build());
            long[] team = team();
            long each = Long.MAX_VALUE;
            for (int round = 0; round < MOST_ROUNDS && each > OF_A_STEP; round++) {
                executor.clear(0);
                Golden.step(executor, 0, ids, 0, FROM);
                long before = allocated(team);
                for (int i = 0; i < plans.size(); i++) executor.step(plans.get(i), null);
                each = (allocated(team) - before) / plans.size();
            }
            assertTrue(each <= OF_A_STEP, each + " bytes a step");
        }
    }

    /** The same through the engine: plan, sampler and all. */
    @Test void generatingAllocatesTheSameLittleForEveryModel() {
        for (String name : new String[] {"qwen3", "qwen3_5"}) {
            EngineOptions options = new EngineOptions(256, 1, 64, 2, KvFormat.F16, KvFormat.F16);
            try (Golden golden = new Golden(name);
                 Engine engine = new Engine(new CpuExecutor(golden.model(), options), options, golden.model().config().vocab(), Engine.Reuse.OFF)) {
                long[] team = team();
                long each = Long.MAX_VALUE;
                for (int round = 0; round < MOST_ROUNDS && each > OF_A_TOKEN; round++) each = ofAToken(engine, golden, team);
                assertTrue(each <= OF_A_TOKEN, name + ": " + each + " bytes a token");
            }
        }
    }

    private static long ofAToken(Engine engine, Golden golden, long[] team) {
        long[] ends = new long[2];
        int[] n = {0};
        Request.TextStream text = new Request.TextStream() {
            @Override public String add(int id) {
                return "";
            }

            @Override public String end() {
                return "";
            }
        };
        Sampler sampler = new Sampler(Sampling.GREEDY.withTemperature(1), 7, golden.model().config().vocab(), new int[0]);
        engine.run(engine.submit(new Request(Arrays.copyOf(golden.ids(), FROM), 0, sampler, TO - FROM, Set.of(), List.of(), text,
                (_, _) -> {
                    if (n[0] == 0 || n[0] == TO - FROM - 1) ends[n[0] == 0 ? 0 : 1] = allocated(team);
                    n[0]++;
                })));
        return (ends[1] - ends[0]) / (TO - FROM - 1);
    }

    /** This thread, which is worker 0, and the others. */
    private static long[] team() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t == Thread.currentThread() || t.getName().startsWith("squall-worker")).mapToLong(Thread::threadId).toArray();
    }

    private static long allocated(long[] team) {
        return Arrays.stream(THREADS.getThreadAllocatedBytes(team)).sum();
    }
}
