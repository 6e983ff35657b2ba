package squall.ops;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import squall.quant.Codec;

/**
 * The slow definition of every operation: plain loops in double precision, weights read number by number. Other players
 * are held to it by {@link OpsContract}.
 */
public final class PlainOps implements Ops, Stage {

    private record Values(double[] data, int rows, int width) implements Buf {}

    private record Chosen(int[][] ids, double[][] weights) implements Routing {}

    /** Keys and values of one slot, position after position. */
    private record Pages(List<double[]> keys, List<double[]> values) {}

    private final Map<StateSpec, Map<Integer, Pages>> pages = new IdentityHashMap<>();
    private final Map<StateSpec, Map<Integer, double[]>> states = new IdentityHashMap<>();
    private StepPlan plan;
    private int rows;

    @Override public float[][] play(StepPlan step, int[] widths, float[][] inputs, Score score) {
        plan = step;
        rows = step.rows();
        Buf[] in = new Buf[widths.length];
        for (int i = 0; i < widths.length; i++) {
            double[] data = new double[inputs[i].length];
            for (int j = 0; j < data.length; j++) data[j] = inputs[i][j];
            in[i] = new Values(data, rows, widths[i]);
        }
        Buf[] out = score.play(this, in);
        float[][] result = new float[out.length][];
        for (int i = 0; i < out.length; i++) {
            double[] data = of(out[i]).data;
            result[i] = new float[data.length];
            for (int j = 0; j < data.length; j++) result[i][j] = (float) data[j];
        }
        return result;
    }

    @Override public void clear(int slot) {
        pages.values().forEach(m -> m.remove(slot));
        states.values().forEach(m -> m.remove(slot));
    }

    @Override public void close() {}

    private static Values of(Buf b) {
        return (Values) b;
    }

    /** W[r, c] of an expert's matrix. */
    private static double at(Weight w, int expert, int r, int c) {
        Codec codec = w.format().codec;
        long block = r * w.format().rowBytes(w.cols()) + (long) (c / codec.blockSize()) * codec.blockBytes();
        double value = codec.at(w.experts().get(expert), block, c % codec.blockSize());
        if (w.scales().isEmpty()) return value;
        int across = (w.cols() + Weight.SCALE_BLOCK - 1) / Weight.SCALE_BLOCK;
        return value * w.scales().get(expert)[r / Weight.SCALE_BLOCK * across + c / Weight.SCALE_BLOCK];
    }

    private static double[] product(Weight w, int expert, double[] x) {
        double[] y = new double[w.rows()];
        for (int r = 0; r < w.rows(); r++)
            for (int c = 0; c < w.cols(); c++) y[r] += at(w, expert, r, c) * x[c];
        return y;
    }

