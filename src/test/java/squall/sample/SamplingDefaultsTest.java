package squall.sample;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import squall.format.ModelFile;
import squall.format.ModelFileException;
import squall.format.RawTensor;

class SamplingDefaultsTest {
    @TempDir Path directory;

    private ModelFile file(String container, Map<String, Object> metadata) {
        return new ModelFile() {
            @Override public Path path() {
                return directory;
            }

            @Override public Map<String, Object> metadata() {
                return metadata;
            }

            @Override public Map<String, RawTensor> tensors() {
                return Map.of();
            }

            @Override public String container() {
                return container;
            }

            @Override public void close() {}
        };
    }

    private Sampling json(String text) throws IOException {
        Files.writeString(directory.resolve("generation_config.json"), text);
        return SamplingDefaults.read(file("safetensors", Map.of())).sampling();
    }

    @Test void ggufKeys() {
        SamplingDefaults d = SamplingDefaults.read(file("GGUF", Map.of("general.sampling.temp", (double) 0.7f,
                "general.sampling.top_k", 20L, "general.sampling.top_p", (double) 0.8f, "general.sampling.min_p", 0.01,
                "general.sampling.penalty_repeat", (double) 1.05f)));
        assertEquals(new Sampling(1.05, 0, 0, 0.7, 20, 0.8, 0.01), d.sampling());
        assertTrue(d.source().contains(directory.toString()), d.source());
    }

    @Test void generationConfig() throws IOException {
        assertEquals(new Sampling(1.1, 1.5, 0, 0.6, 20, 0.95, 0),
                json("{\"do_sample\":true,\"temperature\":0.6,\"top_k\":20,\"top_p\":0.95,\"repetition_penalty\":1.1,\"presence_penalty\":1.5}"));
        assertEquals(0, json("{\"do_sample\":false,\"temperature\":0.6}").temperature());
        assertEquals(0, json("{\"do_sample\":false}").temperature());
        assertEquals(new Sampling(1, 0, 0, 1, 0, 0.5, 0), json("{\"top_p\":0.5}"));
    }

    @Test void aModelThatSaysNothing() throws IOException {
        SamplingDefaults none = SamplingDefaults.read(file("GGUF", Map.of()));
        assertEquals(new Sampling(1, 0, 0, 0.8, 40, 0.95, 0.05), none.sampling());
        assertTrue(none.source().contains("the model gives none"));
        assertEquals(none.sampling(), json("{\"eos_token_id\":[1,2]}"));
        Files.delete(directory.resolve("generation_config.json"));
        assertEquals(none, SamplingDefaults.read(file("safetensors", Map.of())));
    }

    @Test void nonsenseIsRefused() {
        assertThrows(ModelFileException.class, () -> json("{\"temperature\":\"hot\"}"));
        assertThrows(ModelFileException.class, () -> json("{\"top_p\":2}"));
        assertThrows(ModelFileException.class, () -> json("{\"top_p\":"));
        assertThrows(ModelFileException.class, () -> json("[1]"));
    }
}
