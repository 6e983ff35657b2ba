package squall.cli;

import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.model.Model;

/** {@code squall bench}: tokens per second, as llama-bench measures and prints them. */
@Command(name = "bench", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Measures prompt and generation speed, with llama-bench's flags and table.")
final class BenchCommand implements Callable<Integer> {
    private final Streams streams;

    @Option(names = {"-m", "--model"}, paramLabel = "PATH",
            description = "GGUF file, safetensors file or directory. Default: the small model that ships with Squall.")
    private Path model;

    @Mixin private DeviceOptions device;

    @Mixin private BenchOptions flags;

    @Option(names = {"-o", "--output"}, paramLabel = "FORM", defaultValue = "md", description = "md (default), csv, json or jsonl.")
    private BenchReport.Form form;

    BenchCommand(Streams streams) {
        this.streams = streams;
    }

    @Override public Integer call() {
        // measured is the steady state, not how the CPU player starts
        System.setProperty("squall.scalar.budget", "0");
        List<BenchTest> tests = flags.tests();
        int repetitions = flags.repetitions();
        int context = tests.stream().mapToInt(BenchTest::contextLength).max().orElseThrow();
        List<EngineOptions> setups = flags.setups(context);
        List<DeviceOptions.Choice> chosen = device.choose();
        BenchReport report = new BenchReport(form, streams);
        String commit = BenchSubject.commit();
        try (OpenModel open = OpenModel.open(ModelOptions.orShipped(model))) {
            Map<String, Object> about = BenchSubject.fields(open, chosen, commit);
            List<Layout> layouts = setups.stream().map(setup -> Spread.layout(open, device, chosen, setup, streams)).toList();
            layouts.forEach(Layout::check);
            Model built = open.build(setups.getFirst(), streams);
            for (Layout layout : layouts) {
                EngineOptions setup = layout.options();
                try (Executor executor = layout.open(built, _ -> {})) {
                    BenchRun run = new BenchRun(executor, setup, open.config().vocab(), BenchRun.Fill.PROMPT);
                    for (BenchTest test : tests) report.add(measure(run, about, setup, test, repetitions));
                }
            }
        }
        report.end(commit);
        return Squall.DONE;
    }

    private BenchResult measure(BenchRun run, Map<String, Object> about, EngineOptions setup, BenchTest test, int repetitions) {
        String time = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        try (Progress progress = new Progress(test.name(), repetitions)) {
            return new BenchResult(about, flags, setup, test, time, run.run(test, repetitions, progress));
        }
    }
}
