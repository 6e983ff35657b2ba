package squall.ops;

/**
 * The vocabulary of the layers. A player either plays an operation at once or records it for a device. Rows are those of
 * the running {@link StepPlan}; every buffer is float32 [rows, width] unless said otherwise.
 *
 * <p>A fused operation is a {@code default} method whose body is its definition; a player overrides it where it has a
 * faster kernel. Maths and sources: Qwen3 and Qwen3.5 reference implementation (transformers 5.18).
 */
public interface Ops {

    /** Scratch [rows, width], contents undefined, valid until the end of the block. */
    Buf rows(int width);

    /**
     * Scratch for the product with each of the matrices, [rows, w[i].rows]. The array belongs to the player, who may lend it again
     * when the block has ended.
     */
    default Buf[] rows(Weight[] w) {
        Buf[] y = new Buf[w.length];
        for (int i = 0; i < w.length; i++) y[i] = rows(w[i].rows());
        return y;
    }

    /** {@code x[r] = table[token[r]]}; table: [vocab, dim]. */
    void embed(Buf x, Weight table);

    /** {@code y[r] = w * x[r] / sqrt(mean(x[r]^2) + eps)}. y may be x. */
    void rmsNorm(Buf y, Buf x, Norm norm);

    /** {@code y[r] = W x[r]}; W: [y.width, x.width]. */
    void matmul(Buf y, Buf x, Weight w);

    /** {@code x += y}. */
    void add(Buf x, Buf y);

    /** {@code h = silu(h) * u}, silu(a) = a / (1 + e^-a). */
    void siluMul(Buf h, Buf u);

    /** {@code y[i] = W[i] rmsNorm(x)}: all projections of one normalised input. */
    default void normMatmul(Buf[] y, Buf x, Norm norm, Weight[] w) {
        Buf n = rows(x.width());
        rmsNorm(n, x, norm);
        matmul(y, n, w);
    }

    /** {@code y[i] = W[i] x}: products of one input. */
    default void matmul(Buf[] y, Buf x, Weight[] w) {
        for (int i = 0; i < w.length; i++) matmul(y[i], x, w[i]);
    }

    /** {@code h = silu(G n) * (U n)}, n = rmsNorm(x): the first half of a SwiGLU block. */
    default void normSwiGlu(Buf h, Buf x, Norm norm, Weight gate, Weight up) {
        Buf u = rows(up.rows());
        normMatmul(new Buf[] {h, u}, x, norm, new Weight[] {gate, up});
        siluMul(h, u);
    }

    /** {@code x += W h}: a projection back into the residual stream. */
    default void matmulAdd(Buf x, Buf h, Weight w) {
        Buf y = rows(w.rows());
        matmul(y, h, w);
        add(x, y);
    }

    // ---- attention

    /**
     * For each head: {@code y[head] = rope(rmsNorm(x[head]))}, position from the row. y is packed [rows, heads * dim]
     * and not x; x is read at {@code shape}, so that a head may be followed by its output gate.
     */
    void headNormRope(Buf y, Buf x, HeadShape shape, Norm norm, Rope rope);

    /** Appends k and v, both [rows, kvHeads * headDim], at each row's position of its slot. */
    void appendKv(StateSpec.Kv kv, Buf k, Buf v);

    /**
     * {@code q = headNormRope(projected)}, and {@code headNormRope(k)} is appended with v: what an attention layer does to the
     * products of its input. k, v: [rows, kvHeads * headDim]; k is left undefined.
     */
    default void normRopeAppend(Buf q, Buf projected, HeadShape queries, Norm queryNorm, Buf k, Norm keyNorm, Buf v, StateSpec.Kv kv, Rope rope) {
        headNormRope(q, projected, queries, queryNorm, rope);
        Buf turned = rows(k.width());
        headNormRope(turned, k, HeadShape.packed(kv.kvHeads(), kv.headDim()), keyNorm, rope);
        appendKv(kv, turned, v);
    }

    /**
     * Causal attention of each row over positions 0..its own of its slot (the row itself is appended already):
     * {@code y[h] = softmax(q[h] · K[h / group] / sqrt(headDim)) V[h / group]}, group = heads / kvHeads; q, y: [rows, heads * headDim].
     */
    void attention(Buf y, Buf q, StateSpec.Kv kv, int heads);

    /** {@code y[head] *= sigmoid(g[head])}; y packed, the gate read at {@code shape}. */
    void sigmoidMul(Buf y, Buf g, HeadShape shape);

    /** {@link #attention}, then {@link #sigmoidMul}: attention with an output gate. */
    default void gatedAttention(Buf y, Buf q, StateSpec.Kv kv, int heads, Buf g, HeadShape shape) {
        attention(y, q, kv, heads);
        sigmoidMul(y, g, shape);
    }

    // ---- Gated DeltaNet

