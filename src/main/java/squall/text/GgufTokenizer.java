package squall.text;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import squall.format.Metadata;
import squall.format.ModelFile;
import squall.format.RawTensor;
import squall.format.StringList;
import squall.text.TokenizerDefinition.Kind;

/** Reads the tokenizer out of GGUF keys. */
final class GgufTokenizer {
    private static final String PREFIX = "tokenizer.ggml.";

    /** What converters put in for rows of the embedding that no token has; some give it the type of an added token. */
    private static final Pattern PADDING = Pattern.compile("\\[PAD\\d+]");

    /** A few converters write these for an id that is not there. */
    private static final Set<Object> NO_ID = Set.of(-1L, 0xFFFF_FFFFL);

    private final ModelFile file;
    private final Metadata keys;

    private GgufTokenizer(ModelFile file) {
        this.file = file;
        this.keys = new Metadata(file.path().toString(), "", file.metadata());
    }

    static TokenizerDefinition read(ModelFile file) {
        return new GgufTokenizer(file).definition();
    }

    private TokenizerDefinition definition() {
        String model = keys.string(PREFIX + "model");
        if (!model.equals("gpt2")) {
            throw keys.wrong(PREFIX + "model", "\"gpt2\" (byte-level BPE, as Qwen has)", '"' + model + '"');
        }
        String where = file.path() + ": keys " + PREFIX + "*";
        StringList tokens = StringList.of(keys.strings(PREFIX + "tokens"), where);
        bound(tokens.size());
        List<AddedToken> added = new ArrayList<>();
        Kind[] kinds = kinds(tokens, added);
        return new TokenizerDefinition(where, tokens, kinds, added, StringList.of(keys.strings(PREFIX + "merges"), where),
                preTokenizer(), true, ends(tokens.size()));
    }

    /** A token beyond the embedding would read out of it. */
    private void bound(int count) {
        RawTensor embedding = file.tensors().get("token_embd.weight");
        if (embedding != null && embedding.shape().length == 2 && embedding.shape()[0] < count) {
            throw keys.wrong(PREFIX + "tokens", "at most as many tokens as token_embd.weight has rows, " + embedding.shape()[0], count);
        }
    }

    private Kind[] kinds(StringList tokens, List<AddedToken> added) {
        String key = PREFIX + "token_type";
        int[] types = keys.has(key) ? keys.integers(key, 1, 6) : null;
        if (types != null && types.length != tokens.size()) {
            throw keys.wrong(key, tokens.size() + " values, one for each token", types.length);
        }
        Kind[] kinds = new Kind[tokens.size()];
        for (int id = 0; id < tokens.size(); id++) {
            boolean padding = tokens.startsWith(id, "[PAD") && PADDING.matcher(tokens.get(id)).matches();
            kinds[id] = padding || tokens.begin(id) == tokens.end(id) ? Kind.UNUSED : types == null ? Kind.NORMAL : kind(types[id]);
            if (kinds[id] == Kind.CONTROL || kinds[id] == Kind.USER) {
                added.add(AddedToken.exact(tokens.get(id), id, kinds[id] == Kind.CONTROL));
            }
        }
        return kinds;
    }

    private static Kind kind(int type) {
        return switch (type) {
            case 2, 3 -> Kind.CONTROL;
            case 4 -> Kind.USER;
            case 5 -> Kind.UNUSED;
            default -> Kind.NORMAL;
        };
    }

    private PreTokenizer preTokenizer() {
        boolean marks = keys.string("general.architecture", "").startsWith("qwen35");
        String key = keys.string(PREFIX + "pre", (marks ? PreTokenizer.QWEN35 : PreTokenizer.QWEN2).key());
        for (PreTokenizer known : PreTokenizer.values()) if (known.key().equals(key)) return known;
        if (key.equals("deepseek-r1-qwen")) return PreTokenizer.QWEN2;
        throw keys.wrong(PREFIX + "pre", "one of " + PreTokenizer.keys(), '"' + key + '"');
    }

    private Set<Integer> ends(int size) {
        Set<Integer> ends = new HashSet<>();
        for (String name : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
            String key = PREFIX + name;
            if (keys.has(key) && !NO_ID.contains(keys.values().get(key))) ends.add(keys.integer(key, 0, size - 1));
        }
        return ends;
    }
}
