package squall.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.Profile;
import squall.engine.Tuning;
import squall.model.Model;
import squall.ops.StepPlan;
import squall.parity.ParityProbe;

/**
 * {@code squall tune}: measures what can be chosen for a device and writes its profile. One setting after the other: each
 * value of it with the best of those before it.
 */
@Command(name = "tune", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Measures kernel shapes and sizes on a device and writes its profile, which run and the others pick up.")
final class TuneCommand implements Callable<Integer> {
    private static final int TOKENS = 9;
    private static final int PROMPT = 64;
    /** Tokens that an answer has for a token of the prompt, in what is to become fastest. */
    private static final int TOKENS_A_PROMPT = PROMPT;

    private final Streams streams;

    @Option(names = {"-m", "--model"}, paramLabel = "PATH",
            description = "GGUF file, safetensors file or directory. Default: the small model that ships with Squall.")
    private Path model;

    @Mixin private DeviceOptions device;

    @Option(names = "--explain", description = "Measure nothing: show the profile of the device and the measurements behind it.")
    private boolean explain;

    @Option(names = "--json", description = "Print the profile as JSON.")
    private boolean json;

    TuneCommand(Streams streams) {
        this.streams = streams;
    }

    @Override public Integer call() {
        DeviceOptions.Choice choice = device.one();
        Tuning tuning = choice.provider().tuning(choice.device());
        if (tuning == null)
            throw new UnusableException("--device " + choice.device() + ": there is nothing to choose; TornadoVM's devices can be tuned");
        Profile profile = explain ? found(choice, tuning) : made(choice, tuning);
        streams.print(json ? Json.write(profile) + "\n" : profile.explain());
        String stale = profile.whyStale(tuning.versions());
        if (stale != null) streams.note("squall: " + tuning.file() + " is stale: " + stale + ".");
        return Squall.DONE;
    }

    private static Profile found(DeviceOptions.Choice choice, Tuning tuning) {
        if (!Files.exists(tuning.file()))
            throw new UnusableException("--explain: " + choice.device() + " has no profile at " + tuning.file() + "; 'squall tune --device "
                    + choice.device() + "' makes one");
        return Profile.read(tuning.file());
    }

    private Profile made(DeviceOptions.Choice choice, Tuning tuning) {
        try (OpenModel open = OpenModel.open(ModelOptions.orShipped(model))) {
            EngineOptions asked = new EngineOptions(PROMPT + TOKENS, 1, PROMPT, 0, null, null);
            Layout layout = Spread.layout(open, device, List.of(choice), asked, streams);
            layout.check();
            Trial trial = new Trial(tuning, open.build(layout.options(), streams), layout.options(), device.cpu());
            Map<String, String> best = new LinkedHashMap<>();
            tuning.choices().forEach((setting, values) -> best.put(setting, values.getFirst()));
            int total = tuning.choices().values().stream().mapToInt(List::size).sum();
            try (Progress progress = new Progress("Tune", total)) {
                tuning.choices().forEach((setting, values) -> best.put(setting, trial.best(setting, values, best, progress)));
            }
            Profile profile = new Profile(choice.description().name(), tuning.versions(), open.config().arch() + ", width " + open.config().dim()
                    + ", " + open.file().path().getFileName(), LocalDate.now().toString(), best, trial.measurements);
            profile.write(tuning.file());
            streams.note("squall: wrote " + tuning.file() + ".");
            return profile;
        }
    }

    /** Measures settings. */
    private static final class Trial {
        private final Tuning tuning;
        private final Model model;
        private final EngineOptions options;
        private final ExecutorProvider cpu;
        private final int[] ids;
        private final List<Profile.Measurement> measurements = new ArrayList<>();

        Trial(Tuning tuning, Model model, EngineOptions options, ExecutorProvider cpu) {
            this.tuning = tuning;
            this.model = model;
            this.options = options;
            this.cpu = cpu;
            ids = new SplittableRandom(1).ints(PROMPT + TOKENS, 0, model.config().vocab()).toArray();
        }

        String best(String setting, List<String> values, Map<String, String> others, Progress progress) {
            String best = values.getFirst();
            double least = Double.POSITIVE_INFINITY;
            for (String value : values) {
                Map<String, String> settings = new LinkedHashMap<>(others);
                settings.put(setting, value);
                Profile.Measurement m = measure(setting, value, settings);
                measurements.add(m);
                progress.at(measurements.size());
                double cost = m.failed().isEmpty() ? m.promptMillis() + TOKENS_A_PROMPT * m.tokenMillis() : Double.POSITIVE_INFINITY;
                if (cost >= least) continue;
                least = cost;
                best = value;
            }
            return best;
        }

        /** A value that a device cannot do, or does wrongly, is no choice, and is noted. */
        private Profile.Measurement measure(String setting, String value, Map<String, String> settings) {
            try (Executor executor = tuning.open(model, options, settings)) {
                ParityProbe.check(model, executor, cpu, options, setting + " " + value);
                double[] prompts = new double[3];
                double[] tokens = new double[TOKENS];
                for (int i = 0; i < prompts.length; i++) {
                    executor.clear(0);
                    prompts[i] = step(executor, 0, PROMPT);
                }
                for (int i = 0; i < TOKENS; i++) tokens[i] = step(executor, PROMPT + i, 1);
                return new Profile.Measurement(setting, value, settings, median(tokens), median(prompts), "");
            } catch (RuntimeException e) {
                String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage().lines().findFirst().orElse("");
                return new Profile.Measurement(setting, value, settings, 0, 0, why);
            }
        }

        /** Milliseconds. */
        private double step(Executor executor, int from, int rows) {
            long started = System.nanoTime();
            executor.step(new StepPlan.Builder().add(0, from, ids, from, from + rows, StepPlan.Want.LAST).build(), null);
            return (System.nanoTime() - started) / 1e6;
        }

        private static double median(double[] times) {
            double[] sorted = times.clone();
            Arrays.sort(sorted);
            return sorted[sorted.length / 2];
        }
    }
}
