package squall.model;

import java.util.Arrays;
import squall.format.Metadata;
import squall.format.TensorIndex;
import squall.ops.DeltaShape;
import squall.ops.DeltaShape.HeadOrder;
import squall.ops.Rope;
import squall.ops.Routing;

/** The configuration in GGUF keys, llama.cpp's and Ollama's dialect. */
final class GgufConfig {
    private static final int DEFAULT_INTERVAL = 4; // of the format, checked against the tensors like every layer's kind

    private final Metadata keys;
    private final Draft d;
    private final TensorIndex tensors;
    private final String prefix;
    private int blocks;

    GgufConfig(Metadata keys, Architecture architecture, TensorIndex tensors) {
        this.keys = keys;
        this.d = new Draft(architecture);
        this.tensors = tensors;
        this.prefix = architecture.id + ".";
    }

    Draft read() {
        if (keys.has("general.name")) d.name = keys.string("general.name");
        d.dim = integer("embedding_length", Limits.WIDTH);
        d.vocab = vocab();
        d.contextLength = integer("context_length", Limits.CONTEXT);
        d.eps = keys.number(prefix + "attention.layer_norm_rms_epsilon");
        layerKinds();
        attention();
        rope();
        refuse("attention.sliding_window");
        refuse("rope.scale_linear");
        if (d.anyLayer(ModelConfig.Mixer.DELTA_NET)) delta();
        if (d.anyLayer(ModelConfig.FeedForward.DENSE)) d.ffn = integer("feed_forward_length", Limits.WIDTH);
        if (d.anyLayer(ModelConfig.FeedForward.MOE)) experts();
        return d;
    }

    private int vocab() {
        long[] shape = tensors.get("token_embd.weight", keys.file()).shape();
        if (shape.length != 2 || shape[0] > Limits.VOCAB)
            throw keys.wrong("shape of tensor token_embd.weight", "at most " + Limits.VOCAB + " rows", Arrays.toString(shape));
        int rows = (int) shape[0];
        int said = keys.integer(prefix + "vocab_size", 1, Limits.VOCAB, rows);
        if (said != rows) throw keys.wrong(prefix + "vocab_size", rows + ", the rows of token_embd.weight", said);
        return rows;
    }

    private void layerKinds() {
        blocks = integer("block_count", Limits.LAYERS);
        int predict = keys.integer(prefix + "nextn_predict_layers", 0, blocks - 1, 0);
        int trunk = blocks - predict;
        if (trunk > tensors.tensors().size())
            throw keys.wrong(prefix + "block_count", "no more layers than the file's " + tensors.tensors().size() + " tensors", blocks);
        d.mixers = new ModelConfig.Mixer[trunk];
        d.feedForwards = new ModelConfig.FeedForward[trunk];
        int[] recurrent = recurrentLayers(trunk);
        for (int i = 0; i < trunk; i++) {
            d.mixers[i] = recurrent[i] != 0 ? ModelConfig.Mixer.DELTA_NET : ModelConfig.Mixer.ATTENTION;
            boolean dense = !d.architecture.moe || tensors.has("blk." + i + ".ffn_gate.weight");
            d.feedForwards[i] = dense ? ModelConfig.FeedForward.DENSE : ModelConfig.FeedForward.MOE;
        }
    }

    /** 1 for each DeltaNet layer: the explicit list, Ollama's key-value heads (0 on such layers), or the interval. */
    private int[] recurrentLayers(int trunk) {
        int[] recurrent = new int[trunk];
        if (!d.architecture.hybrid) return recurrent;
        String list = prefix + "attention.recurrent_layers";
        String kv = prefix + "attention.head_count_kv";
        if (keys.has(list)) return perLayer(list, trunk, 1);
        if (keys.isList(kv)) {
            int[] heads = perLayer(kv, trunk, Limits.HEADS);
            for (int i = 0; i < trunk; i++) recurrent[i] = heads[i] == 0 ? 1 : 0;
            return recurrent;
        }
        int interval = keys.integer(prefix + "full_attention_interval", 1, Limits.LAYERS, DEFAULT_INTERVAL);
        for (int i = 0; i < trunk; i++) recurrent[i] = (i + 1) % interval == 0 ? 0 : 1;
        return recurrent;
    }

    /** An array with an entry for each trunk layer, perhaps also for the layers after it. */
    private int[] perLayer(String key, int trunk, int max) {
        int[] values = keys.integers(key, 0, max);
        if (values.length != trunk && values.length != blocks)
            throw keys.wrong(key, blocks + " entries, one a layer", values.length);
        return Arrays.copyOf(values, trunk);
    }

    private void attention() {
        d.heads = heads("attention.head_count");
        d.kvHeads = heads("attention.head_count_kv");
        d.gated = d.architecture.hybrid;
        d.headDim = keys.has(prefix + "attention.key_length") ? integer("attention.key_length", Limits.HEAD_DIM)
                : d.shownHeadDim(tensors, keys, prefix + "attention.key_length");
        int value = keys.integer(prefix + "attention.value_length", 1, Limits.HEAD_DIM, d.headDim);
        if (value != d.headDim) throw keys.wrong(prefix + "attention.value_length", d.headDim + ", as key_length", value);
        if (!keys.flag(prefix + "attention.causal", true)) throw keys.wrong(prefix + "attention.causal", true, false);
    }

