package squall.tornado;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Golden;

/** What is recorded for a shape of kernels holds nothing that the backends of that shape refuse, or compile to something else. */
@Tag("checker")
class BackendsTest {
    private static final EngineOptions OPTIONS = new EngineOptions(32, 1, 16, 1, KvFormat.F32, KvFormat.F32);

    @AfterEach void anyBackend() {
        System.clearProperty("squall.checker.backend");
    }

    /** Every kind of block is in these two. The checker refuses a task when it is recorded. */
    @ParameterizedTest @CsvSource({"opencl, ROWS", "opencl, GROUPS", "cuda, GROUPS", "cuda, WARPS"})
    void recordsWhatTheBackendHas(String backend, Traits.Shape shape) {
        System.setProperty("squall.checker.backend", backend);
        for (String name : new String[] {"qwen3_5_moe", "qwen3_next"})
            try (Golden golden = new Golden(name)) {
                new TornadoExecutor(golden.model(), null, OPTIONS, new Traits(shape, 64, false)).close();
            }
    }
}
