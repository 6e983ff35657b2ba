package squall.tornado;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import squall.ops.Buf;
import squall.ops.DeltaParts;
import squall.ops.DeltaShape;
import squall.ops.HeadShape;
import squall.ops.Mixture;
import squall.ops.Norm;
import squall.ops.Ops;
import squall.ops.Rope;
import squall.ops.Routing;
import squall.ops.StateSpec;
import squall.ops.Weight;
import squall.tornado.Traits.Fusion;
import squall.tornado.kernels.Attention;
import squall.tornado.kernels.CausalConv;
import squall.tornado.kernels.DeltaGates;
import squall.tornado.kernels.DeltaInputs;
import squall.tornado.kernels.DeltaRule;
import squall.tornado.kernels.DeltaStep;
import squall.tornado.kernels.DeltaSteps;
import squall.tornado.kernels.Draw;
import squall.tornado.kernels.Elementwise;
import squall.tornado.kernels.Embedding;
import squall.tornado.kernels.ExpertOrder;
import squall.tornado.kernels.ExpertStep;
import squall.tornado.kernels.ExpertTiles;
import squall.tornado.kernels.Experts;
import squall.tornado.kernels.GatedNorm;
import squall.tornado.kernels.HeadNormRope;
import squall.tornado.kernels.LibraryProduct;
import squall.tornado.kernels.LibraryRows;
import squall.tornado.kernels.MatMul;
import squall.tornado.kernels.Normed;
import squall.tornado.kernels.Router;
import squall.tornado.kernels.RowNorm;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The recorder: takes the operations of a layer down as tasks of one TaskGraph, to be replayed at every step. Buffers are
 * parts of the arena, handed out one after the other and all free again at the end of a block. Weights and states are
 * asked for in the order of their use, so that a second layer of the same kind fits the same tasks.
 */
final class TornadoOps implements Ops {
    private final Tape tape;
    private final Store store;
    private final Frame outputs;
    private final int maxRows;
    private final int maxOutputs;
    private int rows;
    private int next;
    private final int base;
    private int highWater;
    private int outputsFrom = Integer.MAX_VALUE;
    /** Whose rows are in the library's scratch and nowhere else; null when no one's are. */
    private Region halved;
    /** What its products norm by themselves, and the region that stands for the norm meanwhile. */
    private Normed normed;
    private Region token;

    /**
     * @param maxRows rows that every buffer has room for
     * @param outputs frame of the operations after {@link #outputs}; its step array holds output rows
     * @param base    element of the arena where buffers start
     */
    TornadoOps(Tape tape, Store store, int maxRows, Frame outputs, int maxOutputs, int base) {
        this.tape = tape;
        this.store = store;
        this.outputs = outputs;
        this.maxRows = maxRows;
        this.maxOutputs = maxOutputs;
        this.rows = maxRows;
        this.base = base;
        this.next = base;
        this.highWater = base;
    }

    Tape tape() {
        return tape;
    }

    private boolean fuses(Fusion fusion) {
        return tape.frame().traits().fuses(fusion);
    }

    /** Elements of the arena that the recording needs. */
    int highWater() {
        return highWater;
    }

    /** Ends a block: its buffers may be used again. */
    void endBlock() {
        next = base;
    }

    /** A buffer that has its place. */
    Region placed(int width) {
        return place(new Region(width));
    }

    private Region place(Region r) {
        if (!r.placed()) r.place(take(r.width()), r.width());
        return r;
    }

    private int take(int width) {
        int at = tape.frame().traits().multipliesInLibrary() ? Boundary.next(next, Float.BYTES) : next;
        next = Math.addExact(at, Math.multiplyExact(rows, width));
        highWater = Math.max(highWater, next);
        return at;
    }

    @Override public Region rows(int width) {
        return new Region(width);
    }

    @Override public void embed(Buf x, Weight table) {
        Embedding.record(tape, place(Region.of(x)), store.matrices(List.of(table)));
    }

    @Override public void rmsNorm(Buf y, Buf x, Norm norm) {
        RowNorm.record(tape, place(Region.of(y)), Region.of(x), store.vector(norm.weight()), norm.eps());
    }

    @Override public void matmul(Buf y, Buf x, Weight w) {
        product(place(Region.of(y)), Region.of(x), List.of(w));
    }

    private void product(Region y, Region x, List<Weight> stack) {
        if (x == token) {
            MatMul.record(tape, y, normed, store.matrices(stack));
            return;
        }
        if (!inLibrary(x.width())) {
            MatMul.record(tape, y, x, store.matrices(stack));
            return;
        }
        halve(x);
        LibraryProduct.record(tape, y, store.matrices(stack));
    }

