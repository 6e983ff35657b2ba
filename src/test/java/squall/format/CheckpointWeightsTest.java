package squall.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import squall.model.ConfigReader;
import squall.model.ModelConfig;
import squall.model.Qwen;
import squall.ops.DeltaShape.HeadOrder;
import squall.ops.Weight;
import squall.quant.Format;

class CheckpointWeightsTest {
    private static final int DIM = TinyCheckpoint.DIM;

    @TempDir Path directory;
    private ModelFile file;
    private ModelConfig config;

    @AfterEach void close() {
        if (file != null) file.close();
    }

    private CheckpointWeights load(Path path) {
        close();
        file = ModelFiles.open(path);
        config = ConfigReader.read(file);
        CheckpointWeights w = CheckpointWeights.of(file, config);
        Qwen.build(config, w);
        return w;
    }

    private CheckpointWeights load(TinyCheckpoint c) {
        return load(c.write(directory));
    }

    private CheckpointWeights loadGguf(TinyCheckpoint c) {
        return load(c.gguf().write(directory.resolve("m.gguf")));
    }

    private String refusal(TinyCheckpoint c) {
        return assertThrows(ModelFileException.class, () -> load(c)).getMessage();
    }

    /** All values, experts one after another, block scales applied. */
    private static float[] values(Weight w) {
        int n = w.rows() * w.cols();
        float[] all = new float[n * w.experts().size()];
        for (int e = 0; e < w.experts().size(); e++) {
            w.format().codec.decode(w.experts().get(e), 0, all, e * n, n);
            if (w.scales().isEmpty()) continue;
            for (int i = 0; i < n; i++)
                all[e * n + i] *= w.scales().get(e)[i / w.cols() / 128 * ((w.cols() + 127) / 128) + i % w.cols() / 128];
        }
        return all;
    }

    private static void assertSame(Weight a, Weight b) {
        assertArrayEquals(values(a), values(b), a.name());
    }

    @ParameterizedTest @ValueSource(strings = {"qwen3", "qwen3moe", "qwen3next", "qwen35", "qwen35moe"})
    void bothContainersHoldTheSameModel(String arch) {
        TinyCheckpoint c = new TinyCheckpoint(arch);
        CheckpointWeights a = load(c);
        ModelConfig ca = config;
        try (ModelFile other = ModelFiles.open(c.gguf().write(directory.resolve("m.gguf")))) {
            ModelConfig cb = ConfigReader.read(other);
            CheckpointWeights b = CheckpointWeights.of(other, cb);
            Qwen.build(cb, b);
            assertEquals(ca.layers(), cb.layers());
            assertEquals(ca.moe(), cb.moe());
            assertEquals(ca.contextLength(), cb.contextLength());
            assertArrayEquals(ca.attention().rope().frequencies(), cb.attention().rope().frequencies());
            for (int i = 0; i < 2; i++) compareLayer(a, b, ca, "blk." + i + ".", i);
            assertSame(a.small("output_norm.weight", 1, DIM), b.small("output_norm.weight", 1, DIM));
            assertSame(a.matrix("output.weight", ca.vocab(), DIM), b.matrix("output.weight", ca.vocab(), DIM));
            if (ca.delta() != null)
                assertEquals(arch.equals("qwen3next") ? HeadOrder.GROUPED : HeadOrder.TILED, cb.delta().order());
            assertEquals(List.of(), a.warnings());
            assertEquals(List.of(), b.warnings());
        }
    }

