package squall.cli;

import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** JSON as the commands print it. Loaded only where it is asked for: start-up counts. */
final class Json {
    private static final JsonMapper PRETTY = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final JsonMapper LINE = JsonMapper.builder().build();

    private Json() {}

    /** Indented, for a whole document. */
    static String write(Object value) {
        return PRETTY.writeValueAsString(value);
    }

    /** On one line, for JSON lines. */
    static String line(Object value) {
        return LINE.writeValueAsString(value);
    }
}
