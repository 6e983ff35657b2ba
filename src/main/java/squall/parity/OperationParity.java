package squall.parity;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import squall.engine.Executor;
import squall.layer.Block;
import squall.model.Model;
import squall.model.ModelConfig;
import squall.ops.AttentionShape;
import squall.ops.Buf;
import squall.ops.DeltaShape;
import squall.ops.HeadShape;
import squall.ops.Norm;
import squall.ops.Ops;
import squall.ops.Routing;
import squall.ops.StateSpec;
import squall.ops.Weight;
import squall.quant.Format;

/**
 * Every operation that a model uses, by itself, in the model's shapes. A player plays models, so each operation is a layer of
 * one: its inputs are chosen, exactly, from the first columns of the residual stream, which nobody changes, and its result is
 * added to columns of its own, which are zero until then: what is read there is the result, not rounded by a sum.
 */
final class OperationParity {
    /** Columns that inputs are chosen from. */
    private static final int INPUTS = 256;
    /** Columns of each operation's results; a wider result is folded into them. */
    private static final int RESULTS = 32;
    private static final int MOST_OPERATIONS = 24;
    private static final int DIM = INPUTS + MOST_OPERATIONS * RESULTS;
    /** Of a matrix of the model: enough for every path of a product, little enough for a moment. */
    private static final int MOST_ROWS = 96;
    private static final int MOST_COLS = 1024;
    private static final int MOST_EXPERTS = 16;
    private static final float DECAY = -4;

    private final ModelConfig config;
    private final Noise noise = new Noise();
    private final Map<String, Block> operations = new LinkedHashMap<>();

    /** An operation of a layer: gets the stream, leaves its result. */
    private interface Operation {
        Buf play(Ops ops, Buf x);
    }

    private OperationParity(Model model) {
        config = model.config();
        rows();
        BlockParity.kinds(model).keySet().stream().flatMap(s -> s.weights().entrySet().stream())
                .forEach(e -> { if (e.getValue().experts().size() == 1) product(e.getKey(), e.getValue()); });
        if (config.attention() != null) attention(config.attention());
        if (config.delta() != null) delta(config.delta());
        if (config.moe() != null) experts(config.moe());
    }

    static List<Finding> check(Model model, Player expected, Player actual, double tolerance) {
        OperationParity parity = new OperationParity(model);
        Model all = BlockParity.alone(parity.config, DIM, INPUTS, List.copyOf(parity.operations.values()));
        List<Finding> findings = new ArrayList<>();
        try (Executor a = expected.open(all, BlockParity.OPTIONS); Executor b = actual.open(all, BlockParity.OPTIONS)) {
            Deviation[][] d = Journey.compare(all, a, b);
            List<String> names = List.copyOf(parity.operations.keySet());
            for (int i = 0; i < d.length; i++) {
                findings.add(Finding.of("operation", names.get(i) + ": a row a sequence", d[i][0], tolerance));
                findings.add(Finding.of("operation", names.get(i) + ": 3 to 152 rows", d[i][1], tolerance));
            }
        }
        return findings;
    }

    private void add(String name, int width, Operation operation, StateSpec... state) {
        if (operations.size() == MOST_OPERATIONS) throw new IllegalStateException("room for " + MOST_OPERATIONS + " operations only");
        Weight folding = noise.folding(DIM, width, INPUTS + operations.size() * RESULTS, RESULTS);
        operations.put(name, new Block() {
            @Override public void forward(Ops ops, Buf x) {
                ops.matmulAdd(x, operation.play(ops, x), folding);
            }

            @Override public List<StateSpec> state() {
                return List.of(state);
            }
        });
    }

    /** An input of so many columns; what is called makes it from the stream. */
    private interface Input {
        Buf of(Ops ops, Buf x);
    }

    private Input input(int width) {
        Weight choosing = noise.choosing(width, DIM, INPUTS);
        return (ops, x) -> {
            Buf y = ops.rows(width);
            ops.matmul(y, x, choosing);
            return y;
        };
    }

    private void rows() {
        int n = config.dim();
        Norm norm = noise.norm(n, config.eps());
        Input a = input(n), b = input(n), g = input(1);
        add("rmsNorm", n, (ops, x) -> {
            Buf y = ops.rows(n);
            ops.rmsNorm(y, a.of(ops, x), norm);
            return y;
        });
        add("siluMul", n, (ops, x) -> {
            Buf h = a.of(ops, x);
            ops.siluMul(h, b.of(ops, x));
            return h;
        });
        add("add", n, (ops, x) -> {
            Buf y = a.of(ops, x);
            ops.add(y, b.of(ops, x));
            return y;
        });
        add("addGated", n, (ops, x) -> {
            Buf y = a.of(ops, x);
            ops.addGated(y, b.of(ops, x), g.of(ops, x));
            return y;
        });
    }

    private void product(Format format, Weight whole) {
        if (operations.containsKey("matmul " + format)) return;
        Weight w = corner(whole);
        Input a = input(w.cols());
        add("matmul " + format, w.rows(), (ops, x) -> {
            Buf y = ops.rows(w.rows());
            ops.matmul(y, a.of(ops, x), w);
            return y;
        });
    }

