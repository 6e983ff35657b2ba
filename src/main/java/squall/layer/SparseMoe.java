package squall.layer;

import squall.ops.Buf;
import squall.ops.Norm;
import squall.ops.Ops;
import squall.ops.Routing;
import squall.ops.Weight;

/**
 * Mixture of experts, with a shared expert where the model has one:
 * <pre>
 *   p = softmax(Wr n) over all experts; the used largest, divided by their sum if normalised      n = rmsNorm(x)
 *   x += sum_e p_e down_e(silu(gate_e n) * up_e n)
 *   x += sigmoid(Wg n) * down_s(silu(gate_s n) * up_s n)                                           the shared expert
 * </pre>
 * Wr: [experts, dim]; gate, up: per expert [hidden, dim]; down: per expert [dim, hidden]; Wg: [1, dim].
 * Source: transformers 5.18 {@code Qwen3MoeSparseMoeBlock}, {@code Qwen3NextSparseMoeBlock}.
 */
public final class SparseMoe implements Block {

    public record Experts(Weight router, Weight gate, Weight up, Weight down, int used, Routing.Weights weights) {}

    public record Shared(Weight scalar, Weight gate, Weight up, Weight down) {}

    private final Norm norm;
    private final Experts routed;
    private final Shared shared;
    /** Of the routed experts and of the shared one. */
    private final Weight[] projections;

    /** @param shared null for models without a shared expert */
    public SparseMoe(Norm norm, Experts routed, Shared shared) {
        this.norm = norm;
        this.routed = routed;
        this.shared = shared;
        this.projections = shared == null ? new Weight[] {routed.router}
                : new Weight[] {routed.router, shared.scalar, shared.gate, shared.up};
    }

    @Override public void forward(Ops ops, Buf x) {
        Buf n = ops.rows(x.width());
        ops.rmsNorm(n, x, norm);

        Buf[] y = ops.rows(projections);
        ops.matmul(y, n, projections);
        addRouted(ops, x, n, y[0]);
        if (shared == null) return;
        Buf g = y[1], h = y[2], u = y[3];
        ops.siluMul(h, u);
        Buf s = ops.rows(x.width());
        ops.matmul(s, h, shared.down);
        ops.addGated(x, s, g);
    }

    private void addRouted(Ops ops, Buf x, Buf n, Buf logits) {
        Routing routing = ops.route(logits, routed.used, routed.weights);
        Buf y = ops.rows(x.width());
        ops.experts(y, n, routing, routed.gate, routed.up, routed.down);
        ops.add(x, y);
    }
}
