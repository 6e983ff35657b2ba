package squall.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import squall.format.ModelFile;
import squall.format.ModelFileException;
import squall.format.StringList;
import squall.text.TokenizerDefinition.Kind;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Reads the tokenizer of a Hugging Face checkpoint: tokenizer.json, with the added tokens that only tokenizer_config.json
 * has and the end-of-text ids of generation_config.json and config.json.
 */
final class JsonTokenizer {
    /** Bounds ids where config.json does not say how many rows the embedding has. */
    private static final int MOST_TOKENS = 1 << 22;

    private final Path directory;
    private final Path path;
    private final int limit;

    private final Map<Integer, AddedToken> added = new LinkedHashMap<>();
    private final Map<String, Object> parts = new HashMap<>();
    private final List<String> merges = new ArrayList<>();
    private String[] tokens = new String[0];
    private int size;

    private JsonTokenizer(ModelFile file, Path directory) {
        this.directory = directory;
        this.path = directory.resolve("tokenizer.json");
        this.limit = rows(file.metadata());
    }

    static TokenizerDefinition read(ModelFile file) {
        Path given = file.path();
        Path directory = Files.isDirectory(given) ? given : given.toAbsolutePath().getParent();
        if (!Files.isRegularFile(directory.resolve("tokenizer.json"))) {
            throw new ModelFileException(directory + ": no tokenizer.json; put the checkpoint's own beside its weights");
        }
        return new JsonTokenizer(file, directory).definition(file.metadata());
    }

    /** The rows of the embedding, as config.json has them. */
    private static int rows(Map<String, Object> config) {
        Object text = config.get("text_config");
        Object rows = text instanceof Map<?, ?> inner && inner.get("vocab_size") != null
                ? inner.get("vocab_size") : config.get("vocab_size");
        return rows instanceof Number number ? (int) Math.clamp(number.longValue(), 0, MOST_TOKENS) : MOST_TOKENS;
    }

    private TokenizerDefinition definition(Map<String, Object> config) {
        JsonFile.read(path, this::member);
        if (size == 0) throw wrong("model.vocab", "an object of tokens", "none");
        Map<String, Object> settings = JsonFile.readIfThere(directory.resolve("tokenizer_config.json"));
        addFrom(settings);
        String[] spelt = Arrays.copyOf(tokens, size);
        Kind[] kinds = new Kind[size];
        for (int id = 0; id < size; id++) kinds[id] = spelt[id] == null || spelt[id].isEmpty() ? Kind.UNUSED : Kind.NORMAL;
        return new TokenizerDefinition(path.toString(), StringList.of(Arrays.asList(spelt), path.toString()), kinds,
                new ArrayList<>(added.values()), StringList.of(merges, path.toString()),
                preTokenizer(), nfc(parts.get("normalizer")), ends(config, settings));
    }

    private void member(String name, JsonParser parser) {
        switch (name) {
            case "added_tokens" -> {
                if (!(JsonFile.value(parser) instanceof List<?> list)) throw wrong(name, "an array", "something else");
                for (Object token : list) add(token, null, path);
            }
            case "model" -> {
                if (parser.currentToken() != JsonToken.START_OBJECT) throw wrong(name, "an object", parser.getString());
                JsonFile.members(parser, this::modelMember);
            }
            case "normalizer", "pre_tokenizer" -> parts.put(name, JsonFile.value(parser));
            default -> parser.skipChildren();
        }
    }

    private void modelMember(String name, JsonParser parser) {
        switch (name) {
            case "vocab" -> {
                if (parser.currentToken() != JsonToken.START_OBJECT) throw wrong("model.vocab", "an object", parser.getString());
                JsonFile.members(parser, (token, p) -> {
                    if (p.currentToken() != JsonToken.VALUE_NUMBER_INT) throw wrong("model.vocab", "ids", p.getString());
                    put(p.getLongValue(), token, path);
                });
            }
            case "merges" -> {
                if (parser.currentToken() != JsonToken.START_ARRAY) throw wrong("model.merges", "an array", parser.getString());
                while (parser.nextToken() != JsonToken.END_ARRAY) merge(JsonFile.value(parser));
            }
            case "type" -> require(name, JsonFile.value(parser), "BPE");
            case "byte_fallback", "ignore_merges" -> require(name, JsonFile.value(parser), false);
            case "continuing_subword_prefix", "end_of_word_suffix" -> require(name, JsonFile.value(parser), "");
            default -> parser.skipChildren();
        }
    }

    private void require(String name, Object found, Object wanted) {
        if (found != null && !found.equals(wanted)) throw wrong("model." + name, "\"" + wanted + "\", as Qwen has", '"' + found.toString() + '"');
    }

    private void merge(Object merge) {
        List<?> pair = merge instanceof String text ? List.of(text.split(" ", -1)) : merge instanceof List<?> list ? list : List.of();
        if (pair.size() != 2 || !(pair.get(0) instanceof String left) || !(pair.get(1) instanceof String right)
                || left.isEmpty() || right.isEmpty() || left.indexOf(' ') >= 0 || right.indexOf(' ') >= 0) {
            throw wrong("model.merges", "two tokens", String.valueOf(merge));
        }
        merges.add(left + " " + right);
    }

