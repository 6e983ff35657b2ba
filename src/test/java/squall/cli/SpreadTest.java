package squall.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
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
import squall.engine.Logits;
import squall.engine.PartExecutor;
import squall.format.ModelFileException;
import squall.model.Model;
import squall.ops.StepPlan;
import squall.ops.Tap;

/** The shipped model, 8 layers, over the processor and a device that is made up: the same player under another name. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SpreadTest {
    private static final Path TINY = Path.of("..", "models", "squall-tiny", "squall-tiny-Q8_0.gguf");
    private static final EngineOptions ASKED = new EngineOptions(256, 1, 64, 1, null, null);

    private final CpuProvider cpu = new CpuProvider();
    private OpenModel tiny;

    /** A device with so many bytes. */
    private record Made(long availableBytes, boolean playsParts, Type type, float error) implements ExecutorProvider {
        @Override public String name() {
            return "made";
        }

        @Override public String whyUnavailable() {
            return null;
        }

        @Override public List<Device> devices() {
            return List.of(new Device("made:0", "3:0", "made up", "none", type, availableBytes, 1, false, "none"));
        }

        @Override public long availableBytes(String device) {
            return availableBytes;
        }

        @Override public KvFormat usualKvFormat(String device) {
            return KvFormat.F32;
        }

        @Override public Executor open(Model model, String device, EngineOptions options) {
            return error == 0 ? new CpuProvider().open(model, device, options) : new Wrong(new CpuProvider().open(model, device, options), error);
        }

        @Override public PartExecutor openPart(Model part, String device, EngineOptions options) {
            return new CpuProvider().openPart(part, device, options);
        }
    }

    /** Its logits are off by this much. */
    private record Wrong(Executor right, float error) implements Executor {
        @Override public Logits step(StepPlan plan, Tap tap) {
            Logits logits = right.step(plan, tap);
            float[] values = logits.values().clone();
            values[3] += error;
            return new Logits(values, logits.rows(), logits.vocab());
        }

        @Override public void clear(int slot) {
            right.clear(slot);
        }

        @Override public Object saveState(int slot) {
            return right.saveState(slot);
        }

        @Override public void restoreState(int slot, int length, Object saved) {
            right.restoreState(slot, length, saved);
        }

        @Override public void releaseState(Object saved) {
            right.releaseState(saved);
        }

        @Override public long stateBytes() {
            return right.stateBytes();
        }

        @Override public int slots() {
            return right.slots();
        }

        @Override public void close() {
            right.close();
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
        return new Made(1L << 30, true, ExecutorProvider.Type.GPU, 0);
    }

    private static Made sized(long bytes) {
        return new Made(bytes, true, ExecutorProvider.Type.GPU, 0);
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
        Made small = sized(whole / 2);
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
        try (Executor executor = layout.open(model, _ -> {})) {
            executor.clear(0);
            executor.step(new StepPlan.Builder().add(0, 0, ids, 0, 6, StepPlan.Want.NONE).build(), null);
            float[] values = executor.step(new StepPlan.Builder().add(0, 6, ids, 6, 7, StepPlan.Want.LAST).build(), null).values();
            return Arrays.copyOf(values, model.config().vocab());
        }
    }

    @Test void aDeviceThatComputesSomethingElseIsNotUsed() {
        Model model = tiny.build(ASKED, new Streams(System.in, System.out, System.err, Map.of()));
        Layout wrong = layout(new Made(1L << 30, true, ExecutorProvider.Type.GPU, 10), "--device", "made:0");
        String message = assertThrows(IllegalStateException.class, () -> wrong.open(model, _ -> {})).getMessage();
        assertTrue(message.startsWith("made:0 computes something else than the CPU player"), message);
        Layout none = layout(new Made(1L << 30, true, ExecutorProvider.Type.GPU, Float.NaN), "--device", "made:0");
        assertThrows(IllegalStateException.class, () -> none.open(model, _ -> {}));
        List<String> told = new ArrayList<>();
        layout(roomy(), "--device", "made:0").open(model, told::add).close();
        assertEquals(1, told.size());
    }

    @Test void autoTakesAGpuBeforeTheCpuPlayerAndThatBeforeAnotherDriverOfTheProcessor() {
        assertEquals("made:0", chosen(roomy()).device());
        DeviceOptions.Choice choice = chosen(new Made(1L << 30, true, ExecutorProvider.Type.CPU, 0));
        assertEquals("cpu", choice.device());
        assertEquals(List.of("made:0: a processor, which the CPU player uses better"), choice.passed());
    }

    private DeviceOptions.Choice chosen(Made made) {
        return CommandLine.populateCommand(new DeviceOptions(List.of(cpu, made)), "--device", "auto").choose().getFirst();
    }

    @Test void refusesWhatCannotBeSplit() {
        refuses("made:0 cannot play a part", new Made(1L << 30, false, ExecutorProvider.Type.GPU, 0), "--device", "made:0,cpu");
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
