package squall.sample;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import squall.format.ModelFile;
import squall.format.ModelFileException;

/**
 * The sampling that a model's makers advise: {@code general.sampling.*} of a GGUF file, {@code generation_config.json}
 * beside safetensors. Parts that the model leaves out are off; a model that says nothing gets llama.cpp's own defaults.
 *
 * @param source where they come from, for {@code -v}
 */
public record SamplingDefaults(Sampling sampling, String source) {
    private static final Sampling UNADVISED = new Sampling(1, 0, 0, 0.8, 40, 0.95, 0.05);
    private static final String GGUF_PREFIX = "general.sampling.";

    /** A GGUF key, the name in generation_config.json, and the value that switches the part off. */
    private enum Part {
        REPETITION("penalty_repeat", "repetition_penalty", 1),
        PRESENCE("penalty_present", "presence_penalty", 0),
        FREQUENCY("penalty_freq", "frequency_penalty", 0),
        TEMPERATURE("temp", "temperature", 1),
        TOP_K("top_k", "top_k", 0),
        TOP_P("top_p", "top_p", 1),
        MIN_P("min_p", "min_p", 0);

        final String gguf;
        final String json;
        final double off;

        Part(String gguf, String json, double off) {
            this.gguf = GGUF_PREFIX + gguf;
            this.json = json;
            this.off = off;
        }
    }

    /** @throws ModelFileException if a value is not a number or out of range */
    public static SamplingDefaults read(ModelFile file) {
        if (file.container().equals("GGUF")) return of(file.metadata(), true, "general.sampling of " + file.path());
        Path directory = Files.isDirectory(file.path()) ? file.path() : file.path().toAbsolutePath().getParent();
        Path config = directory.resolve("generation_config.json");
        if (!Files.isRegularFile(config)) return unadvised();
        return of(GenerationConfig.read(config), false, config.toString());
    }

    private static SamplingDefaults unadvised() {
        return new SamplingDefaults(UNADVISED, "llama.cpp's defaults, as the model gives none");
    }

    static SamplingDefaults of(Map<String, Object> values, boolean gguf, String source) {
        Map<Part, Double> found = new LinkedHashMap<>();
        for (Part part : Part.values()) {
            Object value = values.get(gguf ? part.gguf : part.json);
            if (value == null) continue;
            if (!(value instanceof Number number))
                throw new ModelFileException(source + ": a number expected for " + (gguf ? part.gguf : part.json)
                        + ", found '" + value + "'");
            found.put(part, number.doubleValue());
        }
        boolean greedy = !gguf && Boolean.FALSE.equals(values.get("do_sample"));
        if (found.isEmpty() && !greedy) return unadvised();
        try {
            Sampling advised = new Sampling(get(found, Part.REPETITION), get(found, Part.PRESENCE), get(found, Part.FREQUENCY),
                    greedy ? 0 : get(found, Part.TEMPERATURE), Math.max(0, (int) get(found, Part.TOP_K)),
                    get(found, Part.TOP_P), get(found, Part.MIN_P));
            return new SamplingDefaults(advised, source);
        } catch (IllegalArgumentException e) {
            throw new ModelFileException(source + ": " + e.getMessage(), e);
        }
    }

    private static double get(Map<Part, Double> found, Part part) {
        double value = found.getOrDefault(part, part.off);
        // GGUF keeps floats: 0.8f is meant as 0.8, not as 0.800000011920929
        return Double.parseDouble(Float.toString((float) value));
    }
}