    private void put(long id, String token, Path where) {
        if (id < 0 || id >= limit) {
            throw new ModelFileException(where + ": the token \"" + token + "\" has the id " + id + "; expected one below "
                    + limit + (limit == MOST_TOKENS ? "" : ", config.json's vocab_size"));
        }
        int at = (int) id;
        if (at >= tokens.length) tokens = Arrays.copyOf(tokens, Math.max(at + 1, Math.min(2 * tokens.length + 1024, limit)));
        if (tokens[at] != null && !tokens[at].equals(token)) {
            throw new ModelFileException(where + ": the id " + id + " is given to \"" + tokens[at] + "\" and to \"" + token
                    + "\"; every id must be there once");
        }
        tokens[at] = token;
        size = Math.max(size, at + 1);
    }

    /** An entry of added_tokens, or of added_tokens_decoder with the id as its name. The first description of an id counts. */
    private void add(Object entry, String name, Path where) {
        Object id = entry instanceof Map<?, ?> map ? name == null ? map.get("id") : idOf(name) : null;
        if (!(id instanceof Long number) || !(((Map<?, ?>) entry).get("content") instanceof String content)) {
            throw new ModelFileException(where + ": expected an added token with id and content, found " + entry);
        }
        put(number, content, where);
        Map<?, ?> flags = (Map<?, ?>) entry;
        added.putIfAbsent(number.intValue(), new AddedToken(content, number.intValue(), flag(flags, "special"),
                flag(flags, "normalized"), flag(flags, "lstrip"), flag(flags, "rstrip"), flag(flags, "single_word")));
    }

    private static Long idOf(String name) {
        try {
            return Long.valueOf(name);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static boolean flag(Map<?, ?> token, String name) {
        return Boolean.TRUE.equals(token.get(name));
    }

    private void addFrom(Map<String, Object> settings) {
        if (settings.get("added_tokens_decoder") instanceof Map<?, ?> decoder) {
            decoder.forEach((id, token) -> add(token, (String) id, directory.resolve("tokenizer_config.json")));
        }
    }

    private boolean nfc(Object normalizer) {
        if (normalizer == null) return false;
        if (normalizer instanceof Map<?, ?> map) {
            if ("NFC".equals(map.get("type"))) return true;
            if ("Sequence".equals(map.get("type")) && map.get("normalizers") instanceof List<?> list) {
                boolean any = false;
                for (Object each : list) any |= nfc(each);
                return any;
            }
        }
        throw wrong("normalizer", "NFC or none", String.valueOf(normalizer));
    }

    private PreTokenizer preTokenizer() {
        Object found = parts.get("pre_tokenizer");
        List<?> steps = found instanceof Map<?, ?> map && map.get("pretokenizers") instanceof List<?> list ? list : List.of();
        if (steps.size() == 2 && steps.get(0) instanceof Map<?, ?> split && steps.get(1) instanceof Map<?, ?> bytes
                && "Split".equals(split.get("type")) && "Isolated".equals(split.get("behavior")) && !flag(split, "invert")
                && split.get("pattern") instanceof Map<?, ?> pattern
                && "ByteLevel".equals(bytes.get("type")) && !flag(bytes, "add_prefix_space")
                && Boolean.FALSE.equals(bytes.get("use_regex"))) {
            for (PreTokenizer known : PreTokenizer.values()) {
                if (known.regex().equals(pattern.get("Regex"))) return known;
            }
        }
        throw wrong("pre_tokenizer", "a Split by the regular expression of one of " + PreTokenizer.keys()
                + ", isolated, and then ByteLevel without one", String.valueOf(found));
    }

    private Set<Integer> ends(Map<String, Object> config, Map<String, Object> settings) {
        Set<Integer> ends = new HashSet<>();
        Path generation = directory.resolve("generation_config.json");
        collect(JsonFile.readIfThere(generation).get("eos_token_id"), generation, ends);
        Path model = directory.resolve("config.json");
        collect(config.get("eos_token_id"), model, ends);
        if (config.get("text_config") instanceof Map<?, ?> text) collect(text.get("eos_token_id"), model, ends);
        Object name = settings.get("eos_token");
        if (name instanceof Map<?, ?> token) name = token.get("content");
        for (AddedToken token : added.values()) if (token.content().equals(name)) ends.add(token.id());
        return ends;
    }

    /** One id, a list of ids, or null. */
    private void collect(Object ids, Path where, Set<Integer> to) {
        if (ids instanceof List<?> list) {
            for (Object id : list) collect(id, where, to);
        } else if (ids != null) {
            if (!(ids instanceof Number id) || id.longValue() < 0 || id.longValue() >= size) {
                throw ModelFileException.mismatch(where.toString(), "eos_token_id", "ids below " + size + ", the size of " + path, ids);
            }
            to.add(id.intValue());
        }
    }

    private ModelFileException wrong(String key, String expected, String found) {
        String shown = found == null || found.length() <= 200 ? found : found.substring(0, 200) + " ...";
        return ModelFileException.mismatch(path.toString(), key, expected, shown);
    }
}
