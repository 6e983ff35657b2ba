package squall.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import squall.format.ModelFile;
import squall.format.ModelFileException;
import squall.format.RawTensor;
import squall.quant.Format;
import tools.jackson.databind.json.JsonMapper;

/** Tokenizers of other shapes, and files that are not as they must be: always a sentence, never another exception. */
class TokenizerFilesTest {
    private static final String TEXT = "I'm here: \u0301! <think>ok</think><|im_end|> 12";

    @TempDir Path scratch;

    /** A GGUF file of which only the keys and the embedding's shape matter. */
    private record Keys(Map<String, Object> metadata, Map<String, RawTensor> tensors) implements ModelFile {
        @Override public Path path() {
            return Path.of("some.gguf");
        }

        @Override public String container() {
            return "GGUF";
        }

        @Override public void close() {}
    }

    /** The keys of a small GGUF: bytes, one merge, special tokens, padding. */
    private static Map<String, Object> keys() {
        List<Object> tokens = new ArrayList<>();
        List<Object> types = new ArrayList<>();
        for (int b = 0; b < 256; b++) tokens.add(String.valueOf(ByteAlphabet.charOf(b)));
        tokens.addAll(List.of("he", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "[PAD0]", "[PAD1]"));
        for (int id = 0; id < 257; id++) types.add(1L);
        types.addAll(List.of(3L, 3L, 3L, 4L, 5L, 4L));
        Map<String, Object> keys = new HashMap<>();
        keys.put("general.architecture", "qwen3");
        keys.put("tokenizer.ggml.model", "gpt2");
        keys.put("tokenizer.ggml.pre", "qwen2");
        keys.put("tokenizer.ggml.tokens", tokens);
        keys.put("tokenizer.ggml.token_type", types);
        keys.put("tokenizer.ggml.merges", List.of("h e"));
        keys.put("tokenizer.ggml.eos_token_id", 259L);
        return keys;
    }

    private static Tokenizer gguf(Map<String, Object> keys) {
        return Tokenizer.read(new Keys(keys, Map.of()));
    }

    private static String refused(Map<String, Object> keys) {
        return assertThrows(ModelFileException.class, () -> gguf(keys)).getMessage();
    }

    private static void assertSays(String message, String... parts) {
        for (String part : parts) assertTrue(message.contains(part), message);
    }

    @Test
    void ggufKeys() {
        Tokenizer tokenizer = gguf(keys());
        assertArrayEquals(new int[] {258, 256, 120, 260, 259}, tokenizer.encode("<|im_start|>hex<think><|im_end|>"));
        assertEquals(263, tokenizer.size());
        assertFalse(tokenizer.isUsable(261) || tokenizer.isUsable(262));
        assertEquals(Set.of(257, 259), tokenizer.stopIds());
    }

    @Test
    void ggufWithoutTypesStillKnowsTheFrame() {
        Map<String, Object> keys = keys();
        keys.remove("tokenizer.ggml.token_type");
        keys.remove("tokenizer.ggml.pre");
        keys.put("tokenizer.ggml.eos_token_id", 0xFFFF_FFFFL);
        Tokenizer tokenizer = gguf(keys);
        assertArrayEquals(new int[] {258, 256, 259}, tokenizer.encode("<|im_start|>he<|im_end|>"));
        assertEquals(Set.of(257, 259), tokenizer.stopIds());
        assertFalse(tokenizer.isUsable(261));
        assertArrayEquals(tokenizer.encodeText("<|im_end|>"), tokenizer.encode(tokenizer.guard("<|im_end|>")));
    }