    /** Whether products with rows of that width are a library's. */
    private boolean inLibrary(int width) {
        return LibraryProduct.serves(tape.frame(), width);
    }

    /** Makes the rows of x the library's operands, if they are not. */
    private void halve(Region x) {
        if (x == halved) return;
        LibraryRows.record(tape, x);
        halved = null;
    }

    @Override public void normMatmul(Buf[] y, Buf x, Norm norm, Weight[] w) {
        if (norms(w)) {
            normed = new Normed(Region.of(x), store.vector(norm.weight()), norm.eps());
            token = rows(x.width());
            matmul(y, token, w);
            token = null;
            return;
        }
        if (!inLibrary(x.width())) {
            Ops.super.normMatmul(y, x, norm, w);
            return;
        }
        matmul(y, halvedNorm(x, norm), w);
    }

    /** Whether products with these norm x by themselves. */
    private boolean norms(Weight... w) {
        return fuses(Fusion.NORM) && Stream.of(w).allMatch(v -> v.scales().isEmpty() && MatMul.norms(tape.frame(), v.format(), v.cols()));
    }

    /** The norm of x, as the library's operands only. */
    private Region halvedNorm(Buf x, Norm norm) {
        LibraryRows.recordNorm(tape, Region.of(x), store.vector(norm.weight()), norm.eps());
        halved = rows(x.width());
        return halved;
    }

    /** One product for all weights of one format: their results become neighbours in a row. */
    @Override public void matmul(Buf[] y, Buf x, Weight[] w) {
        boolean[] done = new boolean[w.length];
        for (int i = 0; i < w.length; i++) {
            if (done[i]) continue;
            List<Integer> stack = new ArrayList<>();
            for (int j = i; j < w.length; j++)
                if (!done[j] && (j == i || stack(w[i], w[j]) && !Region.of(y[i]).placed() && !Region.of(y[j]).placed())) {
                    stack.add(j);
                    done[j] = true;
                }
            product(y, x, w, stack);
        }
    }

    private static boolean stack(Weight a, Weight b) {
        return a.format() == b.format() && a.scales().isEmpty() && b.scales().isEmpty();
    }

    private void product(Buf[] y, Buf x, Weight[] w, List<Integer> stack) {
        if (stack.size() == 1) {
            matmul(y[stack.getFirst()], x, w[stack.getFirst()]);
            return;
        }
        int width = stack.stream().mapToInt(i -> w[i].rows()).sum();
        Region all = placed(width);
        int at = all.at();
        for (int i : stack) {
            Region.of(y[i]).place(at, width);
            at += w[i].rows();
        }
        product(all, Region.of(x), stack.stream().map(i -> w[i]).toList());
    }

    @Override public void normSwiGlu(Buf h, Buf x, Norm norm, Weight gate, Weight up) {
        if (!stack(gate, up) || !fuses(Fusion.SWIGLU)) {
            Ops.super.normSwiGlu(h, x, norm, gate, up);
            return;
        }
        if (LibraryProduct.leavesSwiGlu(tape.frame(), x.width())) {
            halvedNorm(x, norm);
            LibraryProduct.recordSwiGlu(tape, place(Region.of(h)), store.matrices(List.of(gate, up)));
            halved = null;
            return;
        }
        if (inLibrary(x.width()) && inLibrary(gate.rows()) && !LibraryProduct.leavesSwiGlu(tape.frame(), gate.rows())) {
            halvedNorm(x, norm);
            LibraryProduct.recordSwiGlu(tape, store.matrices(List.of(gate, up)));
            halved = Region.of(h);
            return;
        }
        if (norms(gate)) {
            Normed n = new Normed(Region.of(x), store.vector(norm.weight()), norm.eps());
            MatMul.recordSwiGlu(tape, place(Region.of(h)), n, store.matrices(List.of(gate, up)));
            return;
        }
        Region n = rows(x.width());
        rmsNorm(n, x, norm);
        MatMul.recordSwiGlu(tape, place(Region.of(h)), n, store.matrices(List.of(gate, up)));
    }

    @Override public void matmulAdd(Buf x, Buf h, Weight w) {
        if (inLibrary(h.width())) {
            halve(Region.of(h));
            LibraryProduct.recordAdd(tape, Region.of(x), store.matrices(List.of(w)));
        } else if (fuses(Fusion.RESIDUAL)) MatMul.recordAdd(tape, Region.of(x), Region.of(h), store.matrices(List.of(w)));
        else Ops.super.matmulAdd(x, h, w);
    }

