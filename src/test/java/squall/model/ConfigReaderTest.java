package squall.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import squall.format.GgufWriter;
import squall.format.ModelFile;
import squall.format.ModelFileException;
import squall.format.ModelFiles;
import squall.format.SafetensorsWriter;
import squall.format.TinyCheckpoint;
import squall.model.ModelConfig.FeedForward;
import squall.model.ModelConfig.Mixer;
import squall.ops.DeltaShape;
import squall.ops.DeltaShape.HeadOrder;
import squall.ops.Routing;

class ConfigReaderTest {
    private static final Object ABSENT = new Object();

    @TempDir Path directory;

    private static ModelConfig read(Path path) {
        try (ModelFile f = ModelFiles.open(path)) {
            return ConfigReader.read(f);
        }
    }

    private ModelConfig read(TinyCheckpoint c) {
        return read(c.write(directory));
    }

    private ModelConfig read(GgufWriter w) {
        return read(w.write(directory.resolve("m.gguf")));
    }

    private static String mixers(ModelConfig c) {
        StringBuilder b = new StringBuilder();
        c.layers().forEach(l -> b.append(l.mixer() == Mixer.ATTENTION ? 'A' : 'D'));
        return b.toString();
    }

    @ParameterizedTest @CsvSource({
        "qwen3, qwen3, AAA, 32, 32, 1, 96, 0", "qwen3_tied, qwen3, AAA, 32, 32, 1, 96, 0",
        "qwen3_yarn, qwen3, AAA, 32, 32, 1.1386294, 96, 0", "qwen3_moe, qwen3moe, AAA, 32, 32, 1, 0, 0",
        "qwen3_next, qwen3next, DDDA, 64, 16, 1, 0, 32", "qwen3_next_yarn, qwen3next, DDDA, 64, 16, 1.1386294, 0, 32",
        "qwen3_5, qwen35, DDDA, 64, 16, 1, 96, 0", "qwen3_5_tied, qwen35, DDDA, 64, 16, 1, 96, 0",
        "qwen3_5_moe, qwen35moe, DDDA, 64, 16, 1, 0, 32"})
    void goldenCheckpoints(String name, String arch, String mixers, int headDim, int rotary, float scale, int ffn, int shared)
            throws URISyntaxException {
        ModelConfig c = read(Path.of(ConfigReaderTest.class.getResource("/goldens/hf/" + name).toURI()));
        assertEquals(arch, c.arch());
        assertEquals(name, c.name());
        assertEquals(64, c.dim());
        assertEquals(256, c.vocab());
        assertEquals(4096, c.contextLength());
        assertEquals(1e-6f, c.eps());
        assertEquals(mixers, mixers(c));
        assertEquals(4, c.attention().heads());
        assertEquals(2, c.attention().kvHeads());
        assertEquals(headDim, c.attention().headDim());
        assertEquals(rotary, 2 * c.attention().rope().frequencies().length);
        assertEquals(scale, c.attention().rope().scale());
        assertEquals(mixers.contains("D"), c.attention().gated());
        assertEquals(mixers.contains("D") ? new DeltaShape(2, 6, 32, 32, HeadOrder.GROUPED) : null, c.delta());
        assertEquals(mixers.contains("D") ? 4 : 0, c.convTaps());
        assertEquals(ffn, c.ffn());
        assertEquals(ffn > 0 ? null : new ModelConfig.Moe(8, 3, 32, shared, Routing.Weights.NORMALISED), c.moe());
        assertEquals(0, c.mtpLayers());
    }

