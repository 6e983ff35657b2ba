package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.Golden;
import squall.engine.GoldenContract;
import squall.engine.PartExecutor;
import squall.engine.Placement;
import squall.engine.SplitExecutor;
import squall.model.Model;

/** A model on two devices against the reference implementation: every feed-forward part, and the last layer, on the second. */
class SplitGoldenTest extends GoldenContract {

    @Override protected Executor open(Model model, EngineOptions options) {
        int layers = model.layers().size();
        Placement placement = Placement.ofLayers(List.of(layers - 1, 1));
        for (int l = 0; l < layers; l++) placement = placement.with(Placement.feedForward(l), 1);
        return split(model, options, placement);
    }

    private static SplitExecutor split(Model model, EngineOptions options, Placement placement) {
        List<PartExecutor> parts = IntStream.range(0, 2)
                .mapToObj(d -> (PartExecutor) new CpuExecutor(placement.part(model, d), options)).toList();
        return new SplitExecutor(model, placement, parts);
    }

    /** As on one device. */
    @Override protected double tolerance() {
        return 2e-5;
    }

    @Test void statesAreKeptAndRestoredOnEveryDevice() {
        EngineOptions options = new EngineOptions(512, 2, 512, 1, KvFormat.F32, KvFormat.F32);
        try (Golden golden = new Golden("qwen3_5");
             Executor whole = new CpuExecutor(golden.model(), options);
             Executor split = split(golden.model(), options, Placement.ofLayers(List.of(1, golden.model().layers().size() - 1)))) {
            int[] ids = golden.ids();
            assertEquals(whole.stateBytes(), split.stateBytes());
            Golden.step(split, 1, ids, 0, 20);
            Object saved = split.saveState(1);
            float[] next = Golden.step(split, 1, ids, 20, 40);
            Golden.step(whole, 0, ids, 0, 20);
            assertArrayEquals(Golden.step(whole, 0, ids, 20, 40), next);
            assertThrows(IllegalArgumentException.class, () -> split.restoreState(1, 19, saved));
            assertThrows(IllegalArgumentException.class, () -> split.restoreState(1, 20, null));
            split.restoreState(1, 20, saved);
            assertArrayEquals(next, Golden.step(split, 1, ids, 20, 40));
            split.releaseState(saved);
            split.clear(1);
            assertThrows(IllegalArgumentException.class, () -> split.restoreState(1, 0, saved));
        }
    }

    @Test void withoutRecurrentStateThereIsNothingToKeep() {
        EngineOptions options = new EngineOptions(512, 1, 512, 1, KvFormat.F32, KvFormat.F32);
        try (Golden golden = new Golden("qwen3");
             Executor split = split(golden.model(), options, Placement.ofLayers(List.of(1, golden.model().layers().size() - 1)))) {
            int[] ids = golden.ids();
            Golden.step(split, 0, ids, 0, 20);
            assertNull(split.saveState(0));
            float[] next = Golden.step(split, 0, ids, 20, 30);
            split.restoreState(0, 20, null);
            assertArrayEquals(next, Golden.step(split, 0, ids, 20, 30));
        }
    }

    @Test void theStreamGoesToADeviceOnceForAdjoiningBlocks() {
        Placement twoDevices = Placement.ofLayers(List.of(3, 5));
        assertEquals(List.of(new Placement.Piece(0, 0, 7), new Placement.Piece(1, 7, 18)), twoDevices.pieces());
        Placement experts = Placement.ofLayers(List.of(2, 0)).with(Placement.feedForward(0), 1).with(Placement.feedForward(1), 1);
        assertEquals(List.of(new Placement.Piece(0, 0, 2), new Placement.Piece(1, 2, 3), new Placement.Piece(0, 3, 4),
                new Placement.Piece(1, 4, 5), new Placement.Piece(0, 5, 6)), experts.pieces());
    }
}