    @Override public void add(Buf x, Buf y) {
        Elementwise.add(tape, Region.of(x), Region.of(y));
    }

    @Override public void siluMul(Buf h, Buf u) {
        Elementwise.siluMul(tape, Region.of(h), Region.of(u));
    }

    /** Whether a buffer's rows are the wanted ones. */
    boolean isOutput(Region r) {
        return r.at() >= outputsFrom;
    }

    // ---- attention

    @Override public void headNormRope(Buf y, Buf x, HeadShape shape, Norm norm, Rope rope) {
        HeadNormRope.record(tape, place(Region.of(y)), Region.of(x), shape, store.vector(norm.weight()), norm.eps(),
                store.angles(rope), rope.frequencies().length);
    }

    @Override public void appendKv(StateSpec.Kv kv, Buf k, Buf v) {
        Attention.append(tape, Region.of(k), Region.of(v), store.pages(kv));
    }

    @Override public void normRopeAppend(Buf q, Buf projected, HeadShape queries, Norm queryNorm, Buf k, Norm keyNorm, Buf v,
                                         StateSpec.Kv kv, Rope rope) {
        if (!fuses(Fusion.ROPE_APPEND)) {
            Ops.super.normRopeAppend(q, projected, queries, queryNorm, k, keyNorm, v, kv, rope);
            return;
        }
        HeadNormRope.Projected from = new HeadNormRope.Projected(Region.of(projected), queries, store.vector(queryNorm.weight()),
                Region.of(k), Region.of(v), store.vector(keyNorm.weight()));
        if (queryNorm.eps() != keyNorm.eps() || from.queryNorm().array() != from.keyNorm().array())
            throw new IllegalArgumentException(kv.name() + ": the norms of queries and keys have one epsilon and lie in one array");
        HeadNormRope.recordAppending(tape, place(Region.of(q)), from, store.pages(kv), keyNorm.eps(), store.angles(rope), rope.frequencies().length);
    }

    @Override public void attention(Buf y, Buf q, StateSpec.Kv kv, int heads) {
        Pages pages = store.pages(kv);
        Attention.record(tape, place(Region.of(y)), Region.of(q), pages, heads, partial(pages, heads));
    }

    @Override public void gatedAttention(Buf y, Buf q, StateSpec.Kv kv, int heads, Buf g, HeadShape shape) {
        if (!fuses(Fusion.ATTENTION_GATE)) {
            Ops.super.gatedAttention(y, q, kv, heads, g, shape);
            return;
        }
        Pages pages = store.pages(kv);
        boolean rounds = Attention.rounds(tape.frame(), pages, heads);
        Attention.record(tape, rounds ? null : place(Region.of(y)), Region.of(q), pages, heads, partial(pages, heads), Region.of(g), shape);
        if (rounds) halved = Region.of(y);
    }

    private Region partial(Pages pages, int heads) {
        return placed(Math.max(1, Attention.partialWidth(tape.frame(), heads, pages.kvHeads(), pages.headDim())));
    }

    @Override public void sigmoidMul(Buf y, Buf g, HeadShape shape) {
        Elementwise.sigmoidMul(tape, Region.of(y), Region.of(g), shape);
    }

    // ---- Gated DeltaNet

    @Override public void causalConvSilu(Buf y, Buf u, Weight w, StateSpec.Window window) {
        CausalConv.record(tape, place(Region.of(y)), Region.of(u), store.vector(w), window.taps(), store.window(window));
    }

    @Override public void deltaGates(Buf b, Buf a, Weight decay, Weight dt) {
        DeltaGates.record(tape, Region.of(b), Region.of(a), store.vector(decay), store.vector(dt));
    }

    @Override public void deltaNormalise(Buf qkv, DeltaShape shape) {
        DeltaGates.normalise(tape, Region.of(qkv), shape);
    }

    @Override public void deltaPrepare(Buf b, Buf a, Weight decay, Weight dt, Buf qkv, DeltaShape shape) {
        DeltaGates.prepare(tape, Region.of(b), Region.of(a), store.vector(decay), store.vector(dt), Region.of(qkv), shape);
    }

    @Override public void deltaRule(Buf y, Buf qkv, Buf beta, Buf g, StateSpec.Recurrent s, DeltaShape shape) {
        rule(place(Region.of(y)), Region.of(qkv), Region.of(beta), Region.of(g), store.memory(s), shape);
    }

