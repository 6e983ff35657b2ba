package squall.format;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import squall.quant.Format;

/**
 * The smallest complete checkpoint of an architecture, with random weights: two layers (for hybrids one DeltaNet, one
 * attention), in F32. It is held in the form of safetensors and can be written in either; the way to GGUF is written
 * here as a converter does it, apart from the engine's own reading.
 */
public final class TinyCheckpoint {
    public static final int DIM = 16, VOCAB = 12, HEADS = 4, KV_HEADS = 2, HEAD_DIM = 8, FFN = 24;
    public static final int KEY_HEADS = 2, VALUE_HEADS = 6, DK = 8, DV = 8, TAPS = 4;
    public static final int EXPERTS = 4, EXPERT = 8, SHARED = 16;
    private static final int KEYS = KEY_HEADS * DK, VALUES = VALUE_HEADS * DV, RATIO = VALUE_HEADS / KEY_HEADS;
    private static final int LAYERS = 2;

    public record Tensor(float[] values, long[] shape) {
        byte[] bytes() {
            ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            b.asFloatBuffer().put(values);
            return b.array();
        }
    }

    public final String arch;
    /** config.json; tests change it before they write. */
    public final Map<String, Object> config = new LinkedHashMap<>();
    /** Under their names in safetensors; tests change them before they write. */
    public final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final boolean hybrid;
    private final boolean moe;
    private final boolean next;
    private final Random random = new Random(7);

    /** @param arch as in GGUF */
    public TinyCheckpoint(String arch) {
        this.arch = arch;
        this.next = arch.equals("qwen3next");
        this.hybrid = next || arch.startsWith("qwen35");
        this.moe = next || arch.endsWith("moe");
        configure();
        fill();
    }

    private void configure() {
        config.put("model_type", Map.of("qwen3", "qwen3", "qwen3moe", "qwen3_moe", "qwen3next", "qwen3_next", "qwen35",
                "qwen3_5_text", "qwen35moe", "qwen3_5_moe_text").get(arch));
        Map.of("hidden_size", DIM, "vocab_size", VOCAB, "num_hidden_layers", LAYERS, "num_attention_heads", HEADS,
                "num_key_value_heads", KV_HEADS, "head_dim", HEAD_DIM, "max_position_embeddings", 256, "intermediate_size", FFN)
                .forEach(config::put);
        config.put("rms_norm_eps", 1e-6);
        config.put("hidden_act", "silu");
        config.put("tie_word_embeddings", false);
        Map<String, Object> rope = new LinkedHashMap<>(Map.of("rope_type", "default", "rope_theta", 10000.0));
        config.put("rope_parameters", rope);
        if (hybrid) {
            rope.put("partial_rotary_factor", 0.5);
            config.put("layer_types", List.of("linear_attention", "full_attention"));
            Map.of("linear_num_key_heads", KEY_HEADS, "linear_num_value_heads", VALUE_HEADS, "linear_key_head_dim", DK,
                    "linear_value_head_dim", DV, "linear_conv_kernel_dim", TAPS).forEach(config::put);
        }
        if (moe) {
            Map.of("num_experts", EXPERTS, "num_experts_per_tok", 2, "moe_intermediate_size", EXPERT, "norm_topk_prob", true)
                    .forEach(config::put);
            if (hybrid) config.put("shared_expert_intermediate_size", SHARED);
        }
    }

    private void fill() {
        add("model.embed_tokens.weight", VOCAB, DIM);
        add("model.norm.weight", DIM);
        add("lm_head.weight", VOCAB, DIM);
        for (int i = 0; i < LAYERS; i++) {
            String l = "model.layers." + i + ".";
            add(l + "input_layernorm.weight", DIM);
            add(l + "post_attention_layernorm.weight", DIM);
            if (hybrid && i == 0) addDelta(l + "linear_attn.");
            else addAttention(l + "self_attn.");
            if (moe) addExperts(l + "mlp.");
            else addMlp(l + "mlp.", FFN);
        }
    }

