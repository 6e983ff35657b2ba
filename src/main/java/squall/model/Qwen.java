package squall.model;

import java.util.ArrayList;
import java.util.List;
import squall.layer.Block;
import squall.layer.DenseMlp;
import squall.layer.Embedding;
import squall.layer.GatedAttention;
import squall.layer.GatedDeltaNet;
import squall.layer.LmHead;
import squall.layer.SparseMoe;
import squall.ops.AttentionShape;
import squall.ops.DeltaShape;
import squall.ops.Mixture;
import squall.ops.Norm;
import squall.ops.Weight;

/** Builds any Qwen3, Qwen3-Next or Qwen3.5 model from its configuration and its weights. */
public final class Qwen {
    private final ModelConfig c;
    private final WeightSource w;

    private Qwen(ModelConfig config, WeightSource weights) {
        this.c = config;
        this.w = weights;
    }

    /**
     * The model as a list of layers. Every shape is checked here.
     *
     * @throws squall.format.ModelFileException if a tensor is missing or has another shape than the configuration says
     */
    public static Model build(ModelConfig config, WeightSource weights) {
        return new Qwen(config, weights).build();
    }

    private Model build() {
        Weight table = w.matrix("token_embd.weight", c.vocab(), c.dim());
        Weight head = w.has("output.weight") ? w.matrix("output.weight", c.vocab(), c.dim()) : table;
        List<Model.Layer> layers = new ArrayList<>();
        for (int i = 0; i < c.layers().size(); i++) {
            String b = "blk." + i + ".";
            Block mixer = switch (c.layers().get(i).mixer()) {
                case ATTENTION -> attention(b);
                case DELTA_NET -> deltaNet(b);
            };
            Block feedForward = switch (c.layers().get(i).feedForward()) {
                case DENSE -> mlp(b);
                case MOE -> moe(b);
            };
            layers.add(new Model.Layer(mixer, feedForward));
        }
        return new Model(c, new Embedding(table), List.copyOf(layers), new LmHead(norm("output_norm.weight", c.dim()), head));
    }

    private Block attention(String b) {
        AttentionShape a = c.attention();
        int q = a.heads() * a.headDim();
        int kv = a.kvHeads() * a.headDim();
        return new GatedAttention(b + "attn", a, new GatedAttention.Weights(
                norm(b + "attn_norm.weight", c.dim()),
                w.matrix(b + "attn_q.weight", a.gated() ? 2 * q : q, c.dim()),
                w.matrix(b + "attn_k.weight", kv, c.dim()),
                w.matrix(b + "attn_v.weight", kv, c.dim()),
                w.matrix(b + "attn_output.weight", c.dim(), q),
                norm(b + "attn_q_norm.weight", a.headDim()),
                norm(b + "attn_k_norm.weight", a.headDim())));
    }

    private Block deltaNet(String b) {
        DeltaShape d = c.delta();
        int values = d.valueHeads() * d.dv();
        return new GatedDeltaNet(b + "delta", d, c.convTaps(), new GatedDeltaNet.Weights(
                norm(b + "attn_norm.weight", c.dim()),
                w.matrix(b + "attn_qkv.weight", d.channels(), c.dim()),
                w.matrix(b + "attn_gate.weight", values, c.dim()),
                w.matrix(b + "ssm_beta.weight", d.valueHeads(), c.dim()),
                w.matrix(b + "ssm_alpha.weight", d.valueHeads(), c.dim()),
                w.small(b + "ssm_conv1d.weight", d.channels(), c.convTaps()),
                w.small(b + "ssm_a", 1, d.valueHeads()),
                w.small(b + "ssm_dt.bias", 1, d.valueHeads()),
                norm(b + "ssm_norm.weight", d.dv()),
                w.matrix(b + "ssm_out.weight", c.dim(), values)));
    }

    private Block mlp(String b) {
        return new DenseMlp(secondNorm(b),
                w.matrix(b + "ffn_gate.weight", c.ffn(), c.dim()),
                w.matrix(b + "ffn_up.weight", c.ffn(), c.dim()),
                w.matrix(b + "ffn_down.weight", c.dim(), c.ffn()));
    }

    private Block moe(String b) {
        ModelConfig.Moe m = c.moe();
        return new SparseMoe(secondNorm(b), new Mixture(
                w.matrix(b + "ffn_gate_inp.weight", m.experts(), c.dim()),
                w.experts(b + "ffn_gate_exps.weight", m.experts(), m.hidden(), c.dim()),
                w.experts(b + "ffn_up_exps.weight", m.experts(), m.hidden(), c.dim()),
                w.experts(b + "ffn_down_exps.weight", m.experts(), c.dim(), m.hidden()),
                m.used(), m.weights(), m.sharedHidden() == 0 ? null : shared(b, m)));
    }

    private Mixture.Shared shared(String b, ModelConfig.Moe m) {
        return new Mixture.Shared(
                w.matrix(b + "ffn_gate_inp_shexp.weight", 1, c.dim()),
                w.matrix(b + "ffn_gate_shexp.weight", m.sharedHidden(), c.dim()),
                w.matrix(b + "ffn_up_shexp.weight", m.sharedHidden(), c.dim()),
                w.matrix(b + "ffn_down_shexp.weight", c.dim(), m.sharedHidden()));
    }

    /** The norm before the feed-forward part, canonically {@code ffn_norm} whatever the file calls it. */
    private Norm secondNorm(String b) {
        return norm(b + "ffn_norm.weight", c.dim());
    }

    private Norm norm(String name, int n) {
        return new Norm(w.small(name, 1, n), c.eps());
    }
}