    private static void compareLayer(CheckpointWeights a, CheckpointWeights b, ModelConfig c, String p, int layer) {
        assertSame(a.small(p + "attn_norm.weight", 1, DIM), b.small(p + "attn_norm.weight", 1, DIM));
        assertSame(a.small(p + "ffn_norm.weight", 1, DIM), b.small(p + "ffn_norm.weight", 1, DIM));
        if (c.layers().get(layer).mixer() == ModelConfig.Mixer.ATTENTION) {
            assertSame(a.small(p + "attn_q_norm.weight", 1, TinyCheckpoint.HEAD_DIM), b.small(p + "attn_q_norm.weight", 1, TinyCheckpoint.HEAD_DIM));
        } else {
            int nv = TinyCheckpoint.VALUE_HEADS, dv = TinyCheckpoint.DV, keys = TinyCheckpoint.KEY_HEADS * TinyCheckpoint.DK;
            boolean tiled = !c.arch().equals("qwen3next");
            assertHeads(a.small(p + "ssm_a", 1, nv), b.small(p + "ssm_a", 1, nv), 0, 1, tiled);
            assertHeads(a.small(p + "ssm_dt.bias", 1, nv), b.small(p + "ssm_dt.bias", 1, nv), 0, 1, tiled);
            assertHeads(a.matrix(p + "ssm_beta.weight", nv, DIM), b.matrix(p + "ssm_beta.weight", nv, DIM), 0, DIM, tiled);
            assertHeads(a.matrix(p + "ssm_alpha.weight", nv, DIM), b.matrix(p + "ssm_alpha.weight", nv, DIM), 0, DIM, tiled);
            assertHeads(a.matrix(p + "attn_gate.weight", nv * dv, DIM), b.matrix(p + "attn_gate.weight", nv * dv, DIM), 0, dv * DIM, tiled);
            int channels = 2 * keys + nv * dv;
            assertHeads(a.matrix(p + "attn_qkv.weight", channels, DIM), b.matrix(p + "attn_qkv.weight", channels, DIM), 2 * keys * DIM, dv * DIM, tiled);
            assertHeads(a.small(p + "ssm_conv1d.weight", channels, 4), b.small(p + "ssm_conv1d.weight", channels, 4), 2 * keys * 4, dv * 4, tiled);
            assertSame(a.small(p + "ssm_norm.weight", 1, dv), b.small(p + "ssm_norm.weight", 1, dv));
        }
        if (c.moe() != null)
            for (String part : new String[] {"gate", "up", "down"}) {
                int rows = part.equals("down") ? DIM : c.moe().hidden(), cols = part.equals("down") ? c.moe().hidden() : DIM;
                String name = p + "ffn_" + part + "_exps.weight";
                assertSame(a.experts(name, c.moe().experts(), rows, cols), b.experts(name, c.moe().experts(), rows, cols));
            }
    }

    /** Value heads of size n after {@code skip} values: grouped in a, tiled in b. */
    private static void assertHeads(Weight a, Weight b, int skip, int n, boolean tiled) {
        float[] x = values(a), y = values(b);
        assertArrayEquals(Arrays.copyOf(x, skip), Arrays.copyOf(y, skip), a.name());
        for (int h = 0; h < TinyCheckpoint.VALUE_HEADS; h++) {
            int ratio = TinyCheckpoint.VALUE_HEADS / TinyCheckpoint.KEY_HEADS;
            int from = skip + n * (tiled ? h % TinyCheckpoint.KEY_HEADS * ratio + h / TinyCheckpoint.KEY_HEADS : h);
            assertArrayEquals(Arrays.copyOfRange(x, from, from + n), Arrays.copyOfRange(y, skip + n * h, skip + n * h + n), a.name() + " head " + h);
        }
    }

    @Test void normsOfHybridsFromSafetensorsAreShiftedOnceAndOnlyThose() {
        TinyCheckpoint hybrid = new TinyCheckpoint("qwen35");
        float[] raw = hybrid.tensors.get("model.layers.0.input_layernorm.weight").values();
        assertEquals(raw[3] + 1, values(load(hybrid).small("blk.0.attn_norm.weight", 1, DIM))[3]);
        float[] gated = hybrid.tensors.get("model.layers.0.linear_attn.norm.weight").values();
        assertArrayEquals(gated, values(load(hybrid).small("blk.0.ssm_norm.weight", 1, 8)));
        assertEquals(raw[3] + 1, values(loadGguf(hybrid).small("blk.0.attn_norm.weight", 1, DIM))[3]);
        TinyCheckpoint plain = new TinyCheckpoint("qwen3");
        assertArrayEquals(plain.tensors.get("model.norm.weight").values(), values(load(plain).small("output_norm.weight", 1, DIM)));
    }

    @Test void matricesAreTheFilesOwnBytes() {
        TinyCheckpoint c = new TinyCheckpoint("qwen35moe");
        CheckpointWeights w = load(c);
        Weight up = w.experts("blk.0.ffn_up_exps.weight", 4, 8, DIM);
        MemorySegment fused = file.tensors().get("model.layers.0.mlp.experts.gate_up_proj").data();
        assertEquals(fused.address() + (2 * 8 + 8) * DIM * 4, up.experts().get(1).address());
        Weight o = w.matrix("blk.1.attn_output.weight", DIM, 32);
        assertEquals(file.tensors().get("model.layers.1.self_attn.o_proj.weight").data().address(), o.data().address());
    }

