package squall.text.jinja;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** What jinja2 makes of templates: see README.md beside the resources. */
public final class Goldens {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** The templates written for these tests, by the family whose structure they have. */
    public static final List<String> TEMPLATES = List.of("hybrid", "thinking", "coder", "vision");

    private Goldens() {
    }

    public static String template(String name) {
        return new String(resource(name + ".jinja"), StandardCharsets.UTF_8);
    }

    @SuppressWarnings("unchecked")
    public static Map<String, Object> data(String name) {
        return (Map<String, Object>) JSON.readValue(resource(name), Map.class).get("data");
    }

    @SuppressWarnings("unchecked")
    public static List<Map<String, Object>> cases(String name) {
        return (List<Map<String, Object>>) JSON.readValue(resource(name), Map.class).get("cases");
    }

    private static byte[] resource(String name) {
        try (InputStream in = Goldens.class.getResourceAsStream("/squall/text/templates/" + name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