    /**
     * Depthwise causal convolution, then SiLU: {@code y_t[c] = silu(sum_i w[c, i] u_{t-taps+1+i}[c])}; inputs before the
     * step come from the window, which slides. w: [channels, taps].
     */
    void causalConvSilu(Buf y, Buf u, Weight w, StateSpec.Window window);

    /**
     * {@code beta = sigmoid(b)}, {@code g = a_h * softplus(a + dt)} (log-decay, <= 0); all [rows, valueHeads].
     * {@code decay} holds -exp(A_log). In place: b becomes beta, a becomes g.
     */
    void deltaGates(Buf b, Buf a, Weight decay, Weight dt);

    /**
     * In place on q and k of {@code qkv} (shape's row layout): each head is divided by {@code sqrt(sum(x^2) + 1e-6)};
     * q also by sqrt(dk).
     */
    void deltaNormalise(Buf qkv, DeltaShape shape);

    /** {@link #deltaGates} and {@link #deltaNormalise}: all that the delta rule wants of its inputs. */
    default void deltaPrepare(Buf b, Buf a, Weight decay, Weight dt, Buf qkv, DeltaShape shape) {
        deltaGates(b, a, decay, dt);
        deltaNormalise(qkv, shape);
    }

    /**
     * The gated delta rule over the rows of each slot in order, for each value head, from the slot's S:
     * {@code S = e^g S; d = beta (v - S^T k); S = S + k d^T; y = S^T q}. y: [rows, valueHeads * dv].
     * A player may use the exact chunked form (forward substitution) for many rows.
     */
    void deltaRule(Buf y, Buf qkv, Buf beta, Buf g, StateSpec.Recurrent s, DeltaShape shape);

    /** Per head of {@code norm.weight.cols} elements: {@code y = rmsNorm(y) * silu(z)}, in place on y. */
    void gatedNorm(Buf y, Buf z, Norm norm);

    /**
     * All of a Gated DeltaNet layer between its projections: y is the gated norm of the delta rule over what convolution and
     * gates make of u, b and a, which are left undefined. u: [rows, channels]; b, a: [rows, valueHeads]; y, z: [rows, valueHeads * dv].
     */
    default void deltaNet(Buf y, Buf u, Buf b, Buf a, Buf z, DeltaParts p) {
        Buf qkv = rows(p.shape().channels());
        causalConvSilu(qkv, u, p.conv(), p.window());
        deltaPrepare(b, a, p.decay(), p.dt(), qkv, p.shape());
        deltaRule(y, qkv, b, a, p.memory(), p.shape());
        gatedNorm(y, z, p.norm());
    }

    /** {@code x += W y}, y: as {@link #deltaNet} makes it; out: W, [dim, valueHeads * dv]. */
    default void deltaNetAdd(Buf x, Buf u, Buf b, Buf a, Buf z, DeltaParts p, Weight out) {
        Buf y = rows(out.cols());
        deltaNet(y, u, b, a, z, p);
        matmulAdd(x, y, out);
    }

    // ---- mixture of experts

    /**
     * {@code p = softmax(logits)} over all experts, the {@code used} largest (ties: the lower index), weighted as asked.
     * logits: [rows, experts].
     */
    Routing route(Buf logits, int used, Routing.Weights weights);

    /** {@code y[r] = sum over the row's experts e of weight_e * down_e(silu(gate_e x[r]) * up_e x[r])}. */
    void experts(Buf y, Buf x, Routing routing, Weight gate, Weight up, Weight down);

    /** {@code x += sigmoid(g) * y}, one scalar g a row: [rows, 1]. */
    void addGated(Buf x, Buf y, Buf g);

    /**
     * {@code x += sum of p_e down_e(silu(gate_e n) * up_e n)} over the experts of each row, n = rmsNorm(x), and where there is a shared
     * expert {@code x += sigmoid(scalar n) * down(silu(gate n) * up n)} with its matrices.
     */
    default void mixture(Buf x, Norm norm, Mixture m) {
        Buf n = rows(x.width()), logits = rows(m.router().rows()), y = rows(x.width());
        rmsNorm(n, x, norm);
        Mixture.Shared shared = m.shared();
        if (shared == null) {
            matmul(logits, n, m.router());
            experts(y, n, route(logits, m.used(), m.weights()), m.gate(), m.up(), m.down());
            add(x, y);
            return;
        }
        Buf h = rows(shared.gate().rows()), u = rows(shared.up().rows()), g = rows(1), s = rows(x.width());
        matmul(new Buf[] {logits, g, h, u}, n, new Weight[] {m.router(), shared.scalar(), shared.gate(), shared.up()});
        experts(y, n, route(logits, m.used(), m.weights()), m.gate(), m.up(), m.down());
        add(x, y);
        siluMul(h, u);
        matmul(s, h, shared.down());
        addGated(x, s, g);
    }

    // ---- output

    /** The rows whose logits are wanted, packed: [outputs, width]. Operations on the result run over those rows. */
    Buf outputs(Buf x);
}
