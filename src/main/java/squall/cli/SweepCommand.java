package squall.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.MemoryPlan;
import squall.engine.ResidentMemory;
import squall.format.IoReason;
import squall.model.Model;

/** {@code squall bench sweep}: what the length of the context costs. */
@Command(name = "sweep", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Measures prompt and generation speed, memory and state at growing depths of the context, as CSV and as a chart.",
            "With --fill blank (the default) the context is not computed: keys and values are left unset, which takes as long "
                    + "to read, so that a depth of 64K costs seconds. --fill prompt computes it."})
final class SweepCommand implements Callable<Integer> {
    private static final int MOST_DEPTH = 1 << 22;
    private static final int MOST = 1 << 16;

    private final Streams streams;

    @Spec private CommandSpec command;

    @Option(names = {"-m", "--model"}, paramLabel = "PATH",
            description = "GGUF file, safetensors file or directory; may be given several times. Default: the small model that "
                    + "ships with Squall, or none with --from.")
    private List<Path> models = List.of();

    @Mixin private DeviceOptions device;

    @Option(names = {"-d", "--n-depth"}, split = ",", paramLabel = "N", defaultValue = "0,1K,4K,16K", converter = Count.class,
            description = "Tokens in the context before; K is 1024 (default: ${DEFAULT-VALUE}).")
    private List<Integer> depths;

    @Option(names = {"-p", "--n-prompt"}, paramLabel = "N", defaultValue = "512",
            description = "Tokens of the prompt that is timed (default: ${DEFAULT-VALUE}); 0: none.")
    private int prompt;

    @Option(names = {"-n", "--n-gen"}, paramLabel = "N", defaultValue = "32",
            description = "Tokens to generate (default: ${DEFAULT-VALUE}); 0: none.")
    private int generated;

    @Option(names = {"-r", "--repetitions"}, paramLabel = "N", defaultValue = "3", description = "Repetitions (default: ${DEFAULT-VALUE}).")
    private int repetitions;

    @Option(names = "--fill", paramLabel = "HOW", defaultValue = "blank", description = "blank (default) or prompt: how the context is filled.")
    private BenchRun.Fill fill;

    @Option(names = {"-ub", "--ubatch-size"}, paramLabel = "N", defaultValue = "512", description = "Most tokens of a step (default: ${DEFAULT-VALUE}).")
    private int microBatch;

    @Option(names = {"-t", "--threads"}, paramLabel = "N", defaultValue = "0", description = "CPU threads; 0: all (default).")
    private int threads;

    @Option(names = {"-ctk", "--cache-type-k"}, paramLabel = "TYPE", description = "Keys in the KV cache (default: f16, f32 where the device has no other).")
    private KvFormat keys;

    @Option(names = {"-ctv", "--cache-type-v"}, paramLabel = "TYPE", description = "Values in the KV cache (default: as for keys).")
    private KvFormat values;

    @Option(names = "--from", split = ",", paramLabel = "FILE",
            description = "CSV of sweeps before: their rows come first, in the CSV and in the chart. Alone it measures nothing.")
    private List<Path> earlier = List.of();

    @Option(names = "--svg", paramLabel = "FILE", description = "Also draw a chart of all rows.")
    private Path svg;

    SweepCommand(Streams streams) {
        this.streams = streams;
    }

    /** A number, or a number of units of 1024: 16K. */
    static final class Count implements ITypeConverter<Integer> {
        @Override public Integer convert(String text) {
            String t = text.strip().toUpperCase(Locale.ROOT);
            try {
                return t.endsWith("K") ? Math.multiplyExact(1024, Integer.parseInt(t.substring(0, t.length() - 1))) : Integer.parseInt(t);
            } catch (ArithmeticException | NumberFormatException e) {
                throw new TypeConversionException("'" + text + "' is not a number such as 4096 or 4K");
            }
        }
    }

