package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.Golden;
import squall.engine.Meter;
import squall.ops.StepPlan;

/** What a token sends to the device and takes from it, by TornadoVM's own counters: nothing that stays there. */
class TransferTest {
    private static final int MOST_UP = 4096;
    private static final int MOST_DOWN = 64;

    /** What one row of decode moves after so many others; logits are asked for or not. */
    private static Meter.Reading decode(Executor executor, int[] ids, int depth, StepPlan.Want want) {
        executor.clear(0);
        executor.step(new StepPlan.Builder().add(0, 0, ids, 0, depth, StepPlan.Want.NONE).build(), null);
        try (Meter meter = executor.meter()) {
            executor.step(new StepPlan.Builder().add(0, depth, ids, depth, depth + 1, want).build(), null);
            return meter.take();
        }
    }

    @Test void aTokenMovesLittleWhateverTheContext() {
        // the checker counts every access: less is enough there
        String[] names = TestDevice.isReal() ? new String[] {"qwen3", "qwen3_5"} : new String[] {"qwen3_5"};
        int far = TestDevice.isReal() ? 100 : 9;
        for (String name : names) {
            EngineOptions options = new EngineOptions(256, 2, 128, 1, KvFormat.F32, KvFormat.F32);
            try (Golden golden = new Golden(name);
                 Executor executor = new TornadoExecutor(golden.model(), null, options, new Traits(Traits.Shape.GROUPS, 64, false))) {
                int[] ids = golden.ids();
                Meter.Reading early = decode(executor, ids, 2, StepPlan.Want.NONE);
                Meter.Reading late = decode(executor, ids, far, StepPlan.Want.NONE);
                assertTrue(early.bytesUp() > 0 && early.bytesUp() < MOST_UP, name + ": " + early.bytesUp() + " bytes up");
                assertTrue(early.bytesDown() < MOST_DOWN, name + ": " + early.bytesDown() + " bytes down");
                assertEquals(early.bytesUp(), late.bytesUp(), name);
                assertEquals(early.bytesDown(), late.bytesDown(), name);
                Meter.Reading asked = decode(executor, ids, 2, StepPlan.Want.LAST);
                int logits = Float.BYTES * golden.model().config().vocab();
                assertTrue(asked.bytesDown() - logits < MOST_DOWN, name + ": " + asked.bytesDown() + " bytes down for " + logits + " of logits");
                assertTrue(asked.bytesUp() < MOST_UP, name + ": " + asked.bytesUp() + " bytes up");
            }
        }
    }

    /** Bytes are told by layer type, and more weights are more bytes. */
    @Test void costsAreToldByLayerType() {
        EngineOptions options = new EngineOptions(64, 1, 16, 1, KvFormat.F32, KvFormat.F32);
        try (Golden golden = new Golden("qwen3_5");
             Executor executor = new TornadoExecutor(golden.model(), null, options, new Traits(Traits.Shape.GROUPS, 64, false))) {
            Meter.Reading r = decode(executor, golden.ids(), 3, StepPlan.Want.LAST);
            for (String part : new String[] {"GatedDeltaNet + DenseMlp", "GatedAttention + DenseMlp", "head"})
                assertTrue(r.costs().stream().anyMatch(c -> c.part().equals(part) && c.bytes() > 0 && c.nanos() >= 0), part + " of " + r.costs());
            assertTrue(r.nanos() > 0);
            if (TestDevice.isReal()) assertTrue(r.costs().stream().anyMatch(c -> c.task().startsWith("matmul")), r.costs().toString());
        }
    }
}