    @Test void mergedExpertsOfGgufAndOnesBySingleMatrix() {
        TinyCheckpoint c = new TinyCheckpoint("qwen35moe");
        CheckpointWeights expected = load(c);
        float[] gate = values(expected.experts("blk.0.ffn_gate_exps.weight", 4, 8, DIM));
        float[] fused = c.tensors.remove("model.layers.0.mlp.experts.gate_up_proj").values();
        float[] down = c.tensors.remove("model.layers.0.mlp.experts.down_proj").values();
        for (int e = 0; e < 4; e++) {
            String p = "model.layers.0.mlp.experts." + e + ".";
            int n = 8 * DIM;
            c.tensors.put(p + "gate_proj.weight", new TinyCheckpoint.Tensor(Arrays.copyOfRange(fused, 2 * e * n, 2 * e * n + n), new long[] {8, DIM}));
            c.tensors.put(p + "up_proj.weight", new TinyCheckpoint.Tensor(Arrays.copyOfRange(fused, 2 * e * n + n, 2 * e * n + 2 * n), new long[] {8, DIM}));
            c.tensors.put(p + "down_proj.weight", new TinyCheckpoint.Tensor(Arrays.copyOfRange(down, e * n, e * n + n), new long[] {DIM, 8}));
        }
        assertArrayEquals(gate, values(load(c).experts("blk.0.ffn_gate_exps.weight", 4, 8, DIM)));
        c.tensors.remove("model.layers.0.mlp.experts.2.up_proj.weight");
        assertTrue(refusal(c).contains("tensor blk.0.ffn_up.2.weight is missing"));
    }

    @Test void legacyFusedProjectionInGguf() {
        TinyCheckpoint c = new TinyCheckpoint("qwen3next");
        GgufWriter w = c.gguf();
        float[] expected = values(load(w.write(directory.resolve("m.gguf"))).matrix("blk.0.attn_qkv.weight", 80, DIM));
        GgufWriter legacy = c.ggufWith(tensors -> {
            tensors.remove("blk.0.attn_qkv.weight");
            tensors.remove("blk.0.attn_gate.weight");
            tensors.put("blk.0.ssm_in.weight", c.tensors.get("model.layers.0.linear_attn.in_proj_qkvz.weight"));
        });
        assertArrayEquals(expected, values(load(legacy.write(directory.resolve("old.gguf"))).matrix("blk.0.attn_qkv.weight", 80, DIM)));
    }

    @Test void headIsTiedAsTheConfigurationSays() {
        TinyCheckpoint c = new TinyCheckpoint("qwen35");
        assertTrue(load(c).has("output.weight"));
        c.config.put("tie_word_embeddings", true);
        assertFalse(load(c).has("output.weight"), "the embedding serves as head although lm_head is there");
        c.config.remove("tie_word_embeddings");
        assertTrue(load(c).has("output.weight"));
        c.tensors.remove("lm_head.weight");
        assertFalse(load(c).has("output.weight"));
        c.config.put("tie_word_embeddings", false);
        assertTrue(refusal(c).contains("key tie_word_embeddings"));
    }

    @Test void tieFlagOfTheOuterLevelCounts() throws Exception {
        TinyCheckpoint c = new TinyCheckpoint("qwen35");
        c.config.remove("tie_word_embeddings");
        c.safetensors().write(directory.resolve("model.safetensors"));
        Map<String, Object> outer = Map.of("model_type", "qwen3_5", "tie_word_embeddings", true, "text_config", c.config);
        Files.writeString(directory.resolve("config.json"), SafetensorsWriter.json(outer));
        assertFalse(load(directory).has("output.weight"));
        c.config.put("tie_word_embeddings", false);
        Files.writeString(directory.resolve("config.json"), SafetensorsWriter.json(outer));
        assertTrue(load(directory).has("output.weight"), "inner first");
    }

    @Test void unknownTensorsWarnAndOnesThatWouldChangeTheResultAreRefused() {
        TinyCheckpoint c = new TinyCheckpoint("qwen3");
        c.add("model.layers.0.self_attn.rotary_emb.inv_freq", 4);
        List<String> warnings = load(c).warnings();
        assertEquals(1, warnings.size());
        assertTrue(warnings.getFirst().contains("rotary_emb.inv_freq"));
        for (String name : new String[] {"self_attn.q_proj.bias", "self_attn.q_proj.weight_scale", "self_attn.q_proj.input_scale"}) {
            TinyCheckpoint bad = new TinyCheckpoint("qwen3");
            bad.add("model.layers.0." + name, 32);
            assertTrue(refusal(bad).contains(name));
        }
    }

