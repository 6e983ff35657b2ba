package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import squall.cpu.CpuProvider;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.Golden;
import squall.engine.MemoryPlan;
import squall.engine.Placement;
import squall.engine.SplitExecutor;

/** A model shared with the CPU player says what the reference implementation says. */
class TornadoSplitTest {
    /** Of the largest logit, as for the whole model on the device. */
    private static final double TOLERANCE = 1e-4;

    /** rows: of a piece; with at most 8 only the graphs of few rows are compiled. The last rows come one by one. */
    private static void agrees(String name, Placement placement, int rows) {
        EngineOptions options = new EngineOptions(128, 1, 32, 1, KvFormat.F32, KvFormat.F32);
        Traits traits = new Traits(Traits.Shape.GROUPS, 64, false);
        try (Golden golden = new Golden(name);
             Executor executor = new SplitExecutor(golden.model(), placement, List.of(
                     new TornadoExecutor(placement.part(golden.model(), 0), null, options, traits),
                     new CpuProvider().openPart(placement.part(golden.model(), 1), "cpu", options)))) {
            int[] ids = golden.ids();
            double[] expected = golden.logits();
            int vocab = expected.length / ids.length;
            executor.clear(0);
            assertEquals(MemoryPlan.stateBytes(golden.model().config()), executor.stateBytes());
            for (int from = 0, to; from < 2 * rows + 2; from = to) {
                to = from < 2 * rows ? from + rows : from + 1;
                double error = Golden.error(Golden.step(executor, 0, ids, from, to), expected, from, to - from, vocab);
                assertTrue(error <= TOLERANCE, "at " + from + ": error " + error);
            }
        }
    }

    @Test void layersOnTheDeviceFirst() {
        agrees("qwen3_5", Placement.ofLayers(List.of(2, 2)), 6);
    }

    @Test void layersOnTheDeviceLast() {
        Placement placement = Placement.ofLayers(List.of(4, 0));
        for (int block = 0; block <= Placement.feedForward(1); block++) placement = placement.with(block, 1);
        agrees("qwen3_5", placement, 6);
    }

    @Test void expertsElsewhere() {
        Placement placement = Placement.ofLayers(List.of(4, 0));
        for (int l = 0; l < 4; l++) placement = placement.with(Placement.feedForward(l), 1);
        agrees("qwen3_5_moe", placement, 11);
    }
}