    @Override public Integer call() {
        check();
        TextFiles.checkPlace("--svg", svg);
        // measured is the steady state, not how the CPU player starts
        System.setProperty("squall.scalar.budget", "0");
        List<SweepRow> rows = new ArrayList<>();
        for (Path file : earlier) rows.addAll(read(file));
        streams.println(SweepRow.head());
        rows.forEach(r -> streams.println(r.csv()));
        if (models.isEmpty() && earlier.isEmpty()) sweep(ModelOptions.orShipped(null), rows);
        for (Path model : models) sweep(model, rows);
        if (svg != null) write(SweepPicture.of(rows));
        return Squall.DONE;
    }

    private void sweep(Path path, List<SweepRow> rows) {
        List<DeviceOptions.Choice> chosen = device.choose();
        int context = depths.getLast() + Math.max(prompt, generated);
        EngineOptions asked = new EngineOptions(context, 1, microBatch,
                threads == 0 ? Runtime.getRuntime().availableProcessors() : threads, keys, values);
        try (OpenModel open = OpenModel.open(path)) {
            Map<String, Object> about = BenchSubject.fields(open, chosen, BenchSubject.commit());
            Layout layout = Spread.layout(open, device, chosen, asked, streams);
            layout.check();
            Model built = open.build(layout.options(), streams);
            try (Executor executor = layout.open(built, _ -> {})) {
                BenchRun run = new BenchRun(executor, layout.options(), open.config().vocab(), fill);
                for (int depth : depths) {
                    SweepRow row = measure(run, depth, open, layout.options(), executor.stateBytes(), about);
                    rows.add(row);
                    streams.println(row.csv());
                }
            }
        }
    }

    private SweepRow measure(BenchRun run, int depth, OpenModel open, EngineOptions o, long stateBytes, Map<String, Object> about) {
        String time = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        double[] prompts = speeds(run, new BenchTest(prompt, 0, depth));
        double[] generations = speeds(run, new BenchTest(0, generated, depth));
        long resident = ResidentMemory.bytes().orElse(-1);
        return new SweepRow(about.get("model_type").toString(), about.get("backends").toString(), o.threads(),
                o.keyFormat().name().toLowerCase(Locale.ROOT), o.valueFormat().name().toLowerCase(Locale.ROOT),
                fill.name().toLowerCase(Locale.ROOT), depth,
                prompt, BenchResult.mean(prompts), BenchResult.deviation(prompts),
                generated, BenchResult.mean(generations), BenchResult.deviation(generations),
                depth * MemoryPlan.kvBytesPerToken(open.config(), o), stateBytes, open.weightBytes(), resident,
                about.get("build_commit").toString(), time);
    }

    /** Tokens per second of each repetition; none of an empty test. */
    private double[] speeds(BenchRun run, BenchTest test) {
        if (test.tokens() == 0) return new double[0];
        try (Progress progress = new Progress(test.name(), repetitions)) {
            return test.speeds(run.run(test, repetitions, progress));
        }
    }

    private void check() {
        range("--n-prompt", prompt, 0, MOST);
        range("--n-gen", generated, 0, MOST);
        range("--repetitions", repetitions, 1, MOST);
        range("--ubatch-size", microBatch, 1, MOST);
        range("--threads", threads, 0, 1024);
        for (int d : depths) range("--n-depth", d, 0, MOST_DEPTH);
        depths = depths.stream().sorted().distinct().toList();
        if (prompt + generated == 0) throw wrong("nothing to measure: give -p or -n more than 0");
    }

    private void range(String flag, int found, int least, int most) {
        if (found < least || found > most) throw wrong(flag + " must be from " + least + " to " + most + ", found " + found);
    }

    private ParameterException wrong(String message) {
        return new ParameterException(command.commandLine(), message);
    }

    private static List<SweepRow> read(Path file) {
        try {
            return SweepRow.read(Files.readAllLines(file));
        } catch (IOException e) {
            throw new UnusableException("--from " + file + " cannot be read: " + IoReason.of(e));
        } catch (IllegalArgumentException e) {
            throw new UnusableException("--from " + file + ": " + e.getMessage());
        }
    }

    private void write(String picture) {
        try {
            Files.writeString(svg, picture);
        } catch (IOException e) {
            throw new UnusableException("--svg " + svg + " cannot be written: " + IoReason.of(e));
        }
    }
}