    /** "!" and a mark that a merge joins: one piece for Qwen3, two for Qwen3.5. */
    @Test
    void thePreTokenizerFollowsItsKeyAndThenTheArchitecture() {
        Map<String, Object> keys = keys();
        List<Object> tokens = new ArrayList<>((List<?>) keys.get("tokenizer.ggml.tokens"));
        String firstByte = String.valueOf(ByteAlphabet.charOf("\u0338".getBytes(StandardCharsets.UTF_8)[0] & 0xff));
        tokens.set(256, "!" + firstByte);
        keys.put("tokenizer.ggml.tokens", tokens);
        keys.put("tokenizer.ggml.merges", List.of("! " + firstByte));
        String text = "!!\u0338";
        assertEquals(3, gguf(keys).encode(text).length);
        keys.put("tokenizer.ggml.pre", "qwen35");
        assertEquals(4, gguf(keys).encode(text).length);
        keys.put("tokenizer.ggml.pre", "deepseek-r1-qwen");
        assertEquals(3, gguf(keys).encode(text).length);
        keys.remove("tokenizer.ggml.pre");
        assertEquals(3, gguf(keys).encode(text).length);
        keys.put("general.architecture", "qwen35moe");
        assertEquals(4, gguf(keys).encode(text).length);
    }

    @Test
    void whatIsWrongInGgufKeysIsSaid() {
        Map<String, Object> keys = keys();
        keys.put("tokenizer.ggml.model", "llama");
        assertSays(refused(keys), "some.gguf", "tokenizer.ggml.model", "gpt2", "llama");
        keys = keys();
        keys.put("tokenizer.ggml.pre", "gpt-4o");
        assertSays(refused(keys), "tokenizer.ggml.pre", "qwen2", "qwen35", "gpt-4o");
        for (String key : List.of("model", "tokens", "merges")) {
            keys = keys();
            keys.remove("tokenizer.ggml." + key);
            assertSays(refused(keys), "tokenizer.ggml." + key);
        }
        keys = keys();
        keys.put("tokenizer.ggml.token_type", List.of(1L));
        assertSays(refused(keys), "token_type", "263", "1");
        keys = keys();
        keys.put("tokenizer.ggml.eos_token_id", 263L);
        assertSays(refused(keys), "eos_token_id", "263");
        for (Object merges : List.of(List.of("he"), List.of("h "), List.of(" "), List.of(""), List.of("h x"), List.of("zz e"), List.of(1L), "h e", 5L)) {
            keys = keys();
            keys.put("tokenizer.ggml.merges", merges);
            assertSays(refused(keys), "merge");
        }
    }

    @Test
    void tokensMustBeThereOnceAndCoverEveryByte() {
        Map<String, Object> keys = keys();
        List<Object> tokens = new ArrayList<>((List<?>) keys.get("tokenizer.ggml.tokens"));
        tokens.set(256, "h");
        keys.put("tokenizer.ggml.tokens", tokens);
        assertSays(refused(keys), "104", "256", "\"h\"");
        tokens.set(256, "he");
        tokens.set(7, "odd");
        assertSays(refused(keys), "0x07", "256");
        tokens.set(7, 7L);
        assertSays(refused(keys), "tokenizer.ggml.tokens", "string");
        keys.put("tokenizer.ggml.tokens", List.of());
        keys.put("tokenizer.ggml.token_type", List.of());
        keys.remove("tokenizer.ggml.eos_token_id");
        assertSays(refused(keys), "0x00");
    }

    @Test
    void moreTokensThanRowsOfTheEmbedding() {
        RawTensor embedding = new RawTensor("token_embd.weight", Format.F32, new long[] {262, 8}, MemorySegment.NULL, "some.gguf");
        String message = assertThrows(ModelFileException.class,
                () -> Tokenizer.read(new Keys(keys(), Map.of("token_embd.weight", embedding)))).getMessage();
        assertSays(message, "262", "263");
    }

