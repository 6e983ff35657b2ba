package squall.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import squall.engine.Contest;
import squall.engine.Profile;
import squall.engine.Tuning;

/**
 * {@code squall tune}: measures what can be chosen for a device and writes its profile. One setting after the other: its values,
 * with the best of those before it, are rivals in a {@link Contest}, each in a process of its own, since a driver that one of
 * them breaks is broken for its whole JVM.
 */
@Command(name = "tune", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Measures kernel shapes, sizes and fusions on a device and writes its profile, which run and the others pick up.")
final class TuneCommand implements Callable<Integer> {

    /** Opens and warms a candidate. */
    @FunctionalInterface
    interface Opener {
        /** @throws RuntimeException if the device cannot do it; the message says why */
        Rival open(Map<String, String> settings);
    }

    /** A candidate that is ready to be measured. */
    interface Rival extends Contest.Entrant, AutoCloseable {
        @Override void close();
    }

    private final Streams streams;
    private final Contest contest = new Contest(Trial::cost);

    @Option(names = {"-m", "--model"}, paramLabel = "PATH",
            description = "GGUF file, safetensors file or directory. Default: the small model that ships with Squall.")
    private Path model;

    @Mixin private final DeviceOptions device;

    @Option(names = "--only", paramLabel = "SETTING[,SETTING]", split = ",",
            description = "Settings to measure; the others stay as the profile has them.")
    private List<String> only = List.of();

    @Option(names = "--explain", description = "Measure nothing: show the profile of the device and the measurements behind it.")
    private boolean explain;

    @Option(names = "--json", description = "Print the profile as JSON.")
    private boolean json;

    /** What the process of a candidate is started with: a round of measurements for each line of standard input. */
    @Option(names = "--trial", hidden = true, split = ",")
    private Map<String, String> trial;

    private Opener opener;

    TuneCommand(Streams streams) {
        this(streams, new DeviceOptions(), null);
    }

    /** opener: null for processes. */
    TuneCommand(Streams streams, DeviceOptions device, Opener opener) {
        this.streams = streams;
        this.device = device;
        this.opener = opener;
    }

    @Override public Integer call() {
        DeviceOptions.Choice choice = device.one();
        Tuning tuning = choice.provider().tuning(choice.device());
        if (tuning == null)
            throw new UnusableException("--device " + choice.device() + ": there is nothing to choose; name one of TornadoVM's with --device, 'squall devices' lists them");
        if (trial != null) return measureAsAsked(choice, tuning);
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
        Map<String, List<String>> asked = asked(tuning);
        Map<String, String> best = new LinkedHashMap<>();
        tuning.choices().forEach((setting, values) -> best.put(setting, values.getFirst()));
        List<Profile.Measurement> measurements = List.of();
        if (!only.isEmpty() && Files.exists(tuning.file())) {
            Profile before = Profile.read(tuning.file());
            before.settings().forEach(best::replace);
            measurements = before.measurements();
        }
        try (OpenModel open = OpenModel.open(ModelOptions.orShipped(model))) {
            Layout layout = layout(open, choice);
            int together = (int) Math.clamp(layout.shares().getFirst().available() / layout.shares().getFirst().plan().total(), 1, 16);
            if (opener == null) opener = settings -> TrialProcess.start(open.file().path(), device.flags(choice), settings);
            Profile profile = null;
            for (Map.Entry<String, List<String>> choose : asked.entrySet()) {
                List<Profile.Measurement> measured = measured(choose.getKey(), choose.getValue(), best, together);
                measurements = Profile.replaced(measurements, choose.getKey(), measured);
                profile = new Profile(choice.description().name(), tuning.versions(), open.config().arch() + ", width " + open.config().dim()
                        + ", " + open.file().path().getFileName(), LocalDate.now().toString(), new LinkedHashMap<>(best), measurements);
                // after each setting: whoever has seen enough may end it
                profile.write(tuning.file());
            }
            streams.note("squall: wrote " + tuning.file() + ".");
            return profile;
        }
    }

    /** Settings to measure, with their values. */
    private Map<String, List<String>> asked(Tuning tuning) {
        Map<String, List<String>> asked = new LinkedHashMap<>(tuning.choices());
        for (String name : only)
            if (!asked.containsKey(name))
                throw new UnusableException("--only " + name + ": no such setting, known are " + String.join(", ", asked.keySet()));
        if (!only.isEmpty()) asked.keySet().retainAll(only);
        return asked;
    }

    private Layout layout(OpenModel open, DeviceOptions.Choice choice) {
        Layout layout = Spread.layout(open, device, List.of(choice), Trial.OPTIONS, streams);
        layout.check();
        return layout;
    }

    /** Lets the values of a setting compete, and puts the winner into {@code best}. */
    private List<Profile.Measurement> measured(String setting, List<String> values, Map<String, String> best, int together) {
        List<Map<String, String>> all = new ArrayList<>();
        for (String value : values) {
            Map<String, String> settings = new LinkedHashMap<>(best);
            settings.put(setting, value);
            all.add(settings);
        }
        List<Contest.Result> results;
        List<Candidate> candidates = all.stream().map(settings -> new Candidate(settings, opener, together >= values.size())).toList();
        try (Progress progress = new Progress("Tune " + setting, Contest.MOST_ROUNDS)) {
            candidates.parallelStream().forEach(Candidate::prepare);
            results = contest.run(candidates, progress::at);
        } finally {
            candidates.forEach(Candidate::close);
        }
        int winner = contest.winner(results);
        if (winner < 0) throw new IllegalStateException(setting + ": no value of it could be measured, " + results.getFirst().failed());
        best.put(setting, values.get(winner));
        List<Profile.Measurement> measured = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) measured.add(new Profile.Measurement(setting, values.get(i), all.get(i), results.get(i)));
        return measured;
    }

    /** A candidate that is opened before the first round; where memory has not room for all, for each round again. */
    private static final class Candidate implements Rival {
        private final Map<String, String> settings;
        private final Opener opener;
        private final boolean stays;
        private Rival rival;
        private RuntimeException refused;

        Candidate(Map<String, String> settings, Opener opener, boolean stays) {
            this.settings = settings;
            this.opener = opener;
            this.stays = stays;
        }

        /** Beside the others, since the most of it is compilation; what goes wrong is told by its first round. */
        void prepare() {
            if (!stays) return;
            try {
                rival = opener.open(settings);
            } catch (RuntimeException e) {
                refused = e;
            }
        }

        @Override public Contest.Times round() {
            if (refused != null) throw refused;
            if (rival == null) rival = opener.open(settings);
            Contest.Times times = rival.round();
            if (!stays) close();
            return times;
        }

        @Override public void close() {
            if (rival != null) rival.close();
            rival = null;
        }
    }

    /** The other side of a {@link TrialProcess}. */
    private int measureAsAsked(DeviceOptions.Choice choice, Tuning tuning) {
        try (OpenModel open = OpenModel.open(ModelOptions.orShipped(model))) {
            Layout layout = layout(open, choice);
            BufferedReader asked = new BufferedReader(new InputStreamReader(streams.in(), StandardCharsets.UTF_8));
            try (Trial opened = new Trial(tuning, open.build(layout.options(), streams), layout.options(), device.cpu(), trial)) {
                streams.println(TrialProcess.READY);
                while (asked.readLine() != null) streams.println(TrialProcess.written(opened.round()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return Squall.DONE;
    }
}
