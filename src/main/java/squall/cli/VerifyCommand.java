package squall.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import squall.engine.EngineOptions;
import squall.engine.ExecutorProvider;
import squall.format.IoReason;
import squall.model.Model;
import squall.parity.ParityTable;

/** {@code squall verify}: holds a device to the CPU player, operation by operation and for a whole model. */
@Command(name = "verify", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Compares a device with the CPU player: every operation, every kind of block, a whole model. Exit code 1 beyond tolerance.")
final class VerifyCommand implements Callable<Integer> {
    private final Streams streams;

    @Option(names = {"-m", "--model"}, paramLabel = "PATH",
            description = "GGUF file, safetensors file or directory. Default: the small model that ships with Squall.")
    private Path model;

    @Mixin private final DeviceOptions device;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Option(names = {"-o", "--out"}, paramLabel = "FILE", description = "Also write the table to a file, as Markdown.")
    private Path out;

    VerifyCommand(Streams streams) {
        this(streams, new DeviceOptions());
    }

    VerifyCommand(Streams streams, DeviceOptions device) {
        this.streams = streams;
        this.device = device;
    }

    @Override public Integer call() {
        TextFiles.checkPlace("-o", out);
        // what is compared with is the CPU player's vector kernels, not how it starts
        System.setProperty("squall.scalar.budget", "0");
        DeviceOptions.Choice choice = device.one();
        ExecutorProvider.Device on = choice.description();
        try (OpenModel open = OpenModel.open(ModelOptions.orShipped(model))) {
            EngineOptions options = new EngineOptions(1, 1, 1, 0, EngineOptions.KvFormat.F32, EngineOptions.KvFormat.F32, device.precise());
            String why = choice.provider().whyRefused(open.config(), choice.device(), options);
            if (why != null) throw new UnusableException("--device " + choice.device() + ": " + why);
            Model built = open.build(options, streams);
            ExecutorProvider cpu = device.cpu();
            ParityTable table = ParityTable.of(built, (m, o) -> cpu.open(m, "cpu", o),
                    (m, o) -> choice.provider().open(m, choice.device(), o.withPrecise(device.precise())),
                    device.precise() || !choice.provider().rounds(choice.device()),
                    what -> { if (Terminal.isInteractive()) streams.note("comparing " + what + " …"); });
            if (json) streams.println(Json.write(document(open, on, table)));
            else streams.print(table.text());
            if (out != null) write(open, on, table);
            if (table.passed()) return Squall.DONE;
            streams.note("squall: " + choice.device() + " computes something else than the CPU player: "
                    + table.findings().stream().filter(f -> !f.passed()).count() + " of " + table.findings().size()
                    + " comparisons are beyond their tolerance.");
            return Squall.FAILED;
        }
    }

    private static Map<String, Object> document(OpenModel open, ExecutorProvider.Device on, ParityTable table) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("device", on);
        all.put("model", open.file().path().toString());
        all.put("architecture", open.config().arch());
        all.put("passed", table.passed());
        all.put("findings", table.findings());
        return all;
    }

    private void write(OpenModel open, ExecutorProvider.Device on, ParityTable table) {
        String name = open.file().path().getFileName().toString();
        String text = "## " + name + " (" + open.config().arch() + ")\n\n" + on.id() + ", " + on.name() + ", " + on.backend()
                + ", against the CPU player; made by `squall verify --device " + on.id() + (device.precise() ? " --precise" : "") + " -m " + name + "`. Errors are relative to the "
                + "largest number of the CPU player's.\n\n" + table.text();
        try {
            Files.writeString(out, text);
        } catch (IOException e) {
            throw new UnusableException("-o " + out + " cannot be written: " + IoReason.of(e));
        }
    }
}