    @Test void theShippedModel() {
        Path at = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(at.resolve("models/squall-tiny"))) at = at.getParent();
        ModelConfig c = read(at.resolve("models/squall-tiny"));
        assertEquals("qwen35moe", c.arch());
        assertEquals("DDDADDDA", mixers(c));
        assertEquals(new DeltaShape(2, 4, 64, 64, HeadOrder.TILED), c.delta());
        assertEquals(new ModelConfig.Moe(16, 4, 64, 128, Routing.Weights.NORMALISED), c.moe());
        assertEquals(1, c.mtpLayers());
    }

    @Test void bothDialectsSayTheSame() {
        for (Architecture a : Architecture.values()) {
            TinyCheckpoint t = new TinyCheckpoint(a.id);
            ModelConfig hf = read(t);
            ModelConfig gguf = read(t.gguf());
            assertEquals(hf.arch(), gguf.arch());
            assertEquals(hf.layers(), gguf.layers());
            assertEquals(hf.ffn(), gguf.ffn());
            assertEquals(hf.moe(), gguf.moe());
            assertEquals(hf.convTaps(), gguf.convTaps());
            assertEquals(hf.attention().headDim(), gguf.attention().headDim());
            assertEquals(hf.attention().gated(), gguf.attention().gated());
            assertEquals("tiny", gguf.name());
        }
    }

    private static final String SUPPORTED = "qwen3, qwen3_moe, qwen3_next, qwen3_5_text, qwen3_5, qwen3_5_moe_text, qwen3_5_moe";

    static Stream<Arguments> wrongKeys() {
        return Stream.of(
                Arguments.of("model_type", "qwen4_exp", "one of " + SUPPORTED + ", found \"qwen4_exp\""),
                Arguments.of("model_type", "llama", "\"llama\", which is not supported"),
                Arguments.of("model_type", ABSENT, "key model_type: expected a string, found no such key"),
                Arguments.of("hidden_size", 0, "an integer from 1 to"), Arguments.of("hidden_size", -5, "found -5"),
                Arguments.of("hidden_size", 3.5, "found 3.5"), Arguments.of("hidden_size", "16", "found \"16\""),
                Arguments.of("hidden_size", 1L << 40, "an integer from 1 to"), Arguments.of("hidden_size", 32, "the configured width"),
                Arguments.of("vocab_size", 13, "13, the configured vocabulary"),
                Arguments.of("max_position_embeddings", 0, "an integer from 1"),
                Arguments.of("rms_norm_eps", 0, "epsilon"), Arguments.of("rms_norm_eps", 1e-60, "epsilon"),
                Arguments.of("num_hidden_layers", 3, "layer_types"), Arguments.of("num_hidden_layers", 100_000_000, "an integer from 1"),
                Arguments.of("num_hidden_layers", 10_000, "no more layers than the checkpoint's"),
                Arguments.of("layer_types", List.of("full_attention", "full_attention"), "DELTA_NET in the tensors"),
                Arguments.of("layer_types", List.of("full_attention", "sliding_attention"), "key layer_types[1]"),
                Arguments.of("num_key_value_heads", 3, "a multiple of the 3 key-value heads, found 4"),
                Arguments.of("num_attention_heads", 2, "twice for the output gate"),
                Arguments.of("head_dim", 16, "the configured attention head size"),
                Arguments.of("attn_output_gate", false, "the configured attention heads times head size"),
                Arguments.of("attention_bias", true, "true, which is not supported"),
                Arguments.of("use_sliding_window", true, "true, which is not supported"),
                Arguments.of("hidden_act", "gelu", "\"gelu\", which is not supported"),
                Arguments.of("output_gate_type", "sigmoid", "\"sigmoid\", which is not supported"),
                Arguments.of("linear_num_value_heads", 4, "the configured DeltaNet value heads"),
                Arguments.of("linear_num_value_heads", 5, "a multiple of the 2 key heads, found 5"),
                Arguments.of("linear_key_head_dim", 16, "the configured DeltaNet channels"),
                Arguments.of("linear_conv_kernel_dim", 1, "an integer from 2"),
                Arguments.of("num_experts_per_tok", 5, "at most the 4 there are, found 5"),
                Arguments.of("norm_topk_prob", ABSENT, "true or false"),
                Arguments.of("shared_expert_intermediate_size", ABSENT, "no such key"),
                Arguments.of("mlp_only_layers", List.of(0), "layer 0: expected DENSE as configured, found MOE in the tensors"),
                Arguments.of("decoder_sparse_step", 2, "layer 0: expected DENSE"),
                Arguments.of("rope_parameters", Map.of("rope_theta", 1e4), "partial_rotary_factor"),
                Arguments.of("rope_parameters", Map.of("partial_rotary_factor", 0.5), "rope_theta"),
                Arguments.of("rope_parameters", rope("rope_type", "linear"), "default or yarn, found \"linear\""),
                Arguments.of("rope_parameters", rope("rope_theta", 1), "a number above 1"),
                Arguments.of("rope_parameters", rope("partial_rotary_factor", 0.01), "at least 2 of the 8 dimensions"),
                Arguments.of("rope_parameters", rope("partial_rotary_factor", 0.4), "rotary dimensions: expected an even number"),
                Arguments.of("rope_parameters", rope("partial_rotary_factor", 1.5), "at most 1"),
                Arguments.of("rope_parameters", rope("rope_type", "yarn"), "rope_parameters.factor"),
                Arguments.of("rope_parameters", List.of(), "an object"));
    }

    private static Map<String, Object> rope(String key, Object value) {
        Map<String, Object> rope = new LinkedHashMap<>(Map.of("rope_type", "default", "rope_theta", 1e4, "partial_rotary_factor", 0.5));
        rope.put(key, value);
        return rope;
    }

    @ParameterizedTest @MethodSource("wrongKeys")
    void refusesWrongKeys(String key, Object value, String message) {
        TinyCheckpoint c = new TinyCheckpoint("qwen3next");
        if (value == ABSENT) c.config.remove(key);
        else c.config.put(key, value);
        assertRefused(message, () -> read(c));
    }

    @ParameterizedTest @ValueSource(strings = {"hidden_size", "vocab_size", "max_position_embeddings", "rms_norm_eps", "num_hidden_layers",
        "num_attention_heads", "num_key_value_heads", "linear_num_key_heads", "linear_num_value_heads", "linear_key_head_dim",
        "linear_value_head_dim", "linear_conv_kernel_dim", "num_experts", "num_experts_per_tok", "moe_intermediate_size"})
    void namesEveryMissingKey(String key) {
        TinyCheckpoint c = new TinyCheckpoint("qwen3next");
        c.config.remove(key);
        assertRefused("key " + key + ": expected", () -> read(c));
    }

    @Test void namesEveryMissingGgufKey() {
        List<String> optional = List.of("attention.key_length", "attention.value_length", "feed_forward_length",
                "expert_feed_forward_length", "expert_shared_feed_forward_length");
        for (String key : List.of("block_count", "context_length", "embedding_length", "attention.head_count", "attention.head_count_kv",
                "attention.layer_norm_rms_epsilon", "rope.freq_base", "rope.dimension_count", "ssm.conv_kernel", "ssm.state_size",
                "ssm.group_count", "ssm.time_step_rank", "ssm.inner_size", "expert_count", "expert_used_count"))
            assertRefused("key qwen3next." + key + ": expected", () -> read(new TinyCheckpoint("qwen3next").gguf().remove("qwen3next." + key)));
        for (String key : optional) read(new TinyCheckpoint("qwen3next").gguf().remove("qwen3next." + key));
        assertRefused("key general.architecture", () -> read(new TinyCheckpoint("qwen3").gguf().remove("general.architecture")));
    }

    static Stream<Arguments> wrongGgufKeys() {
        return Stream.of(
                Arguments.of("general.architecture", "llama", "qwen3, qwen3moe, qwen3next, qwen35, qwen35moe, found \"llama\""),
                Arguments.of("general.architecture", 3, "a string"),
                Arguments.of("qwen35.block_count", 3, "layers: expected 3 as configured, found 2"),
                Arguments.of("qwen35.block_count", 10_000, "no more layers than the file's"),
                Arguments.of("qwen35.nextn_predict_layers", 2, "an integer from 0 to 1"),
                Arguments.of("qwen35.full_attention_interval", 4, "layer 1: expected DELTA_NET as configured, found ATTENTION"),
                Arguments.of("qwen35.full_attention_interval", 0, "an integer from 1"),
                Arguments.of("qwen35.attention.recurrent_layers", new boolean[] {true}, "2 entries"),
                Arguments.of("qwen35.attention.head_count_kv", new int[] {0, 2, 2}, "2 entries"),
                Arguments.of("qwen35.attention.head_count_kv", new int[] {0, 0}, "a layer with attention"),
                Arguments.of("qwen35.attention.value_length", 16, "8, as key_length"),
                Arguments.of("qwen35.attention.sliding_window", 512, "which is not supported"),
                Arguments.of("qwen35.attention.causal", false, "expected true"),
                Arguments.of("qwen35.rope.freq_base", Float.NaN, "a finite number"),
                Arguments.of("qwen35.rope.scaling.type", "linear", "none or yarn"),
                Arguments.of("qwen35.rope.scaling.type", "yarn", "rope.scaling.factor"),
                Arguments.of("qwen35.rope.dimension_count", 16, "from 2 to the head size 8"),
                Arguments.of("qwen35.ssm.inner_size", 50, "a multiple of the 6 value heads"),
                Arguments.of("qwen35.ssm.time_step_rank", 4, "the configured DeltaNet value heads"),
                Arguments.of("qwen35.vocab_size", 13, "12, the rows of token_embd.weight"),
                Arguments.of("qwen35.attention.layer_norm_rms_epsilon", 2f, "epsilon"));
    }

    @ParameterizedTest @MethodSource("wrongGgufKeys")
    void refusesWrongGgufKeys(String key, Object value, String message) {
        assertRefused(message, () -> read(new TinyCheckpoint("qwen35").gguf().remove(key).put(key, value)));
    }

    @Test void textConfigurationMayBeNested() throws Exception {
        TinyCheckpoint c = new TinyCheckpoint("qwen35moe");
        ModelConfig flat = read(c);
        Map<String, Object> inner = new HashMap<>(c.config);
        inner.remove("model_type");
        for (String type : new String[] {"qwen3_5_moe", "qwen3_5_moe_text"}) {
            Files.writeString(directory.resolve("config.json"),
                    SafetensorsWriter.json(Map.of("model_type", type, "hidden_size", 99, "text_config", inner)));
            assertEquals(flat.dim(), read(directory).dim());
        }
    }

    @Test void ropeKeysOldAndNew() {
        TinyCheckpoint c = new TinyCheckpoint("qwen35");
        float[] expected = read(c).attention().rope().frequencies();
        c.config.remove("rope_parameters");
        c.config.put("rope_theta", 10000);
        c.config.put("partial_rotary_factor", 0.5);
        c.config.put("rope_scaling", null);
        assertArrayEquals(expected, read(c).attention().rope().frequencies());
        c.config.put("rope_theta", 5);
        c.config.put("rope_parameters", rope("rope_theta", 1e4));
        assertArrayEquals(expected, read(c).attention().rope().frequencies(), "new wins");
        c.config.put("rope_scaling", rope("rope_theta", 1e4));
        assertArrayEquals(expected, read(c).attention().rope().frequencies());
        for (Map<String, Object> other : List.of(rope("rope_theta", 5), rope("rope_type", "yarn"))) {
            c.config.put("rope_scaling", other);
            assertRefused("or only one of the two", () -> read(c));
        }
    }

    @Test void yarnInBothDialectsAndOldAndNewKeys() {
        TinyCheckpoint c = new TinyCheckpoint("qwen3");
        Map<String, Object> yarn = new LinkedHashMap<>(Map.of("type", "yarn", "factor", 4.0, "original_max_position_embeddings", 128));
        c.config.remove("rope_parameters");
        c.config.put("rope_theta", 10000.0);
        c.config.put("rope_scaling", yarn);
        ModelConfig hf = read(c);
        assertEquals(512, hf.contextLength());
        assertEquals((float) (0.1 * Math.log(4) + 1), hf.attention().rope().scale());
        Consumer<GgufWriter> keys = w -> w.put("qwen3.rope.scaling.type", "yarn").put("qwen3.rope.scaling.factor", 4f)
                .put("qwen3.rope.scaling.original_context_length", 128);
        GgufWriter w = c.gguf();
        keys.accept(w);
        ModelConfig gguf = read(w);
        assertArrayEquals(hf.attention().rope().frequencies(), gguf.attention().rope().frequencies());
        assertEquals(hf.attention().rope().scale(), gguf.attention().rope().scale());
        assertEquals(hf.attention().rope().scale(), read(w.put("qwen3.rope.scaling.attn_factor", 1f)).attention().rope().scale());
        yarn.put("attention_factor", 1.25);
        assertEquals(1.25f, read(c).attention().rope().scale());
        yarn.put("attention_factor", null);
        yarn.put("mscale", 0.8);
        yarn.put("mscale_all_dim", 0.4);
        assertEquals((float) ((0.08 * Math.log(4) + 1) / (0.04 * Math.log(4) + 1)), read(c).attention().rope().scale());
        yarn.put("factor", -1);
        assertRefused("rope_scaling", () -> read(c), "factor");
    }

    @Test void layerKindsByListByIntervalAndByDefaultOfTheFormat() {
        TinyCheckpoint c = new TinyCheckpoint("qwen35");
        c.config.put("full_attention_interval", 7);
        assertEquals("DA", mixers(read(c)), "the list wins");
        c.config.remove("layer_types");
        assertRefused("layer 1: expected DELTA_NET", () -> read(c));
        c.config.put("full_attention_interval", 2);
        assertEquals("DA", mixers(read(c)));
        GgufWriter w = c.gguf().remove("qwen35.full_attention_interval").put("qwen35.attention.recurrent_layers", new boolean[] {true, false});
        assertEquals("DA", mixers(read(w)));
    }

    @Test void denseLayersAmongSparseOnes() {
        TinyCheckpoint c = new TinyCheckpoint("qwen3moe");
        c.tensors.keySet().removeIf(n -> n.startsWith("model.layers.0.mlp."));
        for (String part : new String[] {"gate", "up"}) c.add("model.layers.0.mlp." + part + "_proj.weight", 24, 16);
        c.add("model.layers.0.mlp.down_proj.weight", 16, 24);
        for (Map<String, Object> keys : List.<Map<String, Object>>of(Map.of("mlp_only_layers", List.of(0)), Map.of("decoder_sparse_step", 2))) {
            TinyCheckpoint with = new TinyCheckpoint("qwen3moe");
            with.tensors.clear();
            with.tensors.putAll(c.tensors);
            with.config.putAll(keys);
            ModelConfig config = read(with);
            assertEquals(List.of(FeedForward.DENSE, FeedForward.MOE), config.layers().stream().map(ModelConfig.Layer::feedForward).toList());
            assertEquals(24, config.ffn());
        }
    }

    @Test void expertWeightsRawOrNormalised() {
        TinyCheckpoint c = new TinyCheckpoint("qwen3moe");
        c.config.put("norm_topk_prob", false);
        assertEquals(Routing.Weights.RAW, read(c).moe().weights());
        c.config.put("norm_topk_prob", true);
        assertEquals(Routing.Weights.NORMALISED, read(c).moe().weights());
        assertEquals(Routing.Weights.NORMALISED, read(c.gguf()).moe().weights());
        c.config.put("num_local_experts", c.config.remove("num_experts"));
        assertEquals(4, read(c).moe().experts());
        TinyCheckpoint always = new TinyCheckpoint("qwen35moe");
        always.config.remove("norm_topk_prob");
        assertEquals(Routing.Weights.NORMALISED, read(always).moe().weights());
    }

    @Test void headSizeIsShownByTheQueryNormWhereNoKeySaysIt() {
        TinyCheckpoint c = new TinyCheckpoint("qwen35");
        c.config.remove("head_dim");
        assertEquals(8, read(c).attention().headDim());
        assertEquals(8, read(c.gguf().remove("qwen35.attention.key_length")).attention().headDim());
    }

    @Test void expertSizesAreShownByTheMatricesWhereNoKeySaysThem() {
        GgufWriter w = new TinyCheckpoint("qwen35moe").gguf().remove("qwen35moe.expert_feed_forward_length")
                .remove("qwen35moe.expert_shared_feed_forward_length");
        assertEquals(TinyCheckpoint.EXPERT, read(w).moe().hidden());
        assertEquals(TinyCheckpoint.SHARED, read(w).moe().sharedHidden());
    }

    @Test void predictionLayersOfGgufAreCountedAndLeftOut() {
        TinyCheckpoint c = new TinyCheckpoint("qwen35");
        Map<String, TinyCheckpoint.Tensor> extra = new LinkedHashMap<>();
        c.tensors.forEach((n, t) -> extra.put(n, t));
        GgufWriter w = c.ggufWith(t -> {
            for (String n : new ArrayList<>(t.keySet())) if (n.startsWith("blk.1.")) t.put(n.replace("blk.1.", "blk.2."), t.get(n));
            t.put("blk.2.nextn.eh_proj.weight", t.get("blk.1.attn_norm.weight"));
        }).remove("qwen35.block_count").put("qwen35.block_count", 3);
        assertRefused("layers: expected 3", () -> read(w));
        ModelConfig config = read(w.put("qwen35.nextn_predict_layers", 1));
        assertEquals(1, config.mtpLayers());
        assertEquals("DA", mixers(config));
    }

    @Test void aModelWithoutHybridPartsHasNone() {
        ModelConfig c = read(new TinyCheckpoint("qwen3"));
        assertNull(c.delta());
        assertNull(c.moe());
        assertFalse(c.attention().gated());
        assertEquals(0, c.convTaps());
    }

    @Test void safetensorsNeedTheirConfiguration() throws Exception {
        new TinyCheckpoint("qwen3").write(directory);
        Files.delete(directory.resolve("config.json"));
        assertRefused("must lie beside the safetensors file", () -> read(directory));
        Files.writeString(directory.resolve("config.json"), "[1]");
        assertRefused("a JSON object", () -> read(directory));
        Files.writeString(directory.resolve("config.json"), "{\"model_type\":\"qwen3\",\"model_type\":\"qwen3\"}");
        assertRefused("Duplicate", () -> read(directory));
    }

    private static void assertRefused(String message, Runnable read, String... more) {
        String found = assertThrows(ModelFileException.class, read::run).getMessage();
        assertTrue(found.contains(message), found);
        for (String m : more) assertTrue(found.contains(m), found);
    }
}