    @Test void visionAndPredictionTensorsAreLeftOut() {
        TinyCheckpoint c = new TinyCheckpoint("qwen35");
        c.add("model.visual.blocks.0.attn.qkv.bias", 4);
        c.add("mtp.fc.weight", 4, 4);
        c.add("mtp.layers.0.self_attn.q_proj.bias", 4);
        c.add("mtp.layers.1.self_attn.q_proj.weight", 4);
        assertEquals(List.of(), load(c).warnings());
        assertEquals(2, config.mtpLayers());
    }

    @Test void missingAndMisshapenTensorsAreNamed() {
        for (String name : new TinyCheckpoint("qwen35moe").tensors.keySet()) {
            if (name.equals("lm_head.weight")) continue;
            TinyCheckpoint c = new TinyCheckpoint("qwen35moe");
            TinyCheckpoint.Tensor t = c.tensors.remove(name);
            String canonical = Names.fromSafetensors(name);
            String found = refusal(c);
            assertTrue(found.contains("missing") || found.contains("layer "), name + ": " + found);
            long[] shape = t.shape().clone();
            shape[0]++;
            c.add(name, shape);
            found = refusal(c);
            assertTrue(found.contains(name) || found.contains(canonical), name + ": " + found);
        }
    }

    @Test void smallTensorsAreConvertedFromAnyFormat() {
        TinyCheckpoint c = new TinyCheckpoint("qwen3");
        SafetensorsWriter w = new SafetensorsWriter();
        byte[] halves = new byte[2 * DIM], brains = new byte[2 * DIM];
        for (int i = 0; i < DIM; i++) {
            short half = Float.floatToFloat16(i - 2.5f);
            int brain = Float.floatToIntBits(i - 2.5f) >> 16;
            halves[2 * i] = (byte) half;
            halves[2 * i + 1] = (byte) (half >> 8);
            brains[2 * i] = (byte) brain;
            brains[2 * i + 1] = (byte) (brain >> 8);
        }
        c.tensors.forEach((name, t) -> {
            if (name.equals("model.norm.weight")) w.tensor(name, "F16", halves, DIM);
            else if (name.equals("model.layers.0.input_layernorm.weight")) w.tensor(name, "BF16", brains, DIM);
            else w.tensor(name, "F32", t.bytes(), t.shape());
        });
        w.write(directory.resolve("model.safetensors"));
        CheckpointWeights weights = load(c.writeConfig(directory));
        for (String name : new String[] {"output_norm.weight", "blk.0.attn_norm.weight"}) {
            Weight small = weights.small(name, 1, DIM);
            assertEquals(Format.F32, small.format());
            assertEquals(-2.5f, values(small)[0]);
            assertEquals(DIM - 3.5f, values(small)[DIM - 1]);
        }
    }

    @Test void loadingReportsEveryByte() {
        load(new TinyCheckpoint("qwen35moe"));
        List<MemorySegment> stored = file.tensors().values().stream().map(RawTensor::data).toList();
        long total = stored.stream().mapToLong(MemorySegment::byteSize).sum();
        long[] last = new long[2];
        Loader.Progress rising = (bytes, of) -> {
            assertTrue(bytes > last[0]);
            last[0] = bytes;
            last[1] = of;
        };
        Loader.load(file.tensors().values(), 3, rising);
        assertArrayEquals(new long[] {total, total}, last);
        last[0] = 0;
        Loader.read(stored, 0, total, 3, rising);
        assertArrayEquals(new long[] {total, total}, last);
    }

    @Test void ollamasDialect() {
        TinyCheckpoint c = new TinyCheckpoint("qwen35");
        c.add("v.patch_embed.weight", 4);
        Consumer<Map<String, TinyCheckpoint.Tensor>> rename = t -> t.put("blk.0.ssm_dt", t.remove("blk.0.ssm_dt.bias"));
        GgufWriter w = c.ggufWith(rename).remove("qwen35.attention.head_count_kv").remove("qwen35.full_attention_interval")
                .put("qwen35.attention.head_count_kv", new int[] {0, 2}).put("qwen35.rope.dimension_sections", new int[] {2, 1, 1})
                .put("qwen35.ssm.v_head_reordered", false);
        CheckpointWeights weights = load(w.write(directory.resolve("m.gguf")));
        assertEquals(List.of(), weights.warnings());
        assertEquals(HeadOrder.GROUPED, config.delta().order());
        assertEquals(2, config.attention().kvHeads());
        assertEquals(ModelConfig.Mixer.DELTA_NET, config.layers().getFirst().mixer());
        load(w.remove("qwen35.ssm.v_head_reordered").put("qwen35.ssm.v_head_reordered", true).write(directory.resolve("m.gguf")));
        assertEquals(HeadOrder.TILED, config.delta().order());
    }
}