    private static double[] row(Values x, int r) {
        return Arrays.copyOfRange(x.data, r * x.width, (r + 1) * x.width);
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private static double silu(double x) {
        return x / (1 + Math.exp(-x));
    }

    @Override public Buf rows(int width) {
        double[] data = new double[rows * width];
        Arrays.fill(data, Double.NaN);
        return new Values(data, rows, width);
    }

    @Override public void embed(Buf x, Weight table) {
        Values y = of(x);
        for (int r = 0; r < y.rows; r++)
            for (int c = 0; c < y.width; c++) y.data[r * y.width + c] = at(table, 0, plan.tokens()[r], c);
    }

    @Override public void rmsNorm(Buf y, Buf x, Norm norm) {
        Values in = of(x);
        for (int r = 0; r < in.rows; r++) norm(of(y).data, r * in.width, in.data, r * in.width, in.width, norm);
    }

    private static void norm(double[] y, int yAt, double[] x, int xAt, int n, Norm norm) {
        double sum = 0;
        for (int i = 0; i < n; i++) sum += x[xAt + i] * x[xAt + i];
        double scale = 1 / Math.sqrt(sum / n + norm.eps());
        for (int i = 0; i < n; i++) y[yAt + i] = at(norm.weight(), 0, 0, i) * x[xAt + i] * scale;
    }

    @Override public void matmul(Buf y, Buf x, Weight w) {
        Values in = of(x);
        for (int r = 0; r < in.rows; r++)
            System.arraycopy(product(w, 0, row(in, r)), 0, of(y).data, r * w.rows(), w.rows());
    }

    @Override public void add(Buf x, Buf y) {
        for (int i = 0; i < of(x).data.length; i++) of(x).data[i] += of(y).data[i];
    }

    @Override public void siluMul(Buf h, Buf u) {
        for (int i = 0; i < of(h).data.length; i++) of(h).data[i] = silu(of(h).data[i]) * of(u).data[i];
    }

    @Override public void headNormRope(Buf y, Buf x, HeadShape shape, Norm norm, Rope rope) {
        Values in = of(x);
        double[] out = of(y).data;
        int half = rope.frequencies().length;
        for (StepPlan.Segment s : plan.segments())
            for (int r = s.begin(); r < s.end(); r++)
                for (int h = 0; h < shape.heads(); h++) {
                    int to = (r * shape.heads() + h) * shape.dim();
                    norm(out, to, in.data, r * in.width + shape.offset() + h * shape.stride(), shape.dim(), norm);
                    for (int j = 0; j < half; j++) {
                        float angle = (s.start() + r - s.begin()) * rope.frequencies()[j];
                        double c = Math.cos(angle) * rope.scale(), sine = Math.sin(angle) * rope.scale();
                        double a = out[to + j], b = out[to + half + j];
                        out[to + j] = a * c - b * sine;
                        out[to + half + j] = b * c + a * sine;
                    }
                }
    }

    private Pages pages(StateSpec kv, int slot) {
        return pages.computeIfAbsent(kv, _ -> new HashMap<>())
                .computeIfAbsent(slot, _ -> new Pages(new ArrayList<>(), new ArrayList<>()));
    }

    private double[] state(StateSpec spec, int slot, int size) {
        return states.computeIfAbsent(spec, _ -> new HashMap<>()).computeIfAbsent(slot, _ -> new double[size]);
    }

    @Override public void appendKv(StateSpec.Kv kv, Buf k, Buf v) {
        for (StepPlan.Segment s : plan.segments())
            for (int r = s.begin(); r < s.end(); r++) {
                pages(kv, s.slot()).keys.add(row(of(k), r));
                pages(kv, s.slot()).values.add(row(of(v), r));
            }
    }

    @Override public void attention(Buf y, Buf q, StateSpec.Kv kv, int heads) {
        for (StepPlan.Segment s : plan.segments())
            for (int r = s.begin(); r < s.end(); r++)
                for (int h = 0; h < heads; h++)
                    attend(of(y).data, of(q).data, (r * heads + h) * kv.headDim(), pages(kv, s.slot()),
                            s.start() + r - s.begin() + 1, h / (heads / kv.kvHeads()) * kv.headDim(), kv.headDim());
    }

    private static void attend(double[] y, double[] q, int at, Pages p, int length, int headAt, int dim) {
        double[] score = new double[length];
        for (int t = 0; t < length; t++) {
            for (int i = 0; i < dim; i++) score[t] += q[at + i] * p.keys.get(t)[headAt + i];
            score[t] /= Math.sqrt(dim);
        }
        double max = Arrays.stream(score).max().orElseThrow();
        double sum = 0;
        for (int t = 0; t < length; t++) sum += score[t] = Math.exp(score[t] - max);
        Arrays.fill(y, at, at + dim, 0);
        for (int t = 0; t < length; t++)
            for (int i = 0; i < dim; i++) y[at + i] += score[t] / sum * p.values.get(t)[headAt + i];
    }

    @Override public void sigmoidMul(Buf y, Buf g, HeadShape shape) {
        Values gate = of(g);
        for (int r = 0; r < gate.rows; r++)
            for (int h = 0; h < shape.heads(); h++)
                for (int i = 0; i < shape.dim(); i++)
                    of(y).data[(r * shape.heads() + h) * shape.dim() + i] *=
                            sigmoid(gate.data[r * gate.width + shape.offset() + h * shape.stride() + i]);
    }

    @Override public void causalConvSilu(Buf y, Buf u, Weight w, StateSpec.Window window) {
        int channels = window.channels(), kept = window.taps() - 1;
        for (StepPlan.Segment s : plan.segments()) {
            double[] past = state(window, s.slot(), kept * channels);
            for (int r = s.begin(); r < s.end(); r++) {
                double[] all = Arrays.copyOf(past, past.length + channels);
                System.arraycopy(of(u).data, r * channels, all, past.length, channels);
                for (int c = 0; c < channels; c++) {
                    double sum = 0;
                    for (int i = 0; i <= kept; i++) sum += at(w, 0, c, i) * all[i * channels + c];
                    of(y).data[r * channels + c] = silu(sum);
                }
                System.arraycopy(all, channels, past, 0, past.length);
            }
        }
    }

    @Override public void deltaGates(Buf b, Buf a, Weight decay, Weight dt) {
        int heads = of(b).width;
        for (int i = 0; i < of(b).data.length; i++) {
            double x = of(a).data[i] + at(dt, 0, 0, i % heads);
            of(b).data[i] = sigmoid(of(b).data[i]);
            of(a).data[i] = at(decay, 0, 0, i % heads) * (x > 20 ? x : Math.log1p(Math.exp(x)));
        }
    }

    @Override public void deltaNormalise(Buf qkv, DeltaShape shape) {
        Values x = of(qkv);
        for (int r = 0; r < x.rows; r++)
            for (int h = 0; h < 2 * shape.keyHeads(); h++) {
                int at = r * x.width + h * shape.dk();
                double sum = 1e-6;
                for (int i = 0; i < shape.dk(); i++) sum += x.data[at + i] * x.data[at + i];
                double scale = Math.sqrt(h < shape.keyHeads() ? sum * shape.dk() : sum);
                for (int i = 0; i < shape.dk(); i++) x.data[at + i] /= scale;
            }
    }

    @Override public void deltaRule(Buf y, Buf qkv, Buf beta, Buf g, StateSpec.Recurrent spec, DeltaShape d) {
        Values x = of(qkv);
        for (StepPlan.Segment s : plan.segments()) {
            double[] memory = state(spec, s.slot(), d.valueHeads() * d.dv() * d.dk());
            for (int r = s.begin(); r < s.end(); r++)
                for (int h = 0; h < d.valueHeads(); h++) {
                    double[] row = row(x, r);
                    int q = d.keyHead(h) * d.dk(), k = (d.keyHeads() + d.keyHead(h)) * d.dk();
                    int v = 2 * d.keyHeads() * d.dk() + h * d.dv();
                    double alpha = Math.exp(of(g).data[r * d.valueHeads() + h]);
                    for (int j = 0; j < d.dv(); j++) {
                        int at = (h * d.dv() + j) * d.dk();
                        double m = 0, o = 0;
                        for (int i = 0; i < d.dk(); i++) m += row[k + i] * (memory[at + i] *= alpha);
                        double delta = of(beta).data[r * d.valueHeads() + h] * (row[v + j] - m);
                        for (int i = 0; i < d.dk(); i++) o += row[q + i] * (memory[at + i] += row[k + i] * delta);
                        of(y).data[(r * d.valueHeads() + h) * d.dv() + j] = o;
                    }
                }
        }
    }

    @Override public void gatedNorm(Buf y, Buf z, Norm norm) {
        double[] out = of(y).data;
        int n = norm.weight().cols();
        for (int at = 0; at < out.length; at += n) norm(out, at, out, at, n, norm);
        for (int i = 0; i < out.length; i++) out[i] *= silu(of(z).data[i]);
    }

    @Override public Routing route(Buf logits, int used, Routing.Weights kind) {
        Values l = of(logits);
        int[][] ids = new int[l.rows][used];
        double[][] weights = new double[l.rows][used];
        for (int r = 0; r < l.rows; r++) {
            double[] p = row(l, r);
            double max = Arrays.stream(p).max().orElseThrow(), all = 0, chosen = 0;
            for (int e = 0; e < p.length; e++) all += p[e] = Math.exp(p[e] - max);
            for (int j = 0; j < used; j++) {
                int best = 0;
                for (int e = 1; e < p.length; e++) if (p[e] > p[best]) best = e;
                ids[r][j] = best;
                chosen += weights[r][j] = p[best] / all;
                p[best] = -1;
            }
            if (kind == Routing.Weights.NORMALISED) for (int j = 0; j < used; j++) weights[r][j] /= chosen;
        }
        return new Chosen(ids, weights);
    }

    @Override public void experts(Buf y, Buf x, Routing routing, Weight gate, Weight up, Weight down) {
        Chosen chosen = (Chosen) routing;
        double[] out = of(y).data;
        Arrays.fill(out, 0);
        for (int r = 0; r < of(x).rows; r++)
            for (int j = 0; j < chosen.ids[r].length; j++) {
                int e = chosen.ids[r][j];
                double[] h = product(gate, e, row(of(x), r)), u = product(up, e, row(of(x), r));
                for (int i = 0; i < h.length; i++) h[i] = silu(h[i]) * u[i];
                double[] o = product(down, e, h);
                for (int i = 0; i < o.length; i++) out[r * o.length + i] += chosen.weights[r][j] * o[i];
            }
    }

    @Override public void addGated(Buf x, Buf y, Buf g) {
        int n = of(x).width;
        for (int i = 0; i < of(x).data.length; i++) of(x).data[i] += sigmoid(of(g).data[i / n]) * of(y).data[i];
    }

    @Override public Buf outputs(Buf x) {
        int[] wanted = plan.outputs();
        rows = wanted.length;
        Values out = new Values(new double[rows * of(x).width], rows, of(x).width);
        for (int i = 0; i < rows; i++) System.arraycopy(row(of(x), wanted[i]), 0, out.data, i * out.width, out.width);
        return out;
    }
}
