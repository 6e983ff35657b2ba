package squall.text;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import squall.format.ModelFile;
import squall.format.ModelFiles;
import squall.format.RawTensor;

/** The shipped model's tokenizer in its two forms, and variants of it. */
final class SquallTiny {
    private static Tokenizer gguf;
    private static Tokenizer json;
    private static Tokenizer oldMarks;

    private SquallTiny() {}

    /** Tests run in the module's directory or in the project's. */
    static Path directory() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path model = at.resolve("models/squall-tiny");
            if (Files.isRegularFile(model.resolve("tokenizer.json"))) return model;
        }
        throw new IllegalStateException("no models/squall-tiny above " + Path.of("").toAbsolutePath());
    }

    static synchronized Tokenizer gguf() {
        if (gguf == null) {
            try (ModelFile file = ModelFiles.open(directory().resolve("squall-tiny-Q8_0.gguf"))) {
                gguf = Tokenizer.read(file);
            }
        }
        return gguf;
    }

    static synchronized Tokenizer json() {
        if (json == null) json = Tokenizer.read(new Checkpoint(directory(), Map.of("vocab_size", 4096)));
        return json;
    }

    /** The same vocabulary with the pre-tokeniser of Qwen3. */
    static synchronized Tokenizer qwen2(Path scratch) {
        if (oldMarks == null) {
            oldMarks = changed(scratch, text -> text.replace("[\\\\p{L}\\\\p{M}]", "\\\\p{L}").replace("\\\\p{L}\\\\p{M}", "\\\\p{L}"));
        }
        return oldMarks;
    }

    /** Read from a copy of tokenizer.json that was edited. */
    static Tokenizer changed(Path scratch, UnaryOperator<String> edit) {
        try {
            Files.writeString(scratch.resolve("tokenizer.json"), edit.apply(tokenizerJson()));
            return Tokenizer.read(new Checkpoint(scratch, Map.of()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String tokenizerJson() throws IOException {
        return Files.readString(directory().resolve("tokenizer.json"));
    }

    /** A safetensors checkpoint of which only the directory and config.json matter. */
    record Checkpoint(Path path, Map<String, Object> metadata) implements ModelFile {
        @Override public Map<String, RawTensor> tensors() {
            return Map.of();
        }

        @Override public String container() {
            return "safetensors";
        }

        @Override public void close() {}
    }

    /** The rows of a resource of tab-separated columns. */
    static List<String[]> rows(String resource) {
        try (InputStream in = SquallTiny.class.getResourceAsStream(resource)) {
            List<String[]> rows = new ArrayList<>();
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) rows.add(line.split("\t", -1));
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String unhex(String hex) {
        return new String(HexFormat.of().parseHex(hex), StandardCharsets.UTF_8);
    }
}