    private void addAttention(String p) {
        add(p + "q_proj.weight", (hybrid ? 2 : 1) * HEADS * HEAD_DIM, DIM);
        add(p + "k_proj.weight", KV_HEADS * HEAD_DIM, DIM);
        add(p + "v_proj.weight", KV_HEADS * HEAD_DIM, DIM);
        add(p + "o_proj.weight", DIM, HEADS * HEAD_DIM);
        add(p + "q_norm.weight", HEAD_DIM);
        add(p + "k_norm.weight", HEAD_DIM);
    }

    private void addDelta(String p) {
        if (next) {
            add(p + "in_proj_qkvz.weight", 2 * KEYS + 2 * VALUES, DIM);
            add(p + "in_proj_ba.weight", 2 * VALUE_HEADS, DIM);
        } else {
            add(p + "in_proj_qkv.weight", 2 * KEYS + VALUES, DIM);
            add(p + "in_proj_z.weight", VALUES, DIM);
            add(p + "in_proj_b.weight", VALUE_HEADS, DIM);
            add(p + "in_proj_a.weight", VALUE_HEADS, DIM);
        }
        add(p + "conv1d.weight", 2 * KEYS + VALUES, 1, TAPS);
        add(p + "A_log", VALUE_HEADS);
        add(p + "dt_bias", VALUE_HEADS);
        add(p + "norm.weight", DV);
        add(p + "out_proj.weight", DIM, VALUES);
    }

    private void addMlp(String p, int width) {
        add(p + "gate_proj.weight", width, DIM);
        add(p + "up_proj.weight", width, DIM);
        add(p + "down_proj.weight", DIM, width);
    }

    private void addExperts(String p) {
        add(p + "gate.weight", EXPERTS, DIM);
        if (arch.equals("qwen35moe")) {
            add(p + "experts.gate_up_proj", EXPERTS, 2 * EXPERT, DIM);
            add(p + "experts.down_proj", EXPERTS, DIM, EXPERT);
        } else {
            for (int e = 0; e < EXPERTS; e++) addMlp(p + "experts." + e + ".", EXPERT);
        }
        if (hybrid) {
            add(p + "shared_expert_gate.weight", 1, DIM);
            addMlp(p + "shared_expert.", SHARED);
        }
    }

    /** A tensor of random numbers. */
    public void add(String name, long... shape) {
        int n = 1;
        for (long d : shape) n *= (int) d;
        float[] values = new float[n];
        for (int i = 0; i < n; i++) values[i] = (float) random.nextGaussian();
        tensors.put(name, new Tensor(values, shape));
    }

    public SafetensorsWriter safetensors() {
        SafetensorsWriter w = new SafetensorsWriter();
        tensors.forEach((name, t) -> w.tensor(name, "F32", t.bytes(), t.shape));
        return w;
    }

    /** Writes config.json and model.safetensors. */
    public Path write(Path directory) {
        safetensors().write(directory.resolve("model.safetensors"));
        return writeConfig(directory);
    }

