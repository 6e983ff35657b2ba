package squall.cpu;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import squall.engine.EngineOptions.KvFormat;
import squall.ops.Buf;
import squall.ops.DeltaShape;
import squall.ops.HeadShape;
import squall.ops.Norm;
import squall.ops.Ops;
import squall.ops.Rope;
import squall.ops.Routing;
import squall.ops.StateSpec;
import squall.ops.StepPlan;
import squall.ops.Weight;

/**
 * Plays the operations at once with the Vector API, on a {@link ThreadTeam}. Owned by the engine thread; an operation is
 * shared out to the team where it is worth a barrier, in pieces that depend on the step only. Decoding allocates nothing once
 * scratch has its size.
 */
class CpuOps implements Ops, AutoCloseable {
    /** Elements of one piece of an elementwise operation: some 5 µs of work, against 1-2 µs for a barrier. */
    private static final int GRAIN = 4096;
    /** Channels of one piece of a convolution; one is worth some four elements of another operation. */
    private static final int CHANNELS = 256;

    final ThreadTeam team;
    final MatMul matmul;
    final KvCache cache;
    final SlotStates states;
    private final Attention attention;
    final Workspace workspace;
    private final Map<Weight, float[]> small = new IdentityHashMap<>();
    private final Map<Weight, float[]> taps = new IdentityHashMap<>();
    private final Map<Rope, RopeTable> ropes = new IdentityHashMap<>();
    private final Router.Choice choice = new Router.Choice();
    private final float[][] probabilities;
    private final DeltaChunks[] chunks;
    private final Operands o = new Operands(this);
    private final Weight[] oneWeight = new Weight[1];
    private final Weight[] halves = new Weight[2];
    /** By number of matrices. */
    private float[][][] results = new float[0][][];
    StepPlan plan;
    private int rows;

    /** @param state what the model keeps from step to step */
    CpuOps(ThreadTeam team, List<StateSpec> state, int slots, KvFormat keyFormat, KvFormat valueFormat) {
        this.team = team;
        this.matmul = new MatMul(team);
        List<StateSpec.Kv> kv = state.stream().filter(StateSpec.Kv.class::isInstance).map(StateSpec.Kv.class::cast).toList();
        this.cache = new KvCache(kv, slots, keyFormat, valueFormat);
        this.states = new SlotStates(state, slots);
        this.workspace = new Workspace();
        this.attention = new Attention(team, cache);
        this.probabilities = new float[team.size()][0];
        this.chunks = new DeltaChunks[team.size()];
    }

    /** Another way to play on the same slots and scratch, step by step in turn with {@code other}. */
    CpuOps(CpuOps other) {
        this.team = other.team;
        this.matmul = other.matmul;
        this.cache = other.cache;
        this.states = other.states;
        this.workspace = other.workspace;
        this.attention = other.attention;
        this.probabilities = other.probabilities;
        this.chunks = other.chunks;
    }

    KvCache cache() {
        return cache;
    }

    SlotStates states() {
        return states;
    }

    /** Starts a step: all buffers of the one before are gone, and its segments have their place in every state. */
    void begin(StepPlan step) {
        plan = step;
        rows = step.rows();
        workspace.clear();
        for (int i = 0; i < step.segments().size(); i++) {
            StepPlan.Segment s = step.segments().get(i);
            cache.reserve(s.slot(), s.start() + s.rows());
            states.prepare(s.slot());
        }
    }

    /** What was asked for up to now lives until the end of the step. */
    void hold() {
        workspace.hold();
    }

    /** Ends a block: its buffers may be used again. */
    void endBlock() {
        workspace.release();
        rows = plan.rows();
    }

    /** After {@link #outputs}, as many rows as are wanted. */
    @Override public Activation rows(int width) {
        return workspace.take(rows, width);
    }

    @Override public Buf[] rows(Weight[] w) {
        Buf[] y = workspace.list(w.length);
        for (int i = 0; i < w.length; i++) y[i] = rows(w[i].rows());
        return y;
    }

    @Override public void embed(Buf x, Weight table) {
        o.y = Activation.of(x).data;
        o.weight = table;
        share(plan.rows(), table.cols(), (o, worker, from, to) -> {
            int n = o.weight.cols();
            long rowBytes = o.weight.format().rowBytes(n);
            for (int r = from; r < to; r++)
                o.weight.format().codec.decode(o.weight.data(), o.ops.plan.tokens()[r] * rowBytes, o.y, r * n, n);
        });
    }

