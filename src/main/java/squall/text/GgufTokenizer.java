package squall.text;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import squall.format.ModelFile;
import squall.format.ModelFileException;
import squall.format.RawTensor;
import squall.text.TokenizerDefinition.Kind;

/** Reads the tokenizer out of GGUF keys. */
final class GgufTokenizer {
    private static final String PREFIX = "tokenizer.ggml.";

    /** What converters put in for rows of the embedding that no token has; some give it the type of an added token. */
    private static final Pattern PADDING = Pattern.compile("\\[PAD\\d+]");

    /** A few converters write these for an id that is not there. */
    private static final Set<Long> NO_ID = Set.of(-1L, 0xFFFF_FFFFL);

    private final ModelFile file;
    private final Map<String, Object> metadata;

    private GgufTokenizer(ModelFile file) {
        this.file = file;
        this.metadata = file.metadata();
    }

    static TokenizerDefinition read(ModelFile file) {
        return new GgufTokenizer(file).definition();
    }

    private TokenizerDefinition definition() {
        String model = string("model", "gpt2");
        if (!model.equals("gpt2")) {
            throw wrong("model", "\"gpt2\" (byte-level BPE, as Qwen has)", '"' + model + '"');
        }
        String[] tokens = strings("tokens").toArray(String[]::new);
        bound(tokens.length);
        List<AddedToken> added = new ArrayList<>();
        Kind[] kinds = kinds(tokens, added);
        return new TokenizerDefinition(file.path() + ": " + PREFIX + "*", tokens, kinds, added, merges(),
                preTokenizer(), true, ends());
    }

    /** A token beyond the embedding would read out of it. */
    private void bound(int count) {
        if (count == 0) throw wrong("tokens", "at least the 256 bytes", "no token");
        RawTensor embedding = file.tensors().get("token_embd.weight");
        if (embedding != null && embedding.shape().length == 2 && embedding.shape()[0] < count) {
            throw wrong("tokens", "at most as many as token_embd.weight has rows, " + embedding.shape()[0], count + " tokens");
        }
    }

    private Kind[] kinds(String[] tokens, List<AddedToken> added) {
        List<?> types = list("token_type");
        if (types != null && types.size() != tokens.length) {
            throw wrong("token_type", tokens.length + " values, one for each token", String.valueOf(types.size()));
        }
        Kind[] kinds = new Kind[tokens.length];
        for (int id = 0; id < tokens.length; id++) {
            kinds[id] = kind(id, types == null ? 1L : types.get(id));
            boolean padding = tokens[id].startsWith("[PAD") && PADDING.matcher(tokens[id]).matches();
            if (padding || tokens[id].isEmpty()) kinds[id] = Kind.UNUSED;
            if (kinds[id] == Kind.CONTROL || kinds[id] == Kind.USER) {
                added.add(AddedToken.exact(tokens[id], id, kinds[id] == Kind.CONTROL));
            }
        }
        return kinds;
    }

    private Kind kind(int id, Object type) {
        return switch (type instanceof Number number ? number.intValue() : -1) {
            case 1, 6 -> Kind.NORMAL;
            case 2, 3 -> Kind.CONTROL;
            case 4 -> Kind.USER;
            case 5 -> Kind.UNUSED;
            default -> throw wrong("token_type", "1 to 6 for token " + id, String.valueOf(type));
        };
    }

    private List<String> merges() {
        List<String> given = strings("merges");
        List<String> merges = new ArrayList<>(2 * given.size());
        for (String merge : given) {
            int blank = merge.indexOf(' ', 1);
            if (blank < 0 || blank == merge.length() - 1) throw wrong("merges", "two tokens with a blank between", '"' + merge + '"');
            merges.add(merge.substring(0, blank));
            merges.add(merge.substring(blank + 1));
        }
        return merges;
    }

    private PreTokenizer preTokenizer() {
        String architecture = String.valueOf(metadata.get("general.architecture"));
        String byArchitecture = architecture.startsWith("qwen35") ? PreTokenizer.QWEN35.key() : PreTokenizer.QWEN2.key();
        String key = string("pre", byArchitecture);
        for (PreTokenizer known : PreTokenizer.values()) if (known.key().equals(key)) return known;
        if (key.equals("deepseek-r1-qwen")) return PreTokenizer.QWEN2;
        throw wrong("pre", "one of " + PreTokenizer.keys(), '"' + key + '"');
    }

    private Set<Integer> ends() {
        Set<Integer> ends = new HashSet<>();
        for (String key : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
            Object id = metadata.get(PREFIX + key);
            if (id == null) continue;
            if (!(id instanceof Long number)) throw wrong(key, "a whole number", String.valueOf(id));
            if (!NO_ID.contains(number)) ends.add((int) Math.clamp(number, -1, Integer.MAX_VALUE));
        }
        return ends;
    }

    private String string(String key, String absent) {
        Object value = metadata.get(PREFIX + key);
        if (value == null) return absent;
        if (value instanceof String text) return text;
        throw wrong(key, "a string", String.valueOf(value));
    }

    private List<?> list(String key) {
        Object value = metadata.get(PREFIX + key);
        if (value == null || value instanceof List) return (List<?>) value;
        throw wrong(key, "an array", String.valueOf(value));
    }

    private List<String> strings(String key) {
        List<?> values = list(key);
        if (values == null) {
            throw wrong(key, "an array of strings", "no such key: the file has no tokenizer. Give a complete model file");
        }
        List<String> strings = new ArrayList<>(values.size());
        for (Object value : values) {
            if (!(value instanceof String text)) throw wrong(key, "strings", String.valueOf(value));
            strings.add(text);
        }
        return strings;
    }

    private ModelFileException wrong(String key, String expected, String found) {
        return new ModelFileException(file.path() + ": " + PREFIX + key + ": expected " + expected + ", found " + found);
    }
}
