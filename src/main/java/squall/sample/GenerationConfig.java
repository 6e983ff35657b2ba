package squall.sample;

import java.nio.file.Path;
import java.util.Map;
import squall.format.ModelFileException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** A model's {@code generation_config.json}; a class of its own, so that GGUF files never load the JSON library. */
final class GenerationConfig {
    private GenerationConfig() {}

    @SuppressWarnings("unchecked")
    static Map<String, Object> read(Path path) {
        try {
            return JsonMapper.shared().readValue(path.toFile(), Map.class);
        } catch (JacksonException e) {
            throw new ModelFileException(path + ": a JSON object expected: " + e.getOriginalMessage(), e);
        }
    }
}
