package squall.model;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import squall.format.Metadata;
import squall.format.Safetensors;
import squall.format.TensorIndex;
import squall.ops.DeltaShape;
import squall.ops.DeltaShape.HeadOrder;
import squall.ops.Rope;
import squall.ops.Routing;

/** The configuration in a config.json, flat or nested, with the keys of old and new releases of transformers. */
final class HfConfig {
    private static final int DEFAULT_INTERVAL = 4; // checked against the tensors like every layer's kind

    private final Metadata keys;
    private final Draft d;
    private final TensorIndex tensors;

    HfConfig(Metadata outer, Architecture architecture, TensorIndex tensors) {
        this.keys = Safetensors.textConfig(outer);
        this.d = new Draft(architecture);
        this.tensors = tensors;
    }

    /** The object whose model_type names the architecture: the text model's, or all if it says none. */
    static Metadata typed(Metadata outer) {
        Metadata text = Safetensors.textConfig(outer);
        return text.has("model_type") ? text : outer;
    }

    Draft read() {
        d.dim = keys.integer("hidden_size", 1, Limits.WIDTH);
        d.vocab = keys.integer("vocab_size", 1, Limits.VOCAB);
        d.contextLength = keys.integer("max_position_embeddings", 1, Limits.CONTEXT);
        d.eps = keys.number("rms_norm_eps");
        refuseOptions();
        layerKinds();
        attention();
        rope();
        if (d.anyLayer(ModelConfig.Mixer.DELTA_NET)) delta();
        if (d.anyLayer(ModelConfig.FeedForward.DENSE)) d.ffn = keys.integer("intermediate_size", 1, Limits.WIDTH);
        if (d.anyLayer(ModelConfig.FeedForward.MOE)) experts();
        return d;
    }

    /** Options that these configurations can express and no released model uses. */
    private void refuseOptions() {
        for (String key : List.of("attention_bias", "use_sliding_window", "mlp_bias"))
            if (keys.flag(key, false)) throw keys.wrong(key, false, "true, which is not supported");
        for (String key : List.of("hidden_act", "output_gate_type")) {
            String v = keys.string(key, "silu");
            if (!v.equals("silu") && !v.equals("swish")) throw keys.wrong(key, "silu", "\"" + v + "\", which is not supported");
        }
    }

    private void layerKinds() {
        int n = keys.integer("num_hidden_layers", 1, Limits.LAYERS);
        if (n > tensors.tensors().size())
            throw keys.wrong("num_hidden_layers", "no more layers than the checkpoint's " + tensors.tensors().size() + " tensors", n);
        d.mixers = new ModelConfig.Mixer[n];
        d.feedForwards = new ModelConfig.FeedForward[n];
        if (keys.has("layer_types")) listedKinds(n);
        else {
            int interval = d.architecture.hybrid ? keys.integer("full_attention_interval", 1, Limits.LAYERS, DEFAULT_INTERVAL) : 1;
            for (int i = 0; i < n; i++)
                d.mixers[i] = (i + 1) % interval == 0 ? ModelConfig.Mixer.ATTENTION : ModelConfig.Mixer.DELTA_NET;
        }
        Arrays.fill(d.feedForwards, d.architecture.moe ? ModelConfig.FeedForward.MOE : ModelConfig.FeedForward.DENSE);
        if (d.architecture.moe && !d.architecture.alwaysNormalises()) denseLayers(n);
    }

    private void listedKinds(int n) {
        List<String> types = keys.strings("layer_types");
        if (types.size() != n) throw keys.wrong("layer_types", n + " entries, one a layer", types.size());
        for (int i = 0; i < n; i++)
            d.mixers[i] = switch (types.get(i)) {
                case "full_attention" -> ModelConfig.Mixer.ATTENTION;
                case "linear_attention" -> ModelConfig.Mixer.DELTA_NET;
                default -> throw keys.wrong("layer_types[" + i + "]", "full_attention or linear_attention",
                        "\"" + types.get(i) + "\", which is not supported");
            };
    }

    /** Layers of a MoE model that have a dense MLP: the listed ones and those between the sparse steps. */
    private void denseLayers(int n) {
        int step = keys.integer("decoder_sparse_step", 1, Limits.LAYERS, 1);
        int[] listed = keys.has("mlp_only_layers") ? keys.integers("mlp_only_layers", 0, Limits.LAYERS) : new int[0];
        for (int i = 0; i < n; i++) if ((i + 1) % step != 0) d.feedForwards[i] = ModelConfig.FeedForward.DENSE;
        for (int i : listed) if (i < n) d.feedForwards[i] = ModelConfig.FeedForward.DENSE;
    }

    private void attention() {
        d.heads = keys.integer("num_attention_heads", 1, Limits.HEADS);
        d.kvHeads = keys.integer("num_key_value_heads", 1, Limits.HEADS);
        d.headDim = keys.has("head_dim") ? keys.integer("head_dim", 1, Limits.HEAD_DIM) : d.shownHeadDim(tensors, keys, "head_dim");
        d.gated = d.architecture.hybrid && keys.flag("attn_output_gate", true);
    }

