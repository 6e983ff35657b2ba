package squall.layer;

import squall.ops.Buf;
import squall.ops.Mixture;
import squall.ops.Norm;
import squall.ops.Ops;

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
public record SparseMoe(Norm norm, Mixture mixture) implements Block {

    @Override public void forward(Ops ops, Buf x) {
        ops.mixture(x, norm, mixture);
    }
}
