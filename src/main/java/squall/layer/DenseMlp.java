package squall.layer;

import squall.ops.Buf;
import squall.ops.Norm;
import squall.ops.Ops;
import squall.ops.Weight;

/**
 * Dense feed-forward block: {@code x += down(silu(gate n) * up n)}, n = rmsNorm(x).
 * gate, up: [hidden, dim]; down: [dim, hidden]. Source: SwiGLU as in transformers 5.18 {@code Qwen3MLP}.
 */
public record DenseMlp(Norm norm, Weight gate, Weight up, Weight down) implements Block {

    @Override public void forward(Ops ops, Buf x) {
        Buf h = ops.rows(gate.rows());
        ops.normSwiGlu(h, x, norm, gate, up);
        ops.matmulAdd(x, h, down);
    }
}