    /** A number, or one for each layer: the same on all layers that have attention. */
    private int heads(String name) {
        String key = prefix + name;
        if (!keys.isList(key)) return integer(name, Limits.HEADS);
        int[] each = perLayer(key, d.mixers.length, Limits.HEADS);
        int found = 0;
        for (int i = 0; i < each.length; i++) {
            if (d.mixers[i] != ModelConfig.Mixer.ATTENTION) continue;
            if (each[i] == 0 || found != 0 && each[i] != found)
                throw keys.wrong(key + "[" + i + "]", found == 0 ? "at least 1" : found + ", as on the other attention layers", each[i]);
            found = each[i];
        }
        if (found == 0) throw keys.wrong(key, "a layer with attention", "none");
        return found;
    }

    private void rope() {
        String dims = prefix + "rope.dimension_count";
        d.rotaryDim = d.architecture.hybrid || keys.has(dims) ? keys.integer(dims, 1, Limits.HEAD_DIM) : d.headDim;
        double theta = keys.number(prefix + "rope.freq_base");
        if (!(theta > 1) || theta > Float.MAX_VALUE) throw keys.wrong(prefix + "rope.freq_base", "a number above 1", theta);
        String scaling = prefix + "rope.scaling.";
        String type = keys.string(scaling + "type", "none");
        d.rope = switch (type) {
            case "none" -> RopeFrequencies.plain(d.rotaryDim, theta);
            case "yarn" -> yarn(scaling, theta);
            default -> throw keys.wrong(scaling + "type", "none or yarn", "\"" + type + "\", which is not supported");
        };
    }

    private Rope yarn(String scaling, double theta) {
        double factor = RopeScaling.positive(keys, scaling + "factor");
        double original = keys.integer(scaling + "original_context_length", 1, Limits.CONTEXT, d.contextLength);
        if (keys.number(scaling + "yarn_ext_factor", 1) != 1)
            throw keys.wrong(scaling + "yarn_ext_factor", 1, keys.number(scaling + "yarn_ext_factor"));
        if (keys.number(scaling + "yarn_log_multiplier", 0) != 0)
            throw keys.wrong(scaling + "yarn_log_multiplier", 0, keys.number(scaling + "yarn_log_multiplier"));
        // GGUF's factors multiply the reference's own default instead of replacing it
        double attention = keys.number(scaling + "attn_factor", 1) * keys.number(scaling + "yarn_attn_factor", 1)
                * RopeFrequencies.Yarn.attention(factor, 1);
        d.contextLength = RopeScaling.stretched(d.contextLength, factor, original);
        return RopeFrequencies.yarn(d.rotaryDim, theta, new RopeFrequencies.Yarn(factor, original,
                RopeScaling.positive(keys, scaling + "yarn_beta_fast", 32), RopeScaling.positive(keys, scaling + "yarn_beta_slow", 1),
                true, RopeScaling.attention(keys, scaling + "attn_factor", attention)));
    }

    private void delta() {
        int valueHeads = integer("ssm.time_step_rank", Limits.HEADS);
        int inner = integer("ssm.inner_size", Limits.PROJECTION);
        if (inner % valueHeads != 0 || inner / valueHeads > Limits.HEAD_DIM)
            throw keys.wrong(prefix + "ssm.inner_size", "a multiple of the " + valueHeads + " value heads of ssm.time_step_rank", inner);
        d.delta = new DeltaShape(integer("ssm.group_count", Limits.HEADS), valueHeads,
                integer("ssm.state_size", Limits.HEAD_DIM), inner / valueHeads, headOrder());
        d.taps = keys.integer(prefix + "ssm.conv_kernel", 2, Limits.TAPS);
    }

    private HeadOrder headOrder() {
        boolean converterTiles = d.architecture != Architecture.QWEN3NEXT;
        return keys.flag(prefix + "ssm.v_head_reordered", converterTiles) ? HeadOrder.TILED : HeadOrder.GROUPED;
    }

    private void experts() {
        int gating = keys.integer(prefix + "expert_gating_func", 0, Integer.MAX_VALUE, 1);
        if (gating > 1) throw keys.wrong(prefix + "expert_gating_func", "1 (softmax)", gating);
        double scale = keys.number(prefix + "expert_weights_scale", 1);
        if (scale != 1 && scale != 0) throw keys.wrong(prefix + "expert_weights_scale", 1, scale);
        boolean raw = !d.architecture.alwaysNormalises() && !keys.flag(prefix + "expert_weights_norm", true);
        int shared = d.architecture.sharedExpert ? width("expert_shared_feed_forward_length", "ffn_down_shexp.weight") : 0;
        d.moe = new ModelConfig.Moe(integer("expert_count", Limits.EXPERTS), integer("expert_used_count", Limits.EXPERTS),
                width("expert_feed_forward_length", "ffn_down_exps.weight"), shared,
                raw ? Routing.Weights.RAW : Routing.Weights.NORMALISED);
    }

    /** The hidden size of an expert: the key, or where a file leaves it out the columns of the first such matrix. */
    private int width(String name, String down) {
        String tensor = "blk." + Arrays.asList(d.feedForwards).indexOf(ModelConfig.FeedForward.MOE) + "." + down;
        if (keys.has(prefix + name) || !tensors.has(tensor)) return integer(name, Limits.WIDTH);
        long[] shape = tensors.get(tensor, keys.file()).shape();
        long columns = shape[shape.length - 1];
        if (columns > Limits.WIDTH) throw keys.wrong(prefix + name, "at most " + Limits.WIDTH, columns + " columns of " + tensor);
        return (int) columns;
    }

    private void refuse(String name) {
        double v = keys.number(prefix + name, 0);
        if (v != 0 && !(name.endsWith("scale_linear") && v == 1)) throw keys.wrong(prefix + name, "none", v + ", which is not supported");
    }

    private int integer(String name, int max) {
        return keys.integer(prefix + name, 1, max);
    }
}
