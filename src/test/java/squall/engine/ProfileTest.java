package squall.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import squall.format.ModelFileException;

class ProfileTest {
    private static final Map<String, String> VERSIONS = Map.of("driver", "3.1");

    @TempDir Path directory;

    private static Profile profile() {
        Profile.Measurement slow = new Profile.Measurement("group", "64", Map.of("group", "64"), 4, 20, 0.012, 3, "");
        Profile.Measurement fast = new Profile.Measurement("group", "32", Map.of("group", "32"), 3, 21, 0.02, 5, "");
        Profile.Measurement none = new Profile.Measurement("group", "9", Map.of("group", "9"), 0, 0, 0, 0, "no such group");
        return new Profile("made up", VERSIONS, "qwen3", "2026-11-27", Map.of("group", "32"), List.of(slow, fast, none));
    }

    @Test void comesBackAsItWasWritten() {
        Path file = directory.resolve("profiles").resolve("made-up.json");
        profile().write(file);
        assertEquals(profile(), Profile.read(file));
    }

    @Test void explainsEachChoiceWithWhatWasMeasured() {
        String text = profile().explain();
        assertTrue(text.contains("group = 32"), text);
        assertTrue(text.lines().anyMatch(l -> l.startsWith("  * 32") && l.contains("3.00 ms a token") && l.contains("spread  2.0 % in 5 rounds")), text);
        assertTrue(text.lines().anyMatch(l -> l.startsWith("    64") && l.contains("4.00 ms a token")), text);
        assertTrue(text.contains("failed: no such group"), text);
    }

    @Test void aSettingThatIsMeasuredAgainReplacesWhatWasKnownOfIt() {
        Profile.Measurement other = new Profile.Measurement("shape", "ROWS", Map.of(), 1, 1, 0, 3, "");
        Profile.Measurement again = new Profile.Measurement("group", "64", Map.of(), 2, 2, 0, 3, "");
        List<Profile.Measurement> known = new ArrayList<>(profile().measurements());
        known.add(other);
        assertEquals(List.of(other, again), Profile.replaced(known, "group", List.of(again)));
    }

    @Test void otherVersionsMakeItStale() {
        assertNull(profile().whyStale(VERSIONS));
        String why = profile().whyStale(Map.of("driver", "4.0"));
        assertTrue(why.contains("driver 3.1") && why.contains("4.0") && why.contains("squall tune"), why);
    }

    @Test void aFileThatIsNoneSaysWhatToDo() throws IOException {
        Path file = directory.resolve("bad.json");
        Files.writeString(file, "{\"device\": 3, ");
        String why = assertThrows(ModelFileException.class, () -> Profile.read(file)).getMessage();
        assertTrue(why.contains("bad.json") && why.contains("squall tune"), why);
    }
}
