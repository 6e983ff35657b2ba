package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.Golden;
import squall.engine.Profile;
import squall.format.ModelFileException;
import squall.ops.StepPlan;
import squall.tornado.Traits.Fusion;

/** What can be chosen for a device is what is recorded, and every choice computes the same. */
class DeviceTuningTest {
    private static final EngineOptions OPTIONS = new EngineOptions(64, 1, 40, 1, KvFormat.F32, KvFormat.F32);

    /** A chunk of the delta rule and a little of the next. */
    private static final int PROMPT = 34;
    /** What the usual choices make of {@link #PROMPT} tokens and one after them. */
    private static float[] usual;

    @TempDir Path directory;

    private DeviceTuning tuning() {
        return new DeviceUnderTest(directory.resolve("profile.json")).tuned();
    }

    private void write(Map<String, String> versions, Map<String, String> settings) {
        new Profile("test", versions, "model", "2026-11-27", settings, List.of()).write(directory.resolve("profile.json"));
    }

    @Test void theFirstOfEachChoiceIsWhatIsUsual() {
        Map<String, String> first = new HashMap<>();
        tuning().choices().forEach((setting, values) -> first.put(setting, values.getFirst()));
        Traits said = tuning().traits(first);
        Traits usual = tuning().traits();
        assertEquals(List.of(usual.shape(), usual.group(), usual.choices().delta(), usual.choices().fused()),
                List.of(said.shape(), said.group(), said.choices().delta(), said.choices().fused()));
        assertEquals(EnumSet.allOf(Fusion.class), said.choices().fused());
        tuning().choices().forEach((setting, values) -> assertTrue(values.size() > 1, setting));
    }

    @Test void aProfileIsPickedUp() {
        write(tuning().versions(), Map.of("shape", "GROUPS", "group", "32", "split", "128", "delta", "chunks", "fuse-residual", "off"));
        Traits found = tuning().traits();
        assertEquals(new Traits(Traits.Shape.GROUPS, 32, found.fp16(), true, found.library(),
                new Traits.Choices(128, Traits.Delta.CHUNKS, EnumSet.complementOf(EnumSet.of(Fusion.RESIDUAL)))), found);
        assertEquals("profile.json", tuning().said());
    }

    @Test void otherVersionsMakeItStale() {
        write(Map.of("TornadoVM", "0.1"), Map.of());
        String said = tuning().said();
        assertTrue(said.startsWith("profile.json (stale: ") && said.contains("0.1") && said.contains("squall tune"), said);
    }

    @Test void aProfileThatSaysWhatCannotBeIsRefused() throws IOException {
        write(tuning().versions(), Map.of("shape", "ROUND"));
        String why = assertThrows(ModelFileException.class, () -> tuning().traits()).getMessage();
        assertTrue(why.contains("ROUND") && why.contains("profile.json") && why.contains("squall tune"), why);
        Files.writeString(directory.resolve("profile.json"), "no profile");
        assertTrue(tuning().said().contains("is no tuning profile"), tuning().said());
    }

    @Test void withoutAProfileThereIsNone() {
        assertEquals("none", tuning().said());
    }

    @Test void versionsAreTheDriversAndTornadoVms() {
        Map<String, String> versions = tuning().versions();
        assertEquals(List.of("TornadoVM", "driver"), List.copyOf(versions.keySet()));
        versions.values().forEach(v -> assertFalse(v.isBlank()));
        if (TestDevice.isReal()) assertTrue(versions.get("TornadoVM").matches("\\d+\\.\\d+.*"), versions.toString());
    }

    @Tag("checker") @Test void theApisJarKnowsItsVersion() throws IOException {
        assertEquals("5.2.0-jdk25", new ApiJar(Path.of("lib", "tornado-api-5.2.0-jdk25.jar")).version());
        Path renamed = directory.resolve("api.jar");
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.IMPLEMENTATION_VERSION, "5.3");
        new JarOutputStream(Files.newOutputStream(renamed), manifest).close();
        assertEquals("5.3", new ApiJar(renamed).version());
        assertEquals("unknown", new ApiJar(directory).version());
        assertEquals("unknown", new ApiJar(directory.resolve("none.jar")).version());
    }

    /** Every value but the usual one, the others being usual. */
    static Stream<Map<String, String>> values() {
        return new DeviceUnderTest(Path.of("none")).tuned().choices().entrySet().stream()
                .flatMap(c -> c.getValue().stream().skip(1).map(value -> Map.of(c.getKey(), value)));
    }

    /** On a model with attention, DeltaNet and experts. */
    @ParameterizedTest @MethodSource("values")
    void everyChoiceComputesTheSame(Map<String, String> settings) {
        if (usual == null) usual = logits(Map.of());
        float[] found = logits(settings);
        double most = 0;
        for (float u : usual) most = Math.max(most, Math.abs(u));
        assertEquals(usual.length, found.length);
        for (int i = 0; i < usual.length; i++) assertEquals(usual[i], found[i], 5e-6 * most, settings + ", logit " + i);
    }

    @Test void kernelsForGroupsKeepFloatsWhateverIsUsual() {
        Map<String, String> groups = Map.of("shape", "GROUPS");
        assertArrayEquals(logits(groups, OPTIONS), logits(groups, OPTIONS.withKept(KvFormat.F16)));
    }

    private float[] logits(Map<String, String> settings) {
        return logits(settings, OPTIONS);
    }

    private float[] logits(Map<String, String> settings, EngineOptions options) {
        try (Golden golden = new Golden("qwen3_5_moe"); Executor executor = tuning().open(golden.model(), options, settings)) {
            int[] ids = golden.ids();
            int vocab = golden.model().config().vocab();
            float[] logits = new float[(PROMPT + 1) * vocab];
            StepPlan prompt = new StepPlan.Builder().add(0, 0, ids, 0, PROMPT, StepPlan.Want.ALL).build();
            System.arraycopy(executor.step(prompt, null).values(), 0, logits, 0, PROMPT * vocab);
            StepPlan token = new StepPlan.Builder().add(0, PROMPT, ids, PROMPT, PROMPT + 1, StepPlan.Want.LAST).build();
            System.arraycopy(executor.step(token, null).values(), 0, logits, PROMPT * vocab, vocab);
            return logits;
        }
    }
}
