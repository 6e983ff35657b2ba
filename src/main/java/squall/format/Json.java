package squall.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/** JSON of model directories: UTF-8, no key twice, nothing after the end, bounded depth and lengths. */
final class Json {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_STRING = 1 << 24;
    private static final int MAX_NAME = 1 << 16;
    private static final int MAX_NUMBER = 100;

    // No symbol table: names are read once, and a table is something to fill with collisions.
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(MAX_STRING).maxNameLength(MAX_NAME).maxNumberLength(MAX_NUMBER).build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .build();
    private static final JsonMapper MAPPER = JsonMapper.builder(FACTORY).build();

    private Json() {}

    static JsonParser parser(byte[] text, String file) {
        return FACTORY.createParser(ObjectReadContext.empty(), utf8(text, file));
    }

    /** A file that holds one object. */
    static Map<String, Object> object(Path file, long maxBytes) {
        byte[] text = read(file, maxBytes);
        try {
            Object value = MAPPER.readValue(utf8(text, file.toString()), Object.class);
            if (!(value instanceof Map<?, ?>))
                throw ModelFileException.mismatch(file.toString(), "content", "a JSON object", "another value");
            @SuppressWarnings("unchecked") // keys of a JSON object are strings
            Map<String, Object> object = (Map<String, Object>) value;
            return object;
        } catch (JacksonException e) {
            throw malformed(file.toString(), e);
        }
    }

    static ModelFileException malformed(String file, JacksonException e) {
        return new ModelFileException(file + ": not valid JSON"
                + (e.getLocation() == null ? "" : " at character " + e.getLocation().getCharOffset())
                + ": " + e.getOriginalMessage(), e);
    }

    private static String utf8(byte[] text, String file) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
        } catch (CharacterCodingException e) {
            throw ModelFileException.mismatch(file, "JSON text", "valid UTF-8", "other bytes");
        }
    }

    private static byte[] read(Path file, long maxBytes) {
        try {
            long size = Files.size(file);
            if (size > maxBytes)
                throw ModelFileException.mismatch(file.toString(), "size", "at most " + maxBytes + " bytes", size);
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new ModelFileException(file + ": cannot be read: " + IoReason.of(e), e);
        }
    }
}