    @Override public void rmsNorm(Buf y, Buf x, Norm norm) {
        Activation in = Activation.of(x);
        norms(Activation.of(y).data, in.data, in.rows, norm);
    }

    /** {@code y[i] = rmsNorm(x[i])} for items of the norm's width. */
    private void norms(float[] y, float[] x, int items, Norm norm) {
        o.of(y, x, null, small(norm.weight()));
        o.n = norm.weight().cols();
        o.eps = norm.eps();
        share(items, o.n, (o, worker, from, to) -> {
            for (int i = from; i < to; i++) RowKernels.rmsNorm(o.y, i * o.n, o.x, i * o.n, o.w, o.n, o.eps);
        });
    }

    @Override public void matmul(Buf y, Buf x, Weight w) {
        Activation in = Activation.of(x);
        float[][] out = results(1);
        out[0] = Activation.of(y).data;
        oneWeight[0] = w;
        matmul.multiply(out, in.data, in.rows, oneWeight);
    }

    /** A kept array for the results of a product. */
    private float[][] results(int n) {
        if (results.length <= n) results = Arrays.copyOf(results, n + 1);
        if (results[n] == null) results[n] = new float[n][];
        return results[n];
    }

    /** One product for all weights: they share the input. */
    @Override public void matmul(Buf[] y, Buf x, Weight[] w) {
        Activation in = Activation.of(x);
        float[][] out = results(y.length);
        for (int i = 0; i < y.length; i++) out[i] = Activation.of(y[i]).data;
        matmul.multiply(out, in.data, in.rows, w);
    }

    @Override public void normMatmul(Buf[] y, Buf x, Norm norm, Weight[] w) {
        Activation in = Activation.of(x);
        Activation n = workspace.take(in.rows, in.width);
        rmsNorm(n, x, norm);
        matmul(y, n, w);
    }

    @Override public void normSwiGlu(Buf h, Buf x, Norm norm, Weight gate, Weight up) {
        halves[0] = gate;
        halves[1] = up;
        Buf[] y = workspace.list(2);
        y[0] = h;
        y[1] = rows(up.rows());
        normMatmul(y, x, norm, halves);
        siluMul(h, y[1]);
    }

    @Override public void add(Buf x, Buf y) {
        o.of(Activation.of(x).data, Activation.of(y).data);
        share(Activation.of(x).elements(), 1, (o, worker, from, to) -> RowKernels.add(o.y, o.x, from, to));
    }

    @Override public void siluMul(Buf h, Buf u) {
        o.of(Activation.of(h).data, Activation.of(u).data);
        share(Activation.of(h).elements(), 1, (o, worker, from, to) -> RowKernels.siluMul(o.y, o.x, from, to));
    }

    /** The table of a rotary embedding, filled for this step. */
    final RopeTable table(Rope rope) {
        RopeTable table = ropes.computeIfAbsent(rope, RopeTable::new);
        table.fill(plan);
        return table;
    }

    @Override public void headNormRope(Buf y, Buf x, HeadShape shape, Norm norm, Rope rope) {
        Activation in = Activation.of(x);
        o.of(Activation.of(y).data, in.data, null, small(norm.weight()));
        o.rope = table(rope);
        o.width = in.width;
        o.eps = norm.eps();
        o.heads = shape;
        share(in.rows * shape.heads(), shape.dim(), (o, worker, from, to) -> {
            int heads = o.heads.heads(), dim = o.heads.dim();
            for (int i = from; i < to; i++) {
                int row = i / heads;
                int at = row * o.width + o.heads.offset() + i % heads * o.heads.stride();
                RowKernels.rmsNorm(o.y, i * dim, o.x, at, o.w, dim, o.eps);
                o.rope.rotate(o.y, i * dim, row);
            }
        });
    }

    @Override public void appendKv(StateSpec.Kv kv, Buf k, Buf v) {
        o.of(null, Activation.of(k).data, Activation.of(v).data, null);
        o.state = kv;
        for (int segment = 0; segment < plan.segments().size(); segment++) {
            o.segment = plan.segments().get(segment);
            share(o.segment.rows() * kv.kvHeads(), kv.headDim(), (o, worker, from, to) -> {
                StateSpec.Kv spec = (StateSpec.Kv) o.state;
                StepPlan.Segment s = o.segment;
                int heads = spec.kvHeads();
                for (int i = from; i < to; i++) {
                    int at = (s.begin() * heads + i) * spec.headDim();
                    o.ops.cache.write(spec, s.slot(), i % heads, s.start() + i / heads, o.x, at, o.z, at);
                }
            });
        }
    }

