package squall.layer;

import java.util.List;
import squall.ops.Buf;
import squall.ops.DeltaParts;
import squall.ops.DeltaShape;
import squall.ops.Norm;
import squall.ops.Ops;
import squall.ops.StateSpec;
import squall.ops.Weight;

/**
 * Gated DeltaNet: linear attention with a decaying memory S of fixed size and an error-correcting write.
 * <pre>
 *   [q | k | v] = silu(conv(Wqkv n))   z = Wz n   b = Wb n   a = Wa n        n = rmsNorm(x)
 *   q = q / |q| / sqrt(dk)   k = k / |k|                                      per key head
 *   beta = sigmoid(b)   g = -exp(A_log) softplus(a + dt)                      per value head
 *   S = e^g S;  S += k (beta (v - S^T k))^T;  o = S^T q                       S: [dk, dv] per value head
 *   x += Wo (norm_o(o) * silu(z))                                             norm over dv, weights shared by the heads
 * </pre>
 * Wqkv: [2*keyHeads*dk + valueHeads*dv, dim]; Wz: [valueHeads*dv, dim]; Wb, Wa: [valueHeads, dim];
 * Wo: [dim, valueHeads*dv]; conv: [channels, taps]. Source: Yang et al., "Gated Delta Networks" (2024); transformers 5.18
 * {@code Qwen3NextGatedDeltaNet}.
 */
public final class GatedDeltaNet implements Block {

    /** The weights of one layer; decay holds -exp(A_log). */
    public record Weights(Norm norm, Weight qkv, Weight z, Weight beta, Weight alpha, Weight conv, Weight decay, Weight dt,
                          Norm outNorm, Weight out) {}

    private final Weights w;
    private final Weight[] projections;
    private final DeltaParts parts;

    public GatedDeltaNet(String name, DeltaShape shape, int taps, Weights w) {
        this.w = w;
        this.projections = new Weight[] {w.qkv, w.z, w.beta, w.alpha};
        StateSpec.Recurrent memory = new StateSpec.Recurrent(name, shape.valueHeads(), shape.dk(), shape.dv());
        StateSpec.Window window = new StateSpec.Window(name, taps, shape.channels());
        this.parts = new DeltaParts(w.conv, window, w.decay, w.dt, memory, shape, w.outNorm);
    }

    @Override public void forward(Ops ops, Buf x) {
        Buf[] y = ops.rows(projections);
        ops.normMatmul(y, x, w.norm, projections);
        Buf u = y[0], z = y[1], beta = y[2], g = y[3];

        ops.deltaNetAdd(x, u, beta, g, z, parts, w.out);
    }

    @Override public List<StateSpec> state() {
        return List.of(parts.memory(), parts.window());
    }
}
