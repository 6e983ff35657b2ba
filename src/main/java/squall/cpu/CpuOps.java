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
 * shared out to the team where it is worth a barrier, in pieces that depend on the step only.
 */
class CpuOps implements Ops, AutoCloseable {
    /** Elements of one piece of an elementwise operation: some 5 µs of work, against 1-2 µs for a barrier. */
    private static final int GRAIN = 4096;
    /** Channels of one piece of a convolution. */
    private static final int CHANNELS = 256;

    final ThreadTeam team;
    private final MatMul matmul;
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
        for (RopeTable table : ropes.values()) table.clear();
        for (StepPlan.Segment s : step.segments()) {
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

    @Override public void embed(Buf x, Weight table) {
        float[] out = Activation.of(x).data;
        int[] tokens = plan.tokens();
        int n = table.cols();
        long rowBytes = table.format().rowBytes(n);
        share(tokens.length, n, (worker, from, to) -> {
            for (int r = from; r < to; r++) table.format().codec.decode(table.data(), tokens[r] * rowBytes, out, r * n, n);
        });
    }

    @Override public void rmsNorm(Buf y, Buf x, Norm norm) {
        Activation in = Activation.of(x);
        float[] out = Activation.of(y).data;
        float[] w = small(norm.weight());
        int n = in.width;
        share(in.rows, n, (worker, from, to) -> {
            for (int r = from; r < to; r++) RowKernels.rmsNorm(out, r * n, in.data, r * n, w, n, norm.eps());
        });
    }

    @Override public void matmul(Buf y, Buf x, Weight w) {
        Activation in = Activation.of(x);
        matmul.multiply(new float[][] {Activation.of(y).data}, in.data, in.rows, new Weight[] {w});
    }

    /** One product for all weights: they share the input. */
    @Override public void normMatmul(Buf[] y, Buf x, Norm norm, Weight[] w) {
        Activation in = Activation.of(x);
        Activation n = workspace.take(in.rows, in.width);
        rmsNorm(n, x, norm);
        float[][] out = new float[y.length][];
        for (int i = 0; i < y.length; i++) out[i] = Activation.of(y[i]).data;
        matmul.multiply(out, n.data, in.rows, w);
    }

    @Override public void add(Buf x, Buf y) {
        float[] to = Activation.of(x).data;
        float[] from = Activation.of(y).data;
        share(Activation.of(x).elements(), 1, (worker, begin, end) -> RowKernels.add(to, from, begin, end));
    }

    @Override public void siluMul(Buf h, Buf u) {
        float[] to = Activation.of(h).data;
        float[] from = Activation.of(u).data;
        share(Activation.of(h).elements(), 1, (worker, begin, end) -> RowKernels.siluMul(to, from, begin, end));
    }

    @Override public void headNormRope(Buf y, Buf x, HeadShape shape, Norm norm, Rope rope) {
        Activation in = Activation.of(x);
        float[] out = Activation.of(y).data;
        float[] w = small(norm.weight());
        RopeTable table = ropes.computeIfAbsent(rope, RopeTable::new);
        table.fill(plan);
        int heads = shape.heads(), dim = shape.dim();
        share(in.rows * heads, dim, (worker, from, to) -> {
            for (int i = from; i < to; i++) {
                int row = i / heads;
                int at = row * in.width + shape.offset() + i % heads * shape.stride();
                RowKernels.rmsNorm(out, i * dim, in.data, at, w, dim, norm.eps());
                table.rotate(out, i * dim, row);
            }
        });
    }

    @Override public void appendKv(StateSpec.Kv kv, Buf k, Buf v) {
        float[] keys = Activation.of(k).data;
        float[] values = Activation.of(v).data;
        int heads = kv.kvHeads(), dim = kv.headDim();
        for (StepPlan.Segment s : plan.segments())
            share(s.rows() * heads, dim, (worker, from, to) -> {
                for (int i = from; i < to; i++) {
                    int at = (s.begin() * heads + i) * dim;
                    cache.write(kv, s.slot(), i % heads, s.start() + i / heads, keys, at, values, at);
                }
            });
    }

    @Override public void attention(Buf y, Buf q, StateSpec.Kv kv, int heads) {
        attention.run(Activation.of(y).data, Activation.of(q).data, kv, heads, plan);
    }

    @Override public void sigmoidMul(Buf y, Buf g, HeadShape shape) {
        float[] out = Activation.of(y).data;
        Activation gate = Activation.of(g);
        int heads = shape.heads(), dim = shape.dim();
        share(gate.rows * heads, dim, (worker, from, to) -> {
            for (int i = from; i < to; i++) {
                int at = i / heads * gate.width + shape.offset() + i % heads * shape.stride();
                RowKernels.sigmoidMul(out, i * dim, gate.data, at, dim);
            }
        });
    }

    @Override public void causalConvSilu(Buf y, Buf u, Weight w, StateSpec.Window window) {
        float[] out = Activation.of(y).data;
        float[] in = Activation.of(u).data;
        float[] kernel = taps.computeIfAbsent(w, this::byTap);
        int channels = window.channels();
        int pieces = (channels + CHANNELS - 1) / CHANNELS;
        List<StepPlan.Segment> segments = plan.segments();
        team.forEach(segments.size() * pieces, Math.max(1, GRAIN / CHANNELS * segments.size() / rows), (worker, from, to) -> {
            for (int i = from; i < to; i++) {
                StepPlan.Segment s = segments.get(i / pieces);
                int c = i % pieces * CHANNELS;
                CausalConv.run(out, in, kernel, states.of(window, s.slot()), window.taps(), channels, s.begin(), s.end(),
                        c, Math.min(channels, c + CHANNELS));
            }
        });
    }

    @Override public void deltaGates(Buf b, Buf a, Weight decay, Weight dt) {
        Activation beta = Activation.of(b);
        float[] g = Activation.of(a).data;
        float[] rate = small(decay);
        float[] bias = small(dt);
        int heads = beta.width;
        share(beta.rows, 16 * heads, (worker, from, to) -> {
            for (int i = from * heads; i < to * heads; i++) {
                beta.data[i] = VectorMath.sigmoid(beta.data[i]);
                double x = (double) g[i] + bias[i % heads];
                g[i] = (float) (rate[i % heads] * (x > 20 ? x : Math.log1p(Math.exp(x))));
            }
        });
    }

    @Override public void deltaNormalise(Buf qkv, DeltaShape shape) {
        Activation x = Activation.of(qkv);
        int heads = 2 * shape.keyHeads(), dk = shape.dk();
        share(x.rows * heads, dk, (worker, from, to) -> {
            for (int i = from; i < to; i++) {
                int head = i % heads;
                int at = i / heads * x.width + head * dk;
                double norm = Math.sqrt(RowKernels.sumOfSquares(x.data, at, dk) + 1e-6);
                RowKernels.scale(x.data, at, dk, (float) (1 / (head < shape.keyHeads() ? norm * Math.sqrt(dk) : norm)));
            }
        });
    }

    @Override public void deltaRule(Buf y, Buf qkv, Buf beta, Buf g, StateSpec.Recurrent s, DeltaShape shape) {
        float[] out = Activation.of(y).data, x = Activation.of(qkv).data;
        float[] b = Activation.of(beta).data, decay = Activation.of(g).data;
        List<StepPlan.Segment> segments = plan.segments();
        int heads = shape.keyHeads();
        team.forEach(segments.size() * heads, 1, (worker, from, to) -> {
            for (int i = from; i < to; i++) {
                StepPlan.Segment segment = segments.get(i / heads);
                float[] state = states.of(s, segment.slot());
                if (segment.rows() >= DeltaChunks.LEAST_ROWS) {
                    chunks(worker, shape).run(out, x, b, decay, state, i % heads, segment.begin(), segment.end());
                } else {
                    for (int head = 0; head < shape.valueHeads(); head++)
                        if (shape.keyHead(head) == i % heads)
                            DeltaRule.recurrent(out, x, b, decay, state, shape, head, segment.begin(), segment.end());
                }
            }
        });
    }

    private DeltaChunks chunks(int worker, DeltaShape shape) {
        if (chunks[worker] == null || !chunks[worker].isFor(shape)) chunks[worker] = new DeltaChunks(shape);
        return chunks[worker];
    }

    /** In two passes: the norm and the gate in one loop are more than the compiler inlines, and vectors become objects. */
    @Override public void gatedNorm(Buf y, Buf z, Norm norm) {
        Activation out = Activation.of(y);
        float[] gate = Activation.of(z).data;
        float[] w = small(norm.weight());
        int n = w.length;
        share(out.elements() / n, n, (worker, from, to) -> {
            for (int i = from; i < to; i++) RowKernels.rmsNorm(out.data, i * n, out.data, i * n, w, n, norm.eps());
        });
        share(out.elements(), 1, (worker, begin, end) -> RowKernels.siluGateMul(out.data, gate, begin, end));
    }

    @Override public Routing route(Buf logits, int used, Routing.Weights weights) {
        Activation l = Activation.of(logits);
        choice.resize(l.rows, used);
        share(l.rows, l.width, (worker, from, to) -> {
            if (probabilities[worker].length < l.width) probabilities[worker] = new float[l.width];
            for (int r = from; r < to; r++) Router.choose(choice, r, l.data, l.width, weights, probabilities[worker]);
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
        float[] in = Activation.of(y).data;
        float[] gate = Activation.of(g).data;
        int n = out.width;
        share(out.rows, n, (worker, from, to) -> {
            for (int r = from; r < to; r++) RowKernels.addScaled(out.data, r * n, in, r * n, n, VectorMath.sigmoid(gate[r]));
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
    private void share(int items, int size, ThreadTeam.RangeTask task) {
        int grain = Math.max(1, GRAIN / size);
        if (items <= grain) task.run(0, 0, items);
        else team.forEach(items, grain, task);
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
        float[] rows = small(w);
        float[] turned = new float[rows.length];
        for (int c = 0; c < w.rows(); c++)
            for (int i = 0; i < w.cols(); i++) turned[i * w.rows() + c] = rows[c * w.cols() + i];
        return turned;
    }

    /** Frees what the cache holds outside the heap. The team is not closed: it belongs to the caller. */
    @Override public void close() {
        cache.close();
        Arrays.fill(chunks, null);
    }
}
