package squall.format;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Tensor names of both containers in one canonical form, GGUF's. Where the content still needs a fix-up the canonical
 * name says so: {@code ssm_in} is the fused q, k, v, z projection of Qwen3-Next, {@code ssm_ba} its fused b, a;
 * {@code ssm_a_log} is A_log itself; {@code ffn_gate.7.weight} is one expert's matrix; {@code X_scale_inv} is the
 * block scales of X.
 */
final class Names {
    static final String SCALE = "_scale_inv";

    private static final String[] PREFIXES = {"model.language_model.", "language_model.model.", "language_model.", "model."};
    private static final Pattern LAYER = Pattern.compile("layers\\.(0|[1-9]\\d{0,5})\\.(.+)");
    private static final Pattern BLOCK = Pattern.compile("blk\\.(0|[1-9]\\d{0,5})\\.(.+)");
    private static final Pattern EXPERT = Pattern.compile("mlp\\.experts\\.(0|[1-9]\\d{0,5})\\.(gate|up|down)_proj\\.weight");
    private static final Pattern BLOCK_EXPERT = Pattern.compile("ffn_(gate|up|down)\\.(0|[1-9]\\d{0,5})\\.weight");

    private static final Map<String, String> TOP = Map.of("embed_tokens.weight", "token_embd.weight",
            "norm.weight", "output_norm.weight", "lm_head.weight", "output.weight");

    /** Within a layer: safetensors to canonical. */
    private static final Map<String, String> IN_LAYER = Map.ofEntries(
            Map.entry("input_layernorm.weight", "attn_norm.weight"),
            Map.entry("post_attention_layernorm.weight", "ffn_norm.weight"),
            Map.entry("self_attn.q_proj.weight", "attn_q.weight"),
            Map.entry("self_attn.k_proj.weight", "attn_k.weight"),
            Map.entry("self_attn.v_proj.weight", "attn_v.weight"),
            Map.entry("self_attn.o_proj.weight", "attn_output.weight"),
            Map.entry("self_attn.q_norm.weight", "attn_q_norm.weight"),
            Map.entry("self_attn.k_norm.weight", "attn_k_norm.weight"),
            Map.entry("linear_attn.in_proj_qkvz.weight", "ssm_in.weight"),
            Map.entry("linear_attn.in_proj_ba.weight", "ssm_ba.weight"),
            Map.entry("linear_attn.in_proj_qkv.weight", "attn_qkv.weight"),
            Map.entry("linear_attn.in_proj_z.weight", "attn_gate.weight"),
            Map.entry("linear_attn.in_proj_b.weight", "ssm_beta.weight"),
            Map.entry("linear_attn.in_proj_a.weight", "ssm_alpha.weight"),
            Map.entry("linear_attn.conv1d.weight", "ssm_conv1d.weight"),
            Map.entry("linear_attn.A_log", "ssm_a_log"),
            Map.entry("linear_attn.dt_bias", "ssm_dt.bias"),
            Map.entry("linear_attn.norm.weight", "ssm_norm.weight"),
            Map.entry("linear_attn.out_proj.weight", "ssm_out.weight"),
            Map.entry("mlp.gate_proj.weight", "ffn_gate.weight"),
            Map.entry("mlp.up_proj.weight", "ffn_up.weight"),
            Map.entry("mlp.down_proj.weight", "ffn_down.weight"),
            Map.entry("mlp.gate.weight", "ffn_gate_inp.weight"),
            Map.entry("mlp.experts.gate_up_proj", "ffn_gate_up_exps.weight"),
            Map.entry("mlp.experts.down_proj", "ffn_down_exps.weight"),
            Map.entry("mlp.shared_expert.gate_proj.weight", "ffn_gate_shexp.weight"),
            Map.entry("mlp.shared_expert.up_proj.weight", "ffn_up_shexp.weight"),
            Map.entry("mlp.shared_expert.down_proj.weight", "ffn_down_shexp.weight"),
            Map.entry("mlp.shared_expert_gate.weight", "ffn_gate_inp_shexp.weight"));

    /** Within a block: what GGUF files call otherwise. */
    private static final Map<String, String> GGUF_ALIASES = Map.of(
            "post_attention_norm.weight", "ffn_norm.weight", "ssm_dt", "ssm_dt.bias");

    private static final Set<String> IN_BLOCK = new HashSet<>(IN_LAYER.values());

    static {
        IN_BLOCK.addAll(Set.of("ssm_a", "ffn_gate_exps.weight", "ffn_up_exps.weight"));
        IN_BLOCK.remove("ssm_a_log");
    }

    private Names() {}

    /** The canonical name of a tensor in a safetensors file, null for a name nobody knows. */
    static String fromSafetensors(String name) {
        String n = withoutPrefix(name);
        if (n.endsWith(SCALE)) {
            String of = fromSafetensors(n.substring(0, n.length() - SCALE.length()));
            return of == null ? null : of + SCALE;
        }
        Matcher layer = LAYER.matcher(n);
        if (!layer.matches()) return TOP.get(n);
        String block = "blk." + layer.group(1) + ".";
        Matcher expert = EXPERT.matcher(layer.group(2));
        if (expert.matches()) return block + "ffn_" + expert.group(2) + "." + expert.group(1) + ".weight";
        String tail = IN_LAYER.get(layer.group(2));
        return tail == null ? null : block + tail;
    }

    /** The canonical name of a tensor in a GGUF file, null for a name nobody knows. */
    static String fromGguf(String name) {
        if (TOP.containsValue(name)) return name;
        Matcher block = BLOCK.matcher(name);
        if (!block.matches()) return null;
        String tail = GGUF_ALIASES.getOrDefault(block.group(2), block.group(2));
        return IN_BLOCK.contains(tail) || BLOCK_EXPERT.matcher(tail).matches() ? "blk." + block.group(1) + "." + tail : null;
    }

    /** Whether a tensor belongs to parts that are not run: vision, multi-token prediction of safetensors and Ollama. */
    static boolean isIgnored(String name) {
        return isVision(name) || isMtp(name);
    }

    static boolean isVision(String name) {
        String n = withoutPrefix(name);
        return n.startsWith("visual.") || n.startsWith("vision_tower.") || n.startsWith("v.") || n.startsWith("mm.");
    }

    static boolean isMtp(String name) {
        return withoutPrefix(name).startsWith("mtp.");
    }

    /** The block that a name belongs to, safetensors' or GGUF's; -1 for none. */
    static int block(String name) {
        String n = withoutPrefix(name);
        Matcher m = BLOCK.matcher(n);
        if (m.matches()) return Integer.parseInt(m.group(1));
        m = LAYER.matcher(n);
        return m.matches() ? Integer.parseInt(m.group(1)) : -1;
    }

    private static String withoutPrefix(String name) {
        for (String p : PREFIXES)
            if (name.startsWith(p)) return name.substring(p.length());
        return name;
    }
}