    @Test
    void mergesInTheOldForm() throws IOException {
        String json = SquallTiny.tokenizerJson();
        int from = json.indexOf("\"merges\"");
        String merges = json.substring(from).replaceAll("\\[\\s*(\"(?:[^\"\\\\]|\\\\.)*)\",\\s*\"((?:[^\"\\\\]|\\\\.)*\")\\s*]", "$1 $2");
        assertFalse(merges.contains("\",\"\u010A\""));
        Tokenizer old = SquallTiny.changed(scratch, _ -> json.substring(0, from) + merges);
        assertArrayEquals(SquallTiny.json().encode(TEXT), old.encode(TEXT));
    }

    @Test
    void tokensThatOnlyTheConfigurationHas() throws IOException {
        Files.writeString(scratch.resolve("tokenizer_config.json"), """
                {"eos_token": {"content": "<stop>"}, "added_tokens_decoder": {
                "4026": {"content": "<stop>", "special": false}, "4001": {"content": "<|im_start|>", "special": true}}}""");
        Files.writeString(scratch.resolve("generation_config.json"), "{\"eos_token_id\": 4024}");
        Tokenizer tokenizer = SquallTiny.changed(scratch, json -> json);
        assertArrayEquals(new int[] {4026}, tokenizer.encode("<stop>"));
        assertTrue(tokenizer.isSpecial(4026), "it ends a turn, so content may not forge it");
        assertEquals(Set.of(4000, 4002, 4019, 4020, 4021, 4024, 4026), tokenizer.stopIds());
    }

    @Test
    void idsThatEndAnAnswer() throws IOException {
        Files.writeString(scratch.resolve("tokenizer.json"), SquallTiny.tokenizerJson());
        Map<String, Object> config = Map.of("eos_token_id", 4005L, "text_config", Map.of("eos_token_id", List.of(4006L, 4007L)));
        Tokenizer tokenizer = Tokenizer.read(new SquallTiny.Checkpoint(scratch, config));
        assertTrue(tokenizer.stopIds().containsAll(List.of(4005, 4006, 4007, 4000, 4002)));
        for (Object wrong : List.of(4026L, -1L, 1L << 40, "x")) {
            assertThrows(ModelFileException.class,
                    () -> Tokenizer.read(new SquallTiny.Checkpoint(scratch, Map.of("eos_token_id", wrong))));
        }
    }

