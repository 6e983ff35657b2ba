package squall.layer;

import java.util.List;
import squall.ops.AttentionShape;
import squall.ops.Buf;
import squall.ops.HeadShape;
import squall.ops.Norm;
import squall.ops.Ops;
import squall.ops.StateSpec;
import squall.ops.Weight;

/**
 * Full attention with grouped queries, query and key norms, partial RoPE and, where the model has one, an output gate:
 * <pre>
 *   q, gate = Wq n   k = Wk n   v = Wv n          n = rmsNorm(x)
 *   q = rope(norm_q(q))   k = rope(norm_k(k))     per head; keys are cached after both
 *   c_h = softmax(q_h K^T / sqrt(headDim)) V      causal, kv head h / (heads / kvHeads)
 *   x += Wo (c * sigmoid(gate))
 * </pre>
 * Wq: [heads * headDim, dim], or with a gate [heads * 2 * headDim, dim] where each head's query is followed by its gate;
 * Wk, Wv: [kvHeads * headDim, dim]; Wo: [dim, heads * headDim]. The gate gets neither norm nor RoPE.
 * Source: transformers 5.18 {@code Qwen3Attention}, {@code Qwen3NextAttention}.
 */
public final class GatedAttention implements Block {

    /** The weights of one layer. */
    public record Weights(Norm norm, Weight q, Weight k, Weight v, Weight out, Norm queryNorm, Norm keyNorm) {}

    private final AttentionShape shape;
    private final Weights w;
    private final Weight[] projections;
    private final StateSpec.Kv kv;
    private final HeadShape queries;
    private final HeadShape gates;

    public GatedAttention(String name, AttentionShape shape, Weights w) {
        this.shape = shape;
        this.w = w;
        this.projections = new Weight[] {w.q, w.k, w.v};
        this.kv = new StateSpec.Kv(name, shape.kvHeads(), shape.headDim());
        int stride = shape.gated() ? 2 * shape.headDim() : shape.headDim();
        this.queries = new HeadShape(shape.heads(), shape.headDim(), stride, 0);
        this.gates = new HeadShape(shape.heads(), shape.headDim(), stride, shape.headDim());
    }

    @Override public void forward(Ops ops, Buf x) {
        Buf[] y = ops.rows(projections);
        ops.normMatmul(y, x, w.norm, projections);
        Buf projected = y[0], k = y[1], v = y[2];

        Buf q = ops.rows(shape.heads() * shape.headDim());
        ops.normRopeAppend(q, projected, queries, w.queryNorm, k, w.keyNorm, v, kv, shape.rope());

        Buf context = ops.rows(shape.heads() * shape.headDim());
        if (shape.gated()) ops.gatedAttention(context, q, kv, shape.heads(), projected, gates);
        else ops.attention(context, q, kv, shape.heads());
        ops.matmulAdd(x, context, w.out);
    }

    @Override public List<StateSpec> state() {
        return List.of(kv);
    }
}
