package squall.cli;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import jdk.incubator.vector.FloatVector;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import squall.engine.ExecutorProvider;

/**
 * {@code squall doctor}: what this machine offers and what is missing, one finding a line. Exit code 1 if something that
 * Squall needs is missing, 0 otherwise.
 */
@Command(name = "doctor", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Checks this machine: Java, vector width, memory, devices, the shipped model.")
final class DoctorCommand implements Callable<Integer> {
    private static final int NARROW_BITS = 256;
    private static final long LITTLE_MEMORY = 2L << 30;

    private final Streams streams;
    private final List<Finding> findings = new ArrayList<>();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    DoctorCommand(Streams streams) {
        this.streams = streams;
    }

    enum Verdict { OK, NOTE, BAD }

    record Finding(Verdict verdict, String what, String found) {}

    @Override public Integer call() {
        java();
        vectors();
        memory();
        devices();
        shippedModel();
        boolean bad = findings.stream().anyMatch(f -> f.verdict == Verdict.BAD);
        if (json) streams.println(Json.write(findings));
        else
            for (Finding f : findings)
                streams.println(String.format("%-5s %-14s %s", f.verdict.name().toLowerCase(), f.what, f.found));
        return bad ? Squall.FAILED : Squall.DONE;
    }

    private void java() {
        Runtime.Version version = Runtime.version();
        findings.add(new Finding(version.feature() >= 25 ? Verdict.OK : Verdict.BAD, "java",
                version + ", " + System.getProperty("java.vendor") + " at " + System.getProperty("java.home")));
    }

    private void vectors() {
        int bits = FloatVector.SPECIES_PREFERRED.vectorBitSize();
        findings.add(new Finding(bits >= NARROW_BITS ? Verdict.OK : Verdict.NOTE, "vectors", bits + " bits preferred here"
                + (bits >= NARROW_BITS ? "" : ": expect less speed than on a machine with AVX2 or wider")));
    }

    private void memory() {
        long total = ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class).getTotalMemorySize();
        findings.add(new Finding(total >= LITTLE_MEMORY ? Verdict.OK : Verdict.NOTE, "memory",
                Bytes.text(total) + " in this machine, heap up to " + Bytes.text(Runtime.getRuntime().maxMemory())));
        findings.add(new Finding(Verdict.OK, "processors", Runtime.getRuntime().availableProcessors() + " usable"));
    }

    private void devices() {
        for (ExecutorProvider provider : ServiceLoader.load(ExecutorProvider.class)) {
            provider.foundations().forEach((what, found) -> findings.add(new Finding(Verdict.OK, what, found)));
            provider.missing().forEach(m -> findings.add(new Finding(Verdict.NOTE, provider.name(), m)));
            String why = provider.whyUnavailable();
            if (why != null) findings.add(new Finding(Verdict.NOTE, provider.name(), why));
            else
                findings.add(new Finding(Verdict.OK, provider.name(), provider.devices().stream()
                        .map(d -> d.id() + " (" + d.name() + ")").collect(Collectors.joining(", "))));
        }
        if (findings.stream().noneMatch(f -> f.verdict == Verdict.OK && f.what.equals("cpu")))
            findings.add(new Finding(Verdict.BAD, "cpu", "the CPU player was not found; build the project again"));
    }

    private void shippedModel() {
        String home = System.getProperty("squall.home");
        if (home == null) {
            findings.add(new Finding(Verdict.NOTE, "shipped model", "not started by the launcher: give -m MODEL to run"));
            return;
        }
        Path model = Path.of(home, "models", "squall-tiny", "squall-tiny-Q8_0.gguf");
        boolean there = Files.isReadable(model);
        findings.add(new Finding(there ? Verdict.OK : Verdict.BAD, "shipped model",
                there ? model.toString() : model + " cannot be read; check out the project again"));
    }
}