    @Override public void attention(Buf y, Buf q, StateSpec.Kv kv, int heads) {
        attention.run(Activation.of(y).data, Activation.of(q).data, kv, heads, plan);
    }

    @Override public void sigmoidMul(Buf y, Buf g, HeadShape shape) {
        Activation gate = Activation.of(g);
        o.of(Activation.of(y).data, gate.data);
        o.width = gate.width;
        o.heads = shape;
        share(gate.rows * shape.heads(), shape.dim(), (o, worker, from, to) -> {
            int heads = o.heads.heads(), dim = o.heads.dim();
            for (int i = from; i < to; i++) {
                int at = i / heads * o.width + o.heads.offset() + i % heads * o.heads.stride();
                RowKernels.sigmoidMul(o.y, i * dim, o.x, at, dim);
            }
        });
    }

    @Override public void causalConvSilu(Buf y, Buf u, Weight w, StateSpec.Window window) {
        o.of(Activation.of(y).data, Activation.of(u).data, null, byTap(w));
        o.state = window;
        o.n = (window.channels() + CHANNELS - 1) / CHANNELS;
        int segments = plan.segments().size();
        team.forEach(segments * o.n, Math.max(1, GRAIN / 4 / CHANNELS * segments / rows), o.in((o, worker, from, to) -> {
            StateSpec.Window spec = (StateSpec.Window) o.state;
            for (int i = from; i < to; i++) {
                StepPlan.Segment s = o.ops.plan.segments().get(i / o.n);
                int c = i % o.n * CHANNELS;
                CausalConv.run(o.y, o.x, o.w, o.ops.states.of(spec, s.slot()), spec.taps(), spec.channels(), s.begin(), s.end(),
                        c, Math.min(spec.channels(), c + CHANNELS));
            }
        }));
    }

    @Override public void deltaGates(Buf b, Buf a, Weight decay, Weight dt) {
        Activation beta = Activation.of(b);
        o.of(beta.data, Activation.of(a).data, small(dt), small(decay));
        o.n = beta.width;
        share(beta.rows, 16 * o.n, (o, worker, from, to) -> {
            for (int i = from * o.n; i < to * o.n; i++) {
                o.y[i] = VectorMath.sigmoid(o.y[i]);
                double x = (double) o.x[i] + o.z[i % o.n];
                o.x[i] = (float) (o.w[i % o.n] * (x > 20 ? x : Math.log1p(Math.exp(x))));
            }
        });
    }

    @Override public void deltaNormalise(Buf qkv, DeltaShape shape) {
        Activation x = Activation.of(qkv);
        o.of(x.data, null);
        o.width = x.width;
        o.delta = shape;
        share(x.rows * 2 * shape.keyHeads(), shape.dk(), (o, worker, from, to) -> {
            int heads = 2 * o.delta.keyHeads(), dk = o.delta.dk();
            for (int i = from; i < to; i++) {
                int head = i % heads;
                int at = i / heads * o.width + head * dk;
                double norm = Math.sqrt(RowKernels.sumOfSquares(o.y, at, dk) + 1e-6);
                RowKernels.scale(o.y, at, dk, (float) (1 / (head < o.delta.keyHeads() ? norm * Math.sqrt(dk) : norm)));
            }
        });
    }

    @Override public void deltaRule(Buf y, Buf qkv, Buf beta, Buf g, StateSpec.Recurrent s, DeltaShape shape) {
        o.of(Activation.of(y).data, Activation.of(qkv).data, Activation.of(beta).data, Activation.of(g).data);
        o.state = s;
        o.delta = shape;
        team.forEach(plan.segments().size() * shape.keyHeads(), 1, o.in((o, worker, from, to) -> {
            for (int i = from; i < to; i++)
                o.ops.deltaRule(o, worker, o.ops.plan.segments().get(i / o.delta.keyHeads()), i % o.delta.keyHeads());
        }));
    }

