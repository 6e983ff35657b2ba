package squall.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.format.RawTensor;
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
        String commit = commit();
        try (OpenModel open = OpenModel.open(ModelOptions.orShipped(model))) {
            Map<String, Object> about = about(open, chosen, commit);
            List<Layout> layouts = setups.stream().map(setup -> Spread.layout(open, device, chosen, setup, streams)).toList();
            layouts.forEach(Layout::check);
            Model built = open.build(setups.getFirst(), streams);
            for (Layout layout : layouts) {
                EngineOptions setup = layout.options();
                try (Executor executor = layout.open(built, _ -> {})) {
                    BenchRun run = new BenchRun(executor, setup, open.config().vocab());
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

    private static Map<String, Object> about(OpenModel open, List<DeviceOptions.Choice> chosen, String commit) {
        List<ExecutorProvider.Device> devices = chosen.stream().map(c -> c.provider().devices().stream()
                .filter(d -> d.id().equals(c.device())).findFirst().orElseThrow()).toList();
        long params = open.tensors().stream().mapToLong(RawTensor::elements).sum();
        Map<String, Object> about = new LinkedHashMap<>();
        about.put("build_commit", commit);
        about.put("build_number", 0);
        about.put("cpu_info", names(devices.stream().filter(d -> d.id().equals("cpu")), ExecutorProvider.Device::name));
        about.put("gpu_info", names(devices.stream().filter(d -> !d.id().equals("cpu")), ExecutorProvider.Device::name));
        about.put("backends", names(devices.stream(), d -> d.id().equals("cpu") ? "CPU" : d.backend()));
        about.put("model_filename", open.file().path().toString());
        about.put("model_type", open.config().arch() + " " + count(params) + " " + format(open.tensors()));
        about.put("model_size", open.weightBytes());
        about.put("model_n_params", params);
        return about;
    }

    private static String names(Stream<ExecutorProvider.Device> devices, Function<ExecutorProvider.Device, String> name) {
        return devices.map(name).collect(Collectors.joining(", "));
    }

    /** The format that most bytes are in. */
    private static String format(List<RawTensor> tensors) {
        return tensors.stream().collect(Collectors.groupingBy(t -> t.format().name(), Collectors.summingLong(t -> t.data().byteSize())))
                .entrySet().stream().max(Comparator.comparingLong(Map.Entry::getValue)).orElseThrow().getKey();
    }

    /** 11571760 -> {@code 11.57 M}. */
    static String count(long params) {
        return params >= 1_000_000_000L ? String.format(Locale.ROOT, "%.2f B", params / 1e9)
                : String.format(Locale.ROOT, "%.2f M", params / 1e6);
    }

    /** The checkout's commit where Squall runs from one. */
    private static String commit() {
        String home = System.getProperty("squall.home");
        if (home == null) return "unknown";
        try {
            Path git = Path.of(home, ".git");
            if (Files.isRegularFile(git)) git = Path.of(Files.readString(git).strip().substring("gitdir: ".length()));
            String head = Files.readString(git.resolve("HEAD")).strip();
            if (!head.startsWith("ref: ")) return head.substring(0, 8);
            String branch = head.substring("ref: ".length());
            Path common = git.resolve("commondir");
            if (Files.exists(common)) git = git.resolve(Files.readString(common).strip());
            return Files.readString(git.resolve(branch)).substring(0, 8);
        } catch (IOException | IndexOutOfBoundsException e) {
            return "unknown";
        }
    }
}