    public Path writeConfig(Path directory) {
        try {
            Files.writeString(directory.resolve("config.json"), SafetensorsWriter.json(config));
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same model as a converter writes it. */
    public GgufWriter gguf() {
        return ggufWith(t -> { });
    }

    /** With the tensors changed before they are written. */
    public GgufWriter ggufWith(Consumer<Map<String, Tensor>> change) {
        GgufWriter w = new GgufWriter();
        ggufKeys(w);
        Map<String, Tensor> all = converted();
        change.accept(all);
        for (Map.Entry<String, Tensor> e : all.entrySet())
            w.tensor(e.getKey(), Format.F32, e.getValue().bytes(), e.getValue().shape);
        return w;
    }

    private void ggufKeys(GgufWriter w) {
        String a = arch + ".";
        w.put("general.architecture", arch).put("general.name", "tiny").put(a + "block_count", LAYERS)
                .put(a + "context_length", 256).put(a + "embedding_length", DIM).put(a + "feed_forward_length", FFN)
                .put(a + "attention.head_count", HEADS).put(a + "attention.head_count_kv", KV_HEADS)
                .put(a + "attention.key_length", HEAD_DIM).put(a + "attention.value_length", HEAD_DIM)
                .put(a + "attention.layer_norm_rms_epsilon", 1e-6f).put(a + "rope.freq_base", 10000f);
        if (hybrid)
            w.put(a + "rope.dimension_count", HEAD_DIM / 2).put(a + "full_attention_interval", 2).put(a + "ssm.conv_kernel", TAPS)
                    .put(a + "ssm.state_size", DK).put(a + "ssm.group_count", KEY_HEADS).put(a + "ssm.time_step_rank", VALUE_HEADS)
                    .put(a + "ssm.inner_size", VALUES);
        if (moe)
            w.put(a + "expert_count", EXPERTS).put(a + "expert_used_count", 2).put(a + "expert_feed_forward_length", EXPERT);
        if (moe && hybrid) w.put(a + "expert_shared_feed_forward_length", SHARED);
        w.put("tokenizer.ggml.tokens", new String[] {"a", "b", "ü", "", "the"}).put("tokenizer.ggml.token_type", new int[] {1, 1, 1, 3, 4})
                .put("tokenizer.ggml.scores", new float[] {0, 1, 2, 3, 4}).put("tokenizer.ggml.add_bos_token", false);
    }

    private Map<String, Tensor> converted() {
        Map<String, Tensor> result = new LinkedHashMap<>();
        tensors.forEach((name, t) -> {
            if (name.contains(".experts.")) return;
            String gguf = ggufName(name);
            Tensor value = t;
            if (name.endsWith("norm.weight") && hybrid && !name.endsWith("linear_attn.norm.weight"))
                value = map(t, x -> x + 1);
            if (name.endsWith("A_log")) value = map(t, x -> (float) -Math.exp(x));
            if (name.endsWith("conv1d.weight")) value = new Tensor(t.values, new long[] {t.shape[0], TAPS});
            if (name.endsWith("shared_expert_gate.weight")) value = new Tensor(t.values, new long[] {DIM});
            if (name.endsWith("in_proj_qkvz.weight")) splitQkvz(t, result, gguf);
            else result.put(gguf, arch.startsWith("qwen35") ? tiled(name, value) : value);
        });
        if (moe) for (int i = 0; i < LAYERS; i++) stackExperts(i, result);
        return result;
    }

    private String ggufName(String name) {
        String n = name.replace("model.layers.", "blk.").replace("input_layernorm", "attn_norm")
                .replace("post_attention_layernorm", hybrid ? "post_attention_norm" : "ffn_norm");
        String[][] parts = {{"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"},
            {"self_attn.q_proj", "attn_q"}, {"self_attn.k_proj", "attn_k"}, {"self_attn.v_proj", "attn_v"},
            {"self_attn.o_proj", "attn_output"}, {"self_attn.q_norm", "attn_q_norm"}, {"self_attn.k_norm", "attn_k_norm"},
            {"linear_attn.in_proj_qkv.", "attn_qkv."}, {"linear_attn.in_proj_z", "attn_gate"},
            {"linear_attn.in_proj_ba", "ssm_ba"}, {"linear_attn.in_proj_b.", "ssm_beta."}, {"linear_attn.in_proj_a.", "ssm_alpha."},
            {"linear_attn.conv1d", "ssm_conv1d"}, {"linear_attn.A_log", "ssm_a"}, {"linear_attn.dt_bias", "ssm_dt.bias"},
            {"linear_attn.norm", "ssm_norm"}, {"linear_attn.out_proj", "ssm_out"}, {"mlp.gate_proj", "ffn_gate"},
            {"mlp.up_proj", "ffn_up"}, {"mlp.down_proj", "ffn_down"}, {"mlp.gate.", "ffn_gate_inp."},
            {"mlp.shared_expert_gate", "ffn_gate_inp_shexp"}, {"mlp.shared_expert.gate_proj", "ffn_gate_shexp"},
            {"mlp.shared_expert.up_proj", "ffn_up_shexp"}, {"mlp.shared_expert.down_proj", "ffn_down_shexp"}};
        for (String[] p : parts) n = n.replace(p[0], p[1]);
        return n;
    }

    /** Value heads from grouped to tiled order: head t = j * keyHeads + g holds head g * ratio + j. */
    private static Tensor tiled(String name, Tensor t) {
        int cols = (int) (t.values.length / t.shape[0]);
        int skip = name.endsWith("in_proj_qkv.weight") || name.endsWith("conv1d.weight") ? 2 * KEYS : 0;
        boolean perHead = name.endsWith("in_proj_b.weight") || name.endsWith("in_proj_a.weight") || name.endsWith("A_log")
                || name.endsWith("dt_bias");
        boolean byRows = skip > 0 || perHead || name.endsWith("in_proj_z.weight");
        if (!byRows && !name.endsWith("out_proj.weight")) return t;
        float[] v = t.values.clone();
        int size = (perHead ? 1 : DV) * (byRows ? cols : 1);
        int rows = byRows ? 1 : DIM;
        for (int r = 0; r < rows; r++)
            for (int g = 0; g < KEY_HEADS; g++)
                for (int j = 0; j < RATIO; j++)
                    System.arraycopy(t.values, r * cols + skip * cols + (g * RATIO + j) * size, v,
                            r * cols + skip * cols + (j * KEY_HEADS + g) * size, size);
        return new Tensor(v, t.shape);
    }

    /** Rows of the fused projection go to attn_qkv and attn_gate. */
    private static void splitQkvz(Tensor t, Map<String, Tensor> result, String name) {
        List<Float> q = new ArrayList<>(), k = new ArrayList<>(), v = new ArrayList<>(), z = new ArrayList<>();
        int group = 2 * DK + 2 * RATIO * DV;
        for (int i = 0; i < t.values.length; i++) {
            int row = i / DIM % group;
            List<Float> to = row < DK ? q : row < 2 * DK ? k : row < 2 * DK + RATIO * DV ? v : z;
            to.add(t.values[i]);
        }
        q.addAll(k);
        q.addAll(v);
        String block = name.substring(0, name.indexOf('.', 4) + 1);
        result.put(block + "attn_qkv.weight", tensor(q, q.size() / DIM, DIM));
        result.put(block + "attn_gate.weight", tensor(z, z.size() / DIM, DIM));
    }

    private void stackExperts(int layer, Map<String, Tensor> result) {
        String p = "model.layers." + layer + ".mlp.experts.";
        List<Float> gate = new ArrayList<>(), up = new ArrayList<>(), down = new ArrayList<>();
        for (int e = 0; e < EXPERTS; e++) {
            if (arch.equals("qwen35moe")) {
                int half = EXPERT * DIM;
                float[] both = tensors.get(p + "gate_up_proj").values;
                for (int i = 0; i < half; i++) gate.add(both[2 * e * half + i]);
                for (int i = 0; i < half; i++) up.add(both[2 * e * half + half + i]);
                for (int i = 0; i < half; i++) down.add(tensors.get(p + "down_proj").values[e * half + i]);
            } else {
                for (float x : tensors.get(p + e + ".gate_proj.weight").values) gate.add(x);
                for (float x : tensors.get(p + e + ".up_proj.weight").values) up.add(x);
                for (float x : tensors.get(p + e + ".down_proj.weight").values) down.add(x);
            }
        }
        String b = "blk." + layer + ".";
        result.put(b + "ffn_gate_exps.weight", tensor(gate, EXPERTS, EXPERT, DIM));
        result.put(b + "ffn_up_exps.weight", tensor(up, EXPERTS, EXPERT, DIM));
        result.put(b + "ffn_down_exps.weight", tensor(down, EXPERTS, DIM, EXPERT));
    }

    private static Tensor tensor(List<Float> values, long... shape) {
        float[] v = new float[values.size()];
        for (int i = 0; i < v.length; i++) v[i] = values.get(i);
        return new Tensor(v, shape);
    }

    private static Tensor map(Tensor t, UnaryOperator<Float> f) {
        float[] v = t.values.clone();
        for (int i = 0; i < v.length; i++) v[i] = f.apply(v[i]);
        return new Tensor(v, t.shape);
    }
}