    /** The value heads of a key head over a segment. */
    private void deltaRule(Operands o, int worker, StepPlan.Segment s, int keyHead) {
        float[] state = states.of(o.state, s.slot());
        if (s.rows() >= DeltaChunks.LEAST_ROWS) {
            chunks(worker, o.delta).run(o.y, o.x, o.z, o.w, state, keyHead, s.begin(), s.end());
            return;
        }
        for (int head = 0; head < o.delta.valueHeads(); head++)
            if (o.delta.keyHead(head) == keyHead)
                DeltaRule.recurrent(o.y, o.x, o.z, o.w, state, o.delta, head, s.begin(), s.end());
    }

    private DeltaChunks chunks(int worker, DeltaShape shape) {
        if (chunks[worker] == null || !chunks[worker].isFor(shape)) chunks[worker] = new DeltaChunks(shape);
        return chunks[worker];
    }

    /** In two passes: the norm and the gate in one loop are more than the compiler inlines, and vectors become objects. */
    @Override public void gatedNorm(Buf y, Buf z, Norm norm) {
        Activation out = Activation.of(y);
        norms(out.data, out.data, out.elements() / norm.weight().cols(), norm);
        o.of(out.data, Activation.of(z).data);
        share(out.elements(), 1, (o, worker, from, to) -> RowKernels.siluGateMul(o.y, o.x, from, to));
    }

    @Override public Routing route(Buf logits, int used, Routing.Weights weights) {
        Activation l = Activation.of(logits);
        choice.resize(l.rows, used, weights);
        o.of(null, l.data);
        o.n = l.width;
        share(l.rows, l.width, (o, worker, from, to) -> {
            float[][] p = o.ops.probabilities;
            if (p[worker].length < o.n) p[worker] = new float[o.n];
            for (int r = from; r < to; r++) Router.choose(o.ops.choice, r, o.x, o.n, p[worker]);
        });
        return choice;
    }

    @Override public void experts(Buf y, Buf x, Routing routing, Weight gate, Weight up, Weight down) {
        Activation in = Activation.of(x);
        Router.Choice chosen = (Router.Choice) routing;
        matmul.experts(Activation.of(y).data, in.data, in.rows, chosen.ids, chosen.weights, chosen.used, gate, up, down);
    }

    @Override public void addGated(Buf x, Buf y, Buf g) {
        Activation out = Activation.of(x);
        o.of(out.data, Activation.of(y).data, Activation.of(g).data, null);
        o.n = out.width;
        share(out.rows, o.n, (o, worker, from, to) -> {
            for (int r = from; r < to; r++) RowKernels.addScaled(o.y, r * o.n, o.x, r * o.n, o.n, VectorMath.sigmoid(o.z[r]));
        });
    }

    @Override public Buf outputs(Buf x) {
        Activation in = Activation.of(x);
        int[] wanted = plan.outputs();
        rows = wanted.length;
        Activation out = rows(in.width);
        for (int i = 0; i < wanted.length; i++)
            System.arraycopy(in.data, wanted[i] * in.width, out.data, i * in.width, in.width);
        return out;
    }

    /** Items of {@code size} elements each, shared out in pieces of about {@link #GRAIN} elements. */
    private void share(int items, int size, Operands.Body body) {
        int grain = Math.max(1, GRAIN / size);
        if (items <= grain) body.run(o, 0, 0, items);
        else team.forEach(items, grain, o.in(body));
    }

    /** A small weight as floats, decoded once. */
    float[] small(Weight w) {
        float[] known = small.get(w);
        if (known != null) return known;
        float[] values = new float[w.rows() * w.cols()];
        long rowBytes = w.format().rowBytes(w.cols());
        for (int r = 0; r < w.rows(); r++) w.format().codec.decode(w.data(), r * rowBytes, values, r * w.cols(), w.cols());
        small.put(w, values);
        return values;
    }

    /** [channels, taps] turned into [taps, channels]: then a vector is a run of channels. */
    private float[] byTap(Weight w) {
        float[] known = taps.get(w);
        if (known != null) return known;
        float[] rows = small(w);
        float[] turned = new float[rows.length];
        for (int c = 0; c < w.rows(); c++)
            for (int i = 0; i < w.cols(); i++) turned[i * w.rows() + c] = rows[c * w.cols() + i];
        taps.put(w, turned);
        return turned;
    }

    /** Frees what the cache holds outside the heap. The team is not closed: it belongs to the caller. */
    @Override public void close() {
        matmul.close();
        cache.close();
        Arrays.fill(chunks, null);
    }
}
