package squall.format;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** Writes .safetensors files for tests, right ones and, with the raw calls, wrong ones. */
public final class SafetensorsWriter {
    private static final JsonMapper JSON = new JsonMapper();

    private final Map<String, Object> header = new LinkedHashMap<>(Map.of("__metadata__", Map.of("format", "pt")));
    private final GgufWriter.Bytes data = new GgufWriter.Bytes();

    public SafetensorsWriter tensor(String name, String dtype, byte[] bytes, long... shape) {
        entry(name, dtype, data.size(), data.size() + bytes.length, shape);
        data.writeBytes(bytes);
        return this;
    }

    /** A header entry alone, with any offsets. */
    public SafetensorsWriter entry(String name, String dtype, long begin, long end, long... shape) {
        List<Long> dims = new ArrayList<>();
        for (long d : shape) dims.add(d);
        header.put(name, Map.of("dtype", dtype, "shape", dims, "data_offsets", List.of(begin, end)));
        return this;
    }

    /** Bytes of data that belong to no tensor. */
    public SafetensorsWriter loose(int bytes) {
        data.writeBytes(new byte[bytes]);
        return this;
    }

    public byte[] bytes() {
        return bytes(json(header));
    }

    /** With this text as the header. */
    public byte[] bytes(String headerText) {
        byte[] text = headerText.getBytes(StandardCharsets.UTF_8);
        GgufWriter.Bytes b = new GgufWriter.Bytes();
        int padded = (text.length + 7) / 8 * 8;
        b.u64(padded).writeBytes(text);
        for (int i = text.length; i < padded; i++) b.write(' ');
        b.writeBytes(data.toByteArray());
        return b.toByteArray();
    }

    public Path write(Path file) {
        return GgufWriter.write(file, bytes());
    }

    /** Any value as JSON. */
    public static String json(Object value) {
        return JSON.writeValueAsString(value);
    }
}