    @Test
    void theDirectoryOfAWeightsFileHasTheTokenizer() throws IOException {
        Files.writeString(scratch.resolve("tokenizer.json"), SquallTiny.tokenizerJson());
        Path weights = Files.createFile(scratch.resolve("model.safetensors"));
        assertEquals(4026, Tokenizer.read(new SquallTiny.Checkpoint(weights, Map.of())).size());
        assertSays(assertThrows(ModelFileException.class, () -> Tokenizer.read(
                new SquallTiny.Checkpoint(scratch.resolve("none/model.safetensors"), Map.of()))).getMessage(), "none", "tokenizer.json");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "\"type\": \"BPE\"|\"type\": \"Unigram\"|Unigram",
        "\"byte_fallback\": false|\"byte_fallback\": true|byte_fallback",
        "\"ignore_merges\": false|\"ignore_merges\": true|ignore_merges",
        "\"end_of_word_suffix\": null|\"end_of_word_suffix\": \"</w>\"|end_of_word_suffix",
        "\"NFC\"|\"NFKC\"|normalizer",
        "\"Isolated\"|\"Removed\"|pre_tokenizer",
        "(?i:'s|(?i:'S|pre_tokenizer",
        "\"use_regex\": false|\"use_regex\": true|pre_tokenizer",
        "\"!\": 0|\"!\": 1|id 1",
        "\"!\": 0|\"!\": -1|id -1",
        "\"!\": 0|\"!\": 99999999999|99999999999",
        "\"!\": 0|\"!\": 1.5|vocab",
        "\"!\": 0|\"!\": {}|vocab",
        "\"!\": 0|\"!!!!!!\": 0|0x21",
        "\"vocab\": {|\"vocabulary\": {|vocab",
        "\"id\": 4001|\"id\": 0|id 0",
        "\"id\": 4001|\"id\": null|added token",
        "\"model\": {|\"model\": [|an object",
        "\"merges\": [|\"merges\": [\"a\",|merges",
        "\"merges\": [|\"merges\": [[\"a\",1],|merges",
        "\"merges\": [|\"merges\": [[\"a\",\"b\",\"c\"],|merges",
        "\"merges\": [|\"merges\": [[\"zq\",\"b\"],|merge 0",
    })
    void whatIsWrongInTokenizerJsonIsSaid(String found, String put, String said) throws IOException {
        // one form of blanks, whatever the file has
        String json = spaced(SquallTiny.tokenizerJson());
        assertTrue(json.contains(found), found);
        String message = assertThrows(ModelFileException.class,
                () -> SquallTiny.changed(scratch, _ -> json.replace(found, put))).getMessage();
        assertSays(message, "tokenizer.json", said);
    }

    private static String spaced(String json) {
        return write(JsonMapper.shared().readValue(json, Map.class));
    }

    private static String write(Object value) {
        return switch (value) {
            case Map<?, ?> map -> map.entrySet().stream().map(e -> write(e.getKey()) + ": " + write(e.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
            case List<?> list -> list.stream().map(TokenizerFilesTest::write).collect(Collectors.joining(", ", "[", "]"));
            case null -> "null";
            default -> JsonMapper.shared().writeValueAsString(value);
        };
    }

    private static Path fuzzed;

    @BeforeContainer
    static void makeRoom() throws IOException {
        fuzzed = Files.createTempDirectory("squall-tokenizer");
    }

    @AfterContainer
    static void cleanUp() throws IOException {
        Files.deleteIfExists(fuzzed.resolve("tokenizer.json"));
        Files.delete(fuzzed);
    }

    /** A small but whole file, so that what is changed is often structure. */
    private static byte[] smallJson() {
        Map<String, Object> vocab = new LinkedHashMap<>();
        for (int b = 0; b < 256; b++) vocab.put(String.valueOf(ByteAlphabet.charOf(b)), b);
        vocab.put("he", 256);
        Map<String, Object> split = Map.of("type", "Split", "behavior", "Isolated", "invert", false,
                "pattern", Map.of("Regex", PreTokenizer.QWEN2.regex()));
        Map<String, Object> bytes = Map.of("type", "ByteLevel", "add_prefix_space", false, "use_regex", false);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("added_tokens", List.of(Map.of("id", 257, "content", "<|im_end|>", "special", true)));
        all.put("normalizer", Map.of("type", "NFC"));
        all.put("pre_tokenizer", Map.of("type", "Sequence", "pretokenizers", List.of(split, bytes)));
        all.put("model", Map.of("type", "BPE", "vocab", vocab, "merges", List.of(List.of("h", "e"))));
        return write(all).getBytes(StandardCharsets.UTF_8);
    }

    @Property(tries = 1500)
    void anyDamageToTokenizerJsonIsACleanErrorOrACorrectLoad(@ForAll @IntRange(max = 1 << 20) int at, @ForAll byte to,
            @ForAll @IntRange(max = 3) int kind) {
        byte[] json = smallJson();
        int i = at % json.length;
        if (kind == 0) json[i] = to;
        else if (kind == 1) json = Arrays.copyOf(json, i);
        else if (kind == 2) json[i] = "0\"[{}],:9".getBytes(StandardCharsets.US_ASCII)[(to & 0xff) % 9];
        else System.arraycopy(json.clone(), 0, json, i, Math.min(json.length - i, to & 0xff));
        try {
            Files.write(fuzzed.resolve("tokenizer.json"), json);
            Tokenizer tokenizer = Tokenizer.read(new SquallTiny.Checkpoint(fuzzed, Map.of("vocab_size", 300)));
            assertEquals("hex<|im_end|>", tokenizer.decode(tokenizer.encode("hex<|im_end|>")));
        } catch (ModelFileException e) {
            assertFalse(e.getMessage().isBlank());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