    /** The first rows and columns of a matrix, whole blocks of them; scaled FP8 in whole tiles of scales. */
    private static Weight corner(Weight w) {
        int rows = Math.min(w.rows(), MOST_ROWS);
        int cols = w.cols() <= MOST_COLS ? w.cols() : MOST_COLS;
        long rowBytes = w.format().rowBytes(cols);
        List<MemorySegment> experts = new ArrayList<>();
        for (MemorySegment e : w.experts().subList(0, Math.min(MOST_EXPERTS, w.experts().size()))) {
            MemorySegment to = Arena.ofAuto().allocate(rows * rowBytes, Long.BYTES);
            for (int r = 0; r < rows; r++) MemorySegment.copy(e, r * w.format().rowBytes(w.cols()), to, r * rowBytes, rowBytes);
            experts.add(to);
        }
        int across = (cols + Weight.SCALE_BLOCK - 1) / Weight.SCALE_BLOCK;
        List<float[]> scales = w.scales().stream().limit(experts.size()).map(s -> Arrays.copyOf(s, across)).toList();
        return new Weight(w.name(), w.format(), rows, cols, experts, scales);
    }

    /** One key-value head with its queries: the width of all would say nothing more. */
    private void attention(AttentionShape a) {
        int heads = a.heads() / a.kvHeads(), dim = a.headDim(), width = heads * dim;
        Input q = input(2 * width), k = input(dim), v = input(dim), y = input(width);
        Norm norm = noise.norm(dim, config.eps());
        HeadShape gated = new HeadShape(heads, dim, 2 * dim, 0);
        add("headNormRope", width, (ops, x) -> {
            Buf out = ops.rows(width);
            ops.headNormRope(out, q.of(ops, x), gated, norm, a.rope());
            return out;
        });
        add("sigmoidMul", width, (ops, x) -> {
            Buf out = y.of(ops, x);
            ops.sigmoidMul(out, q.of(ops, x), new HeadShape(heads, dim, 2 * dim, dim));
            return out;
        });
        StateSpec.Kv kv = new StateSpec.Kv("parity", 1, dim);
        add("appendKv, attention", width, (ops, x) -> {
            ops.appendKv(kv, k.of(ops, x), v.of(ops, x));
            Buf out = ops.rows(width);
            ops.attention(out, y.of(ops, x), kv, heads);
            return out;
        }, kv);
    }

    /** One key head with its value heads. */
    private void delta(DeltaShape whole) {
        int heads = whole.valueHeads() / whole.keyHeads(), values = heads * whole.dv();
        DeltaShape d = new DeltaShape(1, heads, whole.dk(), whole.dv(), whole.order());
        Input u = input(d.channels()), beta = input(heads), g = input(heads), y = input(values), z = input(values);
        Weight taps = noise.gaussian("taps", d.channels(), config.convTaps());
        Weight decay = noise.uniform(heads, DECAY), dt = noise.uniform(heads, 1);
        Norm norm = noise.norm(d.dv(), config.eps());
        StateSpec.Window window = new StateSpec.Window("parity", config.convTaps(), d.channels());
        add("causalConvSilu", d.channels(), (ops, x) -> {
            Buf out = ops.rows(d.channels());
            ops.causalConvSilu(out, u.of(ops, x), taps, window);
            return out;
        }, window);
        add("deltaNormalise", d.channels(), (ops, x) -> {
            Buf out = u.of(ops, x);
            ops.deltaNormalise(out, d);
            return out;
        });
        add("deltaGates", heads, (ops, x) -> {
            Buf[] gates = gates(ops, x, beta, g, decay, dt);
            ops.add(gates[0], gates[1]);
            return gates[0];
        });
        StateSpec.Recurrent s = new StateSpec.Recurrent("parity", heads, d.dk(), d.dv());
        add("deltaNormalise, deltaGates, deltaRule", values, (ops, x) -> {
            Buf qkv = u.of(ops, x);
            ops.deltaNormalise(qkv, d);
            Buf[] gates = gates(ops, x, beta, g, decay, dt);
            Buf out = ops.rows(values);
            ops.deltaRule(out, qkv, gates[0], gates[1], s, d);
            return out;
        }, s);
        add("gatedNorm", values, (ops, x) -> {
            Buf out = y.of(ops, x);
            ops.gatedNorm(out, z.of(ops, x), norm);
            return out;
        });
    }

    private static Buf[] gates(Ops ops, Buf x, Input beta, Input g, Weight decay, Weight dt) {
        Buf b = beta.of(ops, x), a = g.of(ops, x);
        ops.deltaGates(b, a, decay, dt);
        return new Buf[] {b, a};
    }

    private void experts(ModelConfig.Moe m) {
        int n = Math.min(MOST_EXPERTS, m.experts()), used = Math.min(m.used(), n), hidden = Math.min(MOST_ROWS, m.hidden());
        Map<String, Weight> w = new HashMap<>();
        for (String role : List.of("gate", "up", "down")) {
            List<MemorySegment> all = new ArrayList<>();
            int rows = role.equals("down") ? INPUTS : hidden, cols = role.equals("down") ? hidden : INPUTS;
            for (int e = 0; e < n; e++) all.add(noise.gaussian(role, rows, cols).data());
            w.put(role, new Weight(role, Format.F32, rows, cols, all, List.of()));
        }
        Input logits = input(n), in = input(INPUTS);
        add("route, experts", INPUTS, (ops, x) -> {
            Routing routing = ops.route(logits.of(ops, x), used, m.weights());
            Buf y = ops.rows(INPUTS);
            ops.experts(y, in.of(ops, x), routing, w.get("gate"), w.get("up"), w.get("down"));
            return y;
        });
    }
}
