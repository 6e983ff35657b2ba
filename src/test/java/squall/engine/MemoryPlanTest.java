package squall.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import squall.engine.EngineOptions.KvFormat;
import squall.format.ModelFileException;
import squall.model.ModelConfig;
import squall.model.ModelConfig.FeedForward;
import squall.model.ModelConfig.Mixer;
import squall.ops.AttentionShape;
import squall.ops.DeltaShape;
import squall.ops.Rope;

class MemoryPlanTest {
    private static final long GIB = 1L << 30;

    /** Qwen3.5-9B: 24 Gated DeltaNet layers and 8 of attention. */
    private static final ModelConfig NINE = config(32, 4, new AttentionShape(16, 4, 256, true, new Rope(new float[32], 1)),
            new DeltaShape(16, 32, 128, 128, DeltaShape.HeadOrder.GROUPED));

    private static ModelConfig config(int layers, int interval, AttentionShape attention, DeltaShape delta) {
        List<ModelConfig.Layer> all = new ArrayList<>();
        for (int i = 0; i < layers; i++)
            all.add(new ModelConfig.Layer((i + 1) % interval == 0 ? Mixer.ATTENTION : Mixer.DELTA_NET, FeedForward.DENSE));
        return new ModelConfig("qwen35", "nine", 4096, 248320, 262144, 1e-6f, all, attention, delta, 4, 12288, null, 0);
    }

    private static EngineOptions options(int context, int slots, KvFormat format) {
        return new EngineOptions(context, slots, 512, 1, format, format);
    }

    @Test void bytesAreThoseOfTheCostModel() {
        MemoryPlan plan = MemoryPlan.of(NINE, 9 * GIB, options(32_768, 1, KvFormat.F16));
        assertEquals(32_768, MemoryPlan.kvBytesPerToken(NINE, plan.options()));
        assertEquals(GIB, plan.kv());
        assertEquals(24 * ((2L << 20) + (96L << 10)), plan.state());
        MemoryPlan four = MemoryPlan.of(NINE, 9 * GIB, options(32_768, 4, KvFormat.Q8_0));
        assertEquals(4 * GIB * 34 / 64, four.kv());
        assertEquals(4 * plan.state(), four.state());
    }

    @Test void theContextIsWhatWasAskedForOrWhatFits() {
        EngineOptions o = options(MemoryPlan.UNASKED, 1, KvFormat.F16);
        assertEquals(32_768, MemoryPlan.contextLength(NINE, MemoryPlan.UNASKED, 9 * GIB, o, 64 * GIB));
        assertEquals(262_144, MemoryPlan.contextLength(NINE, 0, 9 * GIB, o, 64 * GIB));
        assertEquals(777, MemoryPlan.contextLength(NINE, 777, 9 * GIB, o, 64 * GIB));
        assertEquals(16_384, MemoryPlan.contextLength(NINE, MemoryPlan.UNASKED, 9 * GIB, o, 10 * GIB));
        assertEquals(1024, MemoryPlan.contextLength(NINE, MemoryPlan.UNASKED, 9 * GIB, o, GIB));
    }

    @Test void refusalsNameTheFlagThatHelps() {
        MemoryPlan tooLong = MemoryPlan.of(NINE, 9 * GIB, options(262_144, 1, KvFormat.F16));
        tooLong.check(NINE, 20 * GIB);
        String message = assertThrows(ModelFileException.class, () -> tooLong.check(NINE, 12 * GIB)).getMessage();
        assertTrue(message.contains("KV cache 8.0 GiB for a context of 262144"), message);
        int fits = Integer.parseInt(message.replaceAll(".*--ctx-size ([0-9]+) would fit.*", "$1"));
        MemoryPlan.of(NINE, 9 * GIB, options(fits, 1, KvFormat.F16)).check(NINE, 12 * GIB);
        assertThrows(ModelFileException.class,
                () -> MemoryPlan.of(NINE, 9 * GIB, options(fits + 512, 1, KvFormat.F16)).check(NINE, 12 * GIB));
        message = assertThrows(ModelFileException.class, () -> tooLong.check(NINE, 8 * GIB)).getMessage();
        assertTrue(message.contains("a smaller model"), message);
    }

    @Test void thisMachineHasMemory() {
        long bytes = AvailableMemory.bytes();
        assertTrue(bytes > 16 << 20 && bytes < 1L << 50, bytes + " bytes");
    }
}
