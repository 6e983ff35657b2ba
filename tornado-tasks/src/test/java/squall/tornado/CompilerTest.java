package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.Golden;
import squall.ops.StepPlan;
import squall.ops.StepPlan.Want;

/** Equal tasks are compiled once, and nothing is compiled again. What comes of it is what TornadoVM makes: the golden tests say so. */
class CompilerTest {

    private static void step(Executor executor, int[] ids) {
        executor.clear(0);
        executor.step(new StepPlan.Builder().add(0, 0, ids, 0, ids.length, Want.LAST).build(), null);
    }

    @Test void equalTasksAreCompiledOnce() {
        Traits.Shape shape = TestDevice.hasWarps() ? Traits.Shape.WARPS : Traits.Shape.GROUPS;
        try (Golden golden = new Golden("qwen3_5");
             Executor executor = new TornadoExecutor(golden.model(), null, new EngineOptions(64, 1, 20, 1, KvFormat.F32, KvFormat.F32), TestDevice.traits(shape))) {
            if (!TestDevice.isReal()) {
                assertEquals(0, executor.readiness().tasks(), "the checker runs Java");
                return;
            }
            step(executor, Arrays.copyOf(golden.ids(), 20));
            Executor.Readiness first = executor.readiness();
            step(executor, Arrays.copyOf(golden.ids(), 20));
            Executor.Readiness second = executor.readiness();
            assertEquals(first.kernels(), second.kernels());
            assertEquals(first.tasks(), second.tasks());
            // where whole steps are recorded, every layer has its own tasks
            int often = TestDevice.hasWarps() ? 4 : 3;
            assertTrue(first.kernels() > 20 && 3 * first.tasks() > often * first.kernels() && first.compiled() > 0, first.toString());
        }
    }
}
