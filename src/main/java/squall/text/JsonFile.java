package squall.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import squall.format.ModelFileException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * A JSON file of a checkpoint, read as a stream: a vocabulary has hundreds of thousands of names, each seen once, so names
 * are not interned.
 */
final class JsonFile {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .build();

    private JsonFile() {}

    /** Calls {@code member} for each name of the outermost object, with the parser at the value, which it must take. */
    static void read(Path path, BiConsumer<String, JsonParser> member) {
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), path)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) throw new ModelFileException(path + ": expected a JSON object");
            members(parser, member);
        } catch (JacksonException e) {
            throw new ModelFileException(path + ": not the JSON that was expected: " + e.getOriginalMessage() + " (line "
                    + (e.getLocation() == null ? "unknown" : e.getLocation().getLineNr()) + "). Get the file again", e);
        }
    }

    /** The whole object; empty where there is no such file. */
    static Map<String, Object> readIfThere(Path path) {
        Map<String, Object> all = new LinkedHashMap<>();
        if (Files.exists(path)) read(path, (name, parser) -> all.put(name, value(parser)));
        return all;
    }

    /** The parser is at the start of an object: calls {@code member} for each of its names, then is at its end. */
    static void members(JsonParser parser, BiConsumer<String, JsonParser> member) {
        for (String name = parser.nextName(); name != null; name = parser.nextName()) {
            parser.nextToken();
            member.accept(name, parser);
        }
    }

    /** The value that the parser is at: map, list, string, Long, Double, Boolean or null. */
    static Object value(JsonParser parser) {
        return switch (parser.currentToken()) {
            case START_OBJECT -> {
                Map<String, Object> map = new LinkedHashMap<>();
                members(parser, (name, p) -> map.put(name, value(p)));
                yield map;
            }
            case START_ARRAY -> {
                List<Object> list = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) list.add(value(parser));
                yield list;
            }
            case VALUE_STRING -> parser.getString();
            case VALUE_NUMBER_INT -> parser.getLongValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> null;
        };
    }
}