    private void rule(Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape) {
        if (DeltaRule.isChunked(tape.frame(), shape)) DeltaRule.recordChunked(tape, y, qkv, beta, g, s, shape, placed(DeltaRule.scratchWidth(tape.frame(), shape)));
        else DeltaRule.record(tape, y, qkv, beta, g, s, shape);
    }

    @Override public void gatedNorm(Buf y, Buf z, Norm norm) {
        GatedNorm.record(tape, Region.of(y), Region.of(z), store.vector(norm.weight()), norm.eps());
    }

    @Override public void deltaNet(Buf y, Buf u, Buf b, Buf a, Buf z, DeltaParts p) {
        if (fuses(Fusion.DELTA_NET)) net(Region.of(y), u, b, a, z, p, memory(p));
        else Ops.super.deltaNet(y, u, b, a, z, p);
    }

    /** The product divides by the lengths of the heads where it can. */
    @Override public void deltaNetAdd(Buf x, Buf u, Buf b, Buf a, Buf z, DeltaParts p, Weight out) {
        if (!fuses(Fusion.DELTA_NET)) {
            Ops.super.deltaNetAdd(x, u, b, a, z, p, out);
            return;
        }
        DeltaMemory m = memory(p);
        Region y = rows(out.cols());
        if (DeltaStep.serves(tape.frame(), p.shape(), m.weights) && fuses(Fusion.RESIDUAL) && norms(out) && p.shape().dv() % 4 == 0) {
            MatMul.recordAdd(tape, Region.of(x), step(y, u, b, a, z, p, m), store.matrices(List.of(out)));
            return;
        }
        net(y, u, b, a, z, p, m);
        matmulAdd(x, y, out);
    }

    /** What a DeltaNet layer has between its projections, asked for once. */
    private record DeltaMemory(Slab window, Slab s, DeltaStep.Weights weights) {}

    private DeltaMemory memory(DeltaParts p) {
        return new DeltaMemory(store.window(p.window()), store.memory(p.memory()),
                new DeltaStep.Weights(store.vector(p.conv()), store.vector(p.decay()), store.vector(p.dt()), store.vector(p.norm().weight())));
    }

    private void net(Region y, Buf u, Buf b, Buf a, Buf z, DeltaParts p, DeltaMemory m) {
        if (DeltaStep.serves(tape.frame(), p.shape(), m.weights)) {
            GatedNorm.recordDivision(tape, step(y, u, b, a, z, p, m));
            return;
        }
        DeltaStep.Weights w = m.weights;
        if (DeltaSteps.serves(tape.frame(), p.shape(), w)) {
            boolean operand = tape.frame().traits().brains() && inLibrary(y.width());
            DeltaSteps.record(tape, operand ? null : place(y), Region.of(u), Region.of(b), Region.of(a), Region.of(z), w, p.window().taps(), m.window, m.s,
                    p.shape(), p.norm().eps());
            if (operand) halved = y;
            return;
        }
        Region qkv = placed(p.shape().channels());
        DeltaInputs.record(tape, qkv, Region.of(u), w.conv(), p.window().taps(), m.window, Region.of(b), Region.of(a), w.decay(), w.dt(), p.shape());
        if (inLibrary(y.width()) && LibraryRows.servesHeads(p.shape().valueHeads(), p.shape().dv())) {
            Region o = placed(y.width());
            rule(o, qkv, Region.of(b), Region.of(a), m.s, p.shape());
            LibraryRows.recordGatedNorm(tape, o, Region.of(z), w.norm(), p.norm().eps());
            halved = y;
            return;
        }
        rule(place(y), qkv, Region.of(b), Region.of(a), m.s, p.shape());
        GatedNorm.record(tape, y, Region.of(z), w.norm(), p.norm().eps());
    }

    /** {@link DeltaStep}, whose heads are to be divided by their lengths. */
    private Normed step(Region y, Buf u, Buf b, Buf a, Buf z, DeltaParts p, DeltaMemory m) {
        Region squares = placed(p.shape().valueHeads() * DeltaStep.parts(p.shape()));
        DeltaStep.record(tape, place(y), squares, Region.of(u), Region.of(b), Region.of(a), Region.of(z), m.weights, p.window().taps(), m.window, m.s,
                p.shape());
        return Normed.heads(y, squares, p.shape().dv(), p.norm().eps());
    }

    // ---- mixture of experts

    @Override public Routing route(Buf logits, int used, Routing.Weights weights) {
        Chosen chosen = new Chosen(store.chosen(), placed(used), used);
        Router.record(tape, chosen, Region.of(logits), logits.width(), weights, null);
        return chosen;
    }

