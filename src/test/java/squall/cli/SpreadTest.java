package squall.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import picocli.CommandLine;
import squall.cpu.CpuProvider;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.PartExecutor;
import squall.format.ModelFileException;
import squall.model.Model;
import squall.ops.StepPlan;

/** The shipped model, 8 layers, over the processor and a device that is made up: the same player under another name. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SpreadTest {
    private static final Path TINY = Path.of("..", "models", "squall-tiny", "squall-tiny-Q8_0.gguf");
    private static final EngineOptions ASKED = new EngineOptions(256, 1, 64, 1, null, null);

    private final CpuProvider cpu = new CpuProvider();
    private OpenModel tiny;

    /** A device with so many bytes. */
    private record Made(long availableBytes, boolean playsParts) implements ExecutorProvider {
        @Override public String name() {
            return "made";
        }

        @Override public String whyUnavailable() {
            return null;
        }

        @Override public List<Device> devices() {
            return List.of(new Device("made:0", "3:0", "made up", "none", Type.OTHER, availableBytes, 1, false, "none"));
        }

        @Override public long availableBytes(String device) {
            return availableBytes;
        }

        @Override public KvFormat usualKvFormat(String device) {
            return KvFormat.F32;
        }

        @Override public Executor open(Model model, String device, EngineOptions options) {
            return new CpuProvider().open(model, device, options);
        }

        @Override public PartExecutor openPart(Model part, String device, EngineOptions options) {
            return new CpuProvider().openPart(part, device, options);
        }
    }

    @BeforeAll void open() {
        tiny = OpenModel.open(TINY);
    }

    @AfterAll void close() {
        tiny.close();
    }

    private Layout layout(ExecutorProvider made, String... args) {
        DeviceOptions wanted = CommandLine.populateCommand(new DeviceOptions(List.of(cpu, made)), args);
        return Spread.layout(tiny, wanted, wanted.choose(), ASKED, new Streams(System.in, System.out, System.err, Map.of()));
    }

    private static Made roomy() {
        return new Made(1L << 30, true);
    }

    @Test void sharesOfTheLayers() {
        Layout layout = layout(roomy(), "--device", "made:0,cpu", "-ts", "3,1");
        assertEquals("the embedding, layers 0-5", layout.blocks(0));
        assertEquals("layers 6-7, the head", layout.blocks(1));
        assertEquals("cpu", layout.shares().get(1).choice().device());
        assertEquals(KvFormat.F32, layout.shares().get(0).options().keyFormat());
        assertEquals(KvFormat.F16, layout.shares().get(1).options().keyFormat());
    }

    @Test void theFirstDeviceGetsWhatItHasMemoryFor() {
        assertEquals("the embedding, all 8 layers and the head", layout(roomy(), "--device", "3:0,cpu").blocks(0));
        long whole = layout(roomy(), "--device", "made:0").shares().getFirst().plan().total();
        Made small = new Made(whole / 2, true);
        Layout layout = layout(small, "--device", "made:0,cpu");
        assertTrue(layout.shares().getFirst().plan().total() <= small.availableBytes);
        assertTrue(layout.blocks(0).startsWith("the embedding, layers 0-"), layout.blocks(0));
        assertTrue(layout.blocks(1).endsWith("-7, the head"), layout.blocks(1));
        layout.check();
        assertThrows(ModelFileException.class, layout(small, "--device", "made:0")::check);
    }

    @Test void expertsElsewhereByTheirTensorsNames() {
        Layout layout = layout(roomy(), "--device", "made:0", "-ot", "ffn_.*_exps=cpu");
        assertEquals("the embedding, attention and DeltaNet of layers 0-7, the head", layout.blocks(0));
        assertEquals("the feed-forward parts of layers 0-7", layout.blocks(1));
        assertEquals(0, layout.shares().get(1).plan().kv());
        assertEquals("the feed-forward parts of layers 2, 5",
                layout(roomy(), "--device", "made:0", "-ot", "blk\\.[25]\\.ffn_=cpu").blocks(1));
    }

    /** Same player, same kernels: the same bits, wherever a block is played. */
    @Test void aSplitModelSaysTheSame() {
        Model model = tiny.build(ASKED, new Streams(System.in, System.out, System.err, Map.of()));
        float[] whole = logits(layout(roomy(), "--device", "made:0"), model);
        assertArrayEquals(whole, logits(layout(roomy(), "--device", "made:0", "-ot", "ffn_.*_exps=cpu"), model));
    }

    private static float[] logits(Layout layout, Model model) {
        int[] ids = {11, 7, 300, 42, 5, 1023, 8};
        try (Executor executor = layout.open(model)) {
            executor.clear(0);
            executor.step(new StepPlan.Builder().add(0, 0, ids, 0, 6, StepPlan.Want.NONE).build(), null);
            float[] values = executor.step(new StepPlan.Builder().add(0, 6, ids, 6, 7, StepPlan.Want.LAST).build(), null).values();
            return Arrays.copyOf(values, model.config().vocab());
        }
    }

    @Test void refusesWhatCannotBeSplit() {
        refuses("made:0 cannot play a part", new Made(1L << 30, false), "--device", "made:0,cpu");
        refuses("2 numbers were expected", roomy(), "--device", "made:0,cpu", "-ts", "1");
        refuses("one above 0", roomy(), "--device", "made:0,cpu", "-ts", "0,0");
        refuses("PATTERN=ID", roomy(), "--device", "made:0", "-ot", "experts");
        refuses("not a regular expression", roomy(), "--device", "made:0", "-ot", "(=cpu");
        refuses("no such device", roomy(), "--device", "made:0,gpu:1");
    }

    private void refuses(String said, Made made, String... args) {
        String message = assertThrows(UnusableException.class, () -> layout(made, args)).getMessage();
        assertTrue(message.contains(said), message);
    }
}
