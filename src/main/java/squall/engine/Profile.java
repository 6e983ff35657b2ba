package squall.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import squall.format.IoReason;
import squall.format.ModelFileException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What {@code squall tune} found for a device, with the measurements behind it: a file in {@code profiles/}.
 *
 * @param device       its name
 * @param versions     of the driver and of what is between it and us: other ones make the profile stale
 * @param model        what was measured with: architecture, width, format
 * @param made         date
 * @param settings     the choices, by name
 * @param measurements all that was tried, the order kept
 */
public record Profile(String device, Map<String, String> versions, String model, String made, Map<String, String> settings,
                      List<Measurement> measurements) {

    /**
     * One trial.
     *
     * @param setting      that was varied
     * @param value        it had
     * @param others       what all settings were
     * @param tokenMillis  median time of a token
     * @param promptMillis median time of the prompt
     * @param spread       of the rounds that agreed best, as a share: smaller differences are none
     * @param rounds       it was measured in, in turn with the setting's other values
     * @param failed       why it could not be measured, or nothing
     */
    public record Measurement(String setting, String value, Map<String, String> others, double tokenMillis, double promptMillis,
                              double spread, int rounds, String failed) {
        public Measurement(String setting, String value, Map<String, String> others, Contest.Result result) {
            this(setting, value, others, result.times().token(), result.times().prompt(), result.spread(), result.rounds(), result.failed());
        }
    }

    /** With what was measured for a setting, in the place of what was known of it. */
    public static List<Measurement> replaced(List<Measurement> known, String setting, List<Measurement> measured) {
        return Stream.concat(known.stream().filter(m -> !m.setting.equals(setting)), measured.stream()).toList();
    }

    /** @throws ModelFileException if the file is no profile; the message says what to do */
    public static Profile read(Path file) {
        try {
            return JsonMapper.builder().build().readValue(Files.readString(file), Profile.class);
        } catch (IOException e) {
            throw new ModelFileException(file + " cannot be read: " + IoReason.of(e));
        } catch (JacksonException e) {
            throw new ModelFileException(file + " is no tuning profile (" + e.getOriginalMessage() + "); delete it, or make it again with 'squall tune'");
        }
    }

    public void write(Path file) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.writeString(file, JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build().writeValueAsString(this) + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be written: " + IoReason.of(e), e);
        }
    }

    /** Why it may not hold any more, or null. */
    public String whyStale(Map<String, String> now) {
        for (Map.Entry<String, String> v : now.entrySet())
            if (!v.getValue().equals(versions.get(v.getKey())))
                return "made with " + v.getKey() + " " + versions.get(v.getKey()) + ", here is " + v.getValue() + "; 'squall tune' makes it again";
        return null;
    }

    /** Each choice with what was measured for it. */
    public String explain() {
        StringBuilder text = new StringBuilder(device + ", tuned " + made + " with " + model + "\n");
        versions.forEach((what, version) -> text.append("  ").append(what).append(": ").append(version).append('\n'));
        settings.forEach((setting, chosen) -> {
            text.append(setting).append(" = ").append(chosen).append('\n');
            for (Measurement m : measurements) {
                if (!m.setting.equals(setting)) continue;
                text.append(m.value.equals(chosen) ? "  * " : "    ").append(String.format(Locale.ROOT, "%-8s ", m.value));
                text.append(m.failed != null && !m.failed.isEmpty() ? "failed: " + m.failed
                        : String.format(Locale.ROOT, "%9.2f ms a token %9.2f ms a prompt, spread %4.1f %% in %d rounds", m.tokenMillis,
                                m.promptMillis, 100 * m.spread, m.rounds)).append('\n');
            }
        });
        return text.toString();
    }
}