    /** A shared expert that is like the others is one that every row has chosen. */
    @Override public void mixture(Buf x, Norm norm, Mixture m) {
        if (!m.isUniform()) {
            Ops.super.mixture(x, norm, m);
            return;
        }
        if (inSteps(m)) {
            mixtureInSteps(Region.of(x), norm, m);
            return;
        }
        Region logits = rows(m.router().rows()), scalar = m.shared() == null ? null : rows(1);
        boolean tiles = stack(m.gate(), m.up()) && ExpertTiles.serves(tape.frame(), m.gate(), m.down());
        Region n = tiles ? halvedNorm(x, norm) : rows(x.width());
        if (!tiles) rmsNorm(n, x, norm);
        if (scalar == null) matmul(logits, n, m.router());
        else matmul(new Buf[] {logits, scalar}, n, new Weight[] {m.router(), m.shared().scalar()});
        int used = m.used() + (scalar == null ? 0 : 1);
        Chosen chosen = new Chosen(store.chosen(), placed(used), used);
        Router.record(tape, chosen, logits, logits.width(), m.weights(), scalar);
        Mixture all = m.together();
        if (tiles) {
            Region parts = placed(Math.multiplyExact(used, x.width()));
            ExpertOrder.record(tape, chosen, all.gate().experts().size(), all.gate().rows());
            ExpertTiles.recordAdd(tape, Region.of(x), parts, chosen, store.experts(List.of(all.gate(), all.up())), store.experts(List.of(all.down())));
            return;
        }
        Region h = placed(Math.multiplyExact(used, m.gate().rows()));
        if (stack(m.gate(), m.up()))
            Experts.recordAdd(tape, Region.of(x), h, n, chosen, store.experts(List.of(all.gate(), all.up())), store.experts(List.of(all.down())));
        else
            Experts.recordAdd(tape, Region.of(x), h, n, chosen, store.experts(List.of(all.gate())), store.experts(List.of(all.up())),
                    store.experts(List.of(all.down())));
    }

    private boolean inSteps(Mixture m) {
        boolean one = stack(m.gate(), m.up()) && (m.shared() == null || stack(m.router(), m.shared().scalar()));
        return one && ExpertStep.serves(tape.frame(), m.router(), m.gate(), m.down(), m.used() + 1);
    }

    private void mixtureInSteps(Region x, Norm norm, Mixture m) {
        boolean shared = m.shared() != null;
        int used = m.used() + (shared ? 1 : 0);
        Normed n = new Normed(x, store.vector(norm.weight()), norm.eps());
        Bank router = store.matrices(shared ? List.of(m.router(), m.shared().scalar()) : List.of(m.router()));
        Region logits = placed(m.router().rows() + (shared ? 1 : 0)), steps = placed(ExpertStep.steps(x.width(), used, m.gate().rows()));
        Chosen chosen = new Chosen(store.chosen(), placed(used), used);
        Mixture all = m.together();
        ExpertStep.recordAdd(tape, n, chosen, logits, router, shared, m.weights(), store.experts(List.of(all.gate(), all.up())),
                store.experts(List.of(all.down())), steps);
    }

    @Override public void experts(Buf y, Buf x, Routing routing, Weight gate, Weight up, Weight down) {
        Chosen chosen = (Chosen) routing;
        Region h = placed(Math.multiplyExact(chosen.used(), gate.rows()));
        if (stack(gate, up))
            Experts.record(tape, place(Region.of(y)), h, Region.of(x), chosen, store.experts(List.of(gate, up)), store.experts(List.of(down)));
        else
            Experts.record(tape, place(Region.of(y)), h, Region.of(x), chosen, store.experts(List.of(gate)), store.experts(List.of(up)),
                    store.experts(List.of(down)));
    }

    @Override public void addGated(Buf x, Buf y, Buf g) {
        Elementwise.addGated(tape, Region.of(x), Region.of(y), Region.of(g));
    }

    // ---- output

    /** From here on rows are the wanted ones. */
    @Override public Buf outputs(Buf x) {
        rows = maxOutputs;
        outputsFrom = next;
        tape.turnTo(outputs);
        Region y = placed(x.width());
        Elementwise.gather(tape, y, Region.of(x));
        return y;
    }

    /** The tokens that the wishes choose from the logits. */
    void draw(IntArray ids, Region logits, FloatArray wishes) {
        Draw.record(tape, ids, logits, wishes, placed(Draw.scratchWidth(logits.width())));
    }
}