    private void rope() {
        Metadata scaling = ropeKeys();
        Metadata thetaAt = scaling.has("rope_theta") ? scaling : keys;
        double theta = thetaAt.number("rope_theta");
        if (!(theta > 1) || theta > Float.MAX_VALUE) throw thetaAt.wrong("rope_theta", "a number above 1", theta);
        String key = "partial_rotary_factor";
        Metadata partAt = scaling.has(key) ? scaling : keys;
        double part = d.architecture.hybrid ? partAt.number(key) : partAt.number(key, 1);
        if (!(part > 0 && part <= 1)) throw partAt.wrong(key, "a number above 0 and at most 1", part);
        d.rotaryDim = (int) (d.headDim * part);
        if (d.rotaryDim < 2) throw partAt.wrong(key, "at least 2 of the " + d.headDim + " dimensions of a head", part);
        String type = ropeType(scaling);
        d.rope = switch (type) {
            case "default", "mrope" -> RopeFrequencies.plain(d.rotaryDim, theta);
            case "yarn" -> yarn(scaling, theta);
            default -> throw scaling.wrong("rope_type", "default or yarn", "\"" + type + "\", which is not supported");
        };
    }

    /**
     * {@code rope_parameters}, or {@code rope_scaling} of older files. Releases of transformers disagree on which counts
     * where both are present, so then they have to say the same.
     */
    private Metadata ropeKeys() {
        String newer = "rope_parameters", older = "rope_scaling";
        if (!keys.has(older)) return keys.has(newer) ? keys.object(newer) : new Metadata(keys.file(), newer + ".", Map.of());
        Metadata scaling = keys.object(older);
        if (!keys.has(newer)) return scaling;
        Metadata parameters = keys.object(newer);
        boolean same = ropeType(scaling).equals(ropeType(parameters));
        for (String key : List.of("factor", "original_max_position_embeddings", "rope_theta"))
            same &= !scaling.has(key) || !parameters.has(key) || scaling.number(key) == parameters.number(key);
        if (!same) throw keys.wrong(older, "the same as in " + newer + ", or only one of the two", "something else");
        return parameters;
    }

    private static String ropeType(Metadata scaling) {
        return scaling.string("rope_type", scaling.string("type", "default"));
    }

    private Rope yarn(Metadata s, double theta) {
        double factor = RopeScaling.positive(s, "factor");
        double original = s.integer("original_max_position_embeddings", 1, Limits.CONTEXT, d.contextLength);
        double m = s.number("mscale", 0);
        double all = s.number("mscale_all_dim", 0);
        double byDefault = m != 0 && all != 0
                ? RopeFrequencies.Yarn.attention(factor, m) / RopeFrequencies.Yarn.attention(factor, all)
                : RopeFrequencies.Yarn.attention(factor, 1);
        double attention = RopeScaling.attention(s, "attention_factor", s.number("attention_factor", byDefault));
        d.contextLength = RopeScaling.stretched(d.contextLength, factor, original);
        return RopeFrequencies.yarn(d.rotaryDim, theta, new RopeFrequencies.Yarn(factor, original,
                RopeScaling.positive(s, "beta_fast", 32), RopeScaling.positive(s, "beta_slow", 1),
                s.flag("truncate", true), attention));
    }

    private void delta() {
        d.delta = new DeltaShape(keys.integer("linear_num_key_heads", 1, Limits.HEADS),
                keys.integer("linear_num_value_heads", 1, Limits.HEADS),
                keys.integer("linear_key_head_dim", 1, Limits.HEAD_DIM),
                keys.integer("linear_value_head_dim", 1, Limits.HEAD_DIM), HeadOrder.GROUPED);
        d.taps = keys.integer("linear_conv_kernel_dim", 2, Limits.TAPS);
    }

    private void experts() {
        String count = keys.has("num_local_experts") && !keys.has("num_experts") ? "num_local_experts" : "num_experts";
        boolean normalised = d.architecture.alwaysNormalises() || required("norm_topk_prob");
        int shared = d.architecture.sharedExpert ? keys.integer("shared_expert_intermediate_size", 1, Limits.WIDTH) : 0;
        d.moe = new ModelConfig.Moe(keys.integer(count, 1, Limits.EXPERTS), keys.integer("num_experts_per_tok", 1, Limits.EXPERTS),
                keys.integer("moe_intermediate_size", 1, Limits.WIDTH), shared,
                normalised ? Routing.Weights.NORMALISED : Routing.Weights.RAW);
    }

    private boolean required(String key) {
        if (!keys.has(key)) throw keys.wrong(key, "true or false", "no such key");
        return keys.flag(key, false);
    }
}
