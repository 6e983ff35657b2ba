package squall.cpu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.PartExecutor;
import squall.model.Model;
import squall.model.ModelConfig;
import squall.quant.Format;
import squall.quant.Lanes;

/** The processor Java runs on: always there. */
public final class CpuProvider implements ExecutorProvider {
    private volatile Rehearsal rehearsal = Rehearsal.NONE;

    @Override public String name() {
        return "cpu";
    }

    @Override public String whyUnavailable() {
        return null;
    }

    @Override public List<Device> devices() {
        long memory = ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class).getTotalMemorySize();
        return List.of(new Device("cpu", "cpu", processor(), "Vector API, " + Lanes.BITS + " bit", Type.CPU, memory,
                Runtime.getRuntime().availableProcessors(), false, "none"));
    }

    /** The processor's own name where the system tells it, else its architecture. */
    private static String processor() {
        Path info = Path.of("/proc/cpuinfo");
        String architecture = System.getProperty("os.arch");
        if (!Files.isReadable(info)) return architecture;
        try (Stream<String> lines = Files.lines(info)) {
            return lines.filter(l -> l.startsWith("model name")).map(l -> l.substring(l.indexOf(':') + 1).strip())
                    .findFirst().orElse(architecture);
        } catch (IOException | UncheckedIOException e) {
            return architecture;
        }
    }

    @Override public void expect(ModelConfig model, Map<Format, MemorySegment> stored) {
        if (ScalarOps.isAllowed() && !ScalarOps.begins(model)) rehearsal = Rehearsal.begin(stored);
    }

    @Override public void practise() {
        Practice.play();
    }

    @Override public Executor open(Model model, String device, EngineOptions options) {
        return new CpuExecutor(model, options, rehearsal);
    }

    @Override public boolean playsParts() {
        return true;
    }

    @Override public PartExecutor openPart(Model part, String device, EngineOptions options) {
        return new CpuExecutor(part, options, rehearsal);
    }
}
