package squall.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import squall.cpu.CpuProvider;
import squall.engine.Contest;
import squall.engine.Golden;
import squall.engine.Profile;
import squall.tornado.DeviceUnderTest;
import squall.tornado.TestDevice;

/** Commands about a device, on the device that the tests run on and the checkpoint of a tiny hybrid. */
class DeviceCommandsTest {
    private static final String MODEL = Golden.directory("qwen3_5").toString();

    @TempDir Path directory;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private DeviceUnderTest device() {
        return new DeviceUnderTest(directory.resolve("profiles").resolve("test.json"));
    }

    private DeviceOptions devices() {
        return new DeviceOptions(List.of(new CpuProvider(), device()));
    }

    private Streams streams(String in) {
        return new Streams(new ByteArrayInputStream(in.getBytes(StandardCharsets.UTF_8)), new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8), Map.of());
    }

    private int run(Callable<Integer> command, String... args) throws Exception {
        out.reset();
        err.reset();
        List<String> all = new ArrayList<>(List.of(args));
        all.addAll(List.of("-m", MODEL));
        if (!all.contains("--device")) all.addAll(List.of("--device", DeviceUnderTest.ID));
        new CommandLine(command).parseArgs(all.toArray(String[]::new));
        return command.call();
    }

    private String printed() {
        return out.toString(StandardCharsets.UTF_8);
    }

    // ---- verify

    @Test void verifyPrintsATableAndWritesIt() throws Exception {
        Path table = directory.resolve("parity.md");
        assertEquals(Squall.DONE, run(new VerifyCommand(streams(""), devices()), "-o", table.toString()), this::printed);
        for (String part : List.of("| operation |", "| block ", "| model ", "deltaRule", "ok"))
            assertTrue(printed().contains(part), part + " in " + printed());
        assertFalse(printed().contains("WRONG"), printed());
        String written = Files.readString(table);
        assertTrue(written.startsWith("## ") && written.contains(" (qwen35)") && written.contains("squall verify --device test:0") && written.endsWith(printed()), written);
    }

    // ---- profile

    @Test void profileTellsTasksOfAPromptAndOfAToken() throws Exception {
        Path picture = directory.resolve("profile.svg");
        assertEquals(Squall.DONE, run(new ProfileCommand(streams(""), devices()), "-p", "20", "-n", "2", "--svg", picture.toString()));
        for (String part : List.of("start: ", "laid out in ", "prompt of 20", "token after 20", "GatedDeltaNet", "GatedAttention", "embedding", "head"))
            assertTrue(printed().contains(part), part + " in " + printed());
        // the checker keeps no clock for each task
        for (String task : TestDevice.isReal() ? List.of("matmul", "attention", "deltaRule") : List.of("all tasks"))
            assertTrue(printed().contains(task), task + " in " + printed());
        assertTrue(Files.readString(picture).startsWith("<svg"), () -> picture + " is no picture");
        run(new ProfileCommand(streams(""), devices()), "-p", "3", "-n", "1", "-np", "2", "--json");
        assertTrue(printed().startsWith("{") && printed().contains("\"phases\""), printed());
        assertTrue(printed().contains("step of 2 sequences after 3"), printed());
    }

    @Test void profileRefusesNothingToMeasureAndADeviceThatDoesNotTell() {
        assertThrows(CommandLine.ParameterException.class, () -> run(new ProfileCommand(streams(""), devices()), "-n", "0"));
        assertThrows(CommandLine.ParameterException.class, () -> run(new ProfileCommand(streams(""), devices()), "-np", "0"));
        String why = assertThrows(UnusableException.class, () -> run(new ProfileCommand(streams(""), devices()), "--device", "cpu", "-p", "2", "-n", "1")).getMessage();
        assertTrue(why.contains("name one of TornadoVM's"), why);
    }

    // ---- tune

    /** Times by what is tried, as if measured: the token in so many milliseconds. */
    private TuneCommand tune(Map<String, Double> millis) {
        return new TuneCommand(streams(""), devices(), settings -> {
            double token = settings.entrySet().stream().mapToDouble(s -> millis.getOrDefault(s.getKey() + "=" + s.getValue(), 0.0)).sum();
            if (token < 0) throw new IllegalStateException("CL_OUT_OF_RESOURCES (exit code 134)");
            return new Made(token);
        });
    }

    private record Made(double token) implements TuneCommand.Rival {
        @Override public Contest.Times round() {
            return new Contest.Times(token, 1);
        }

        @Override public void close() {}
    }

    @Test void tuneChoosesWhatIsFasterAndSurvivesWhatFails() throws Exception {
        assertEquals(Squall.DONE, run(tune(Map.of("group=64", 4.0, "group=32", 3.0, "group=128", -100.0, "fuse-residual=off", 1.0))));
        Profile profile = Profile.read(directory.resolve("profiles").resolve("test.json"));
        assertEquals("32", profile.settings().get("group"));
        assertEquals("on", profile.settings().get("fuse-residual"), "the other is slower");
        assertEquals("on", profile.settings().get("fuse-swiglu"), "the other is no faster");
        assertEquals(new DeviceUnderTest(Path.of("none")).tuning(DeviceUnderTest.ID).versions(), profile.versions());
        assertTrue(printed().contains("  * 32") && printed().contains("failed: CL_OUT_OF_RESOURCES"), printed());
        assertTrue(profile.measurements().stream().filter(m -> m.setting().equals("delta")).allMatch(m -> m.others().get("group").equals("32")),
                "what was chosen before holds for what comes after");
    }

    @Test void tuneOneSettingLeavesTheOthers() throws Exception {
        run(tune(Map.of("group=64", 4.0, "group=32", 3.0, "group=128", 5.0)));
        run(tune(Map.of("delta=usual", 4.0)), "--only", "delta");
        Profile profile = Profile.read(directory.resolve("profiles").resolve("test.json"));
        assertEquals("32", profile.settings().get("group"));
        assertEquals("chunks", profile.settings().get("delta"));
        assertEquals(3, profile.measurements().stream().filter(m -> m.setting().equals("group")).count());
        String why = assertThrows(UnusableException.class, () -> run(tune(Map.of()), "--only", "colour")).getMessage();
        assertTrue(why.contains("colour") && why.contains("fuse-swiglu"), why);
    }

    @Test void tuneExplainsWhatWasMeasuredAndWhyItIsStale() throws Exception {
        String why = assertThrows(UnusableException.class, () -> run(tune(Map.of()), "--explain")).getMessage();
        assertTrue(why.contains("has no profile") && why.contains("squall tune --device test:0"), why);
        run(tune(Map.of("group=64", 4.0, "group=32", 3.0, "group=128", 5.0)));
        run(tune(Map.of()), "--explain");
        assertTrue(printed().contains("group = 32") && printed().contains("4.00 ms a token") && printed().contains("spread"), printed());
        assertEquals("", err.toString(StandardCharsets.UTF_8));
        Path file = directory.resolve("profiles").resolve("test.json");
        Profile made = Profile.read(file);
        new Profile(made.device(), Map.of("TornadoVM", "0.1"), made.model(), made.made(), made.settings(), made.measurements()).write(file);
        run(tune(Map.of()), "--explain");
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("is stale: made with TornadoVM 0.1"), err::toString);
        run(tune(Map.of()), "--explain", "--json");
        assertTrue(printed().startsWith("{") && printed().contains("\"measurements\""), printed());
    }

    /** What a process of a candidate does: a line of times for each line it gets. */
    @Test void aTrialMeasuresARoundForEachLine() throws Exception {
        assumeTrue(TestDevice.isReal(), "its prompts of 64 tokens take the checker minutes");
        assertEquals(Squall.DONE, run(new TuneCommand(streams("\n\n"), devices(), null), "--trial", "shape=GROUPS,group=32"));
        List<String> lines = printed().lines().toList();
        assertEquals(TrialProcess.READY, lines.getFirst());
        assertEquals(3, lines.size());
        for (String line : lines.subList(1, 3)) assertTrue(line.matches("trial: [0-9.E-]+ [0-9.E-]+"), line);
    }

    @Test void aTrialOfWhatCannotBeFailsWithAMessage() {
        assertThrows(IllegalArgumentException.class, () -> run(new TuneCommand(streams("\n"), devices(), null), "--trial", "shape=ROUND"));
    }

    /** In a JVM that has no such device: what it said comes back, and this JVM goes on. */
    @Test void aProcessThatEndsSaysWhy() throws IOException {
        String why = assertThrows(IllegalStateException.class, () -> TrialProcess.start(Path.of(MODEL), List.of("--device", "nowhere:9"), Map.of("shape", "ROWS"))).getMessage();
        assertTrue(why.contains("nowhere:9: no such device") && why.endsWith("(exit code 2)"), why);
    }
}
