package squall.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import squall.model.ModelConfig;
import squall.ops.Buf;
import squall.ops.DeltaShape;
import squall.ops.HeadShape;
import squall.ops.Norm;
import squall.ops.Rope;
import squall.ops.Routing;
import squall.ops.StateSpec;
import squall.ops.StepPlan;
import squall.ops.Weight;
import squall.quant.Codec;

/**
 * Plays the operations with plain loops, for the first steps of a process. The Vector API is slow until the optimising
 * compiler has seen a kernel often enough: seconds, in which a small model has long answered with scalar code, which every
 * tier of the compiler handles well. So a process takes its first multiply-adds here ({@value #BUDGET_PROPERTY} says how many), by step,
 * and everything else with the vector kernels. A step too large for what is left goes to the vectors at once.
 *
 * <p>It keeps its state where {@link CpuOps} does, so that steps of either kind follow each other. Held to the same contract.
 */
class ScalarOps extends CpuOps {
    /** Multiply-adds that a process plays with scalar code; 0 for none. */
    static final String BUDGET_PROPERTY = "squall.scalar.budget";

    /** Some 100 tokens of the shipped model; nothing of a model of 0.5 B parameters. */
    private static final long BUDGET = Long.getLong(BUDGET_PROPERTY, 700_000_000L);

    /** A model of which it could play no more tokens than these is not begun: its matrices are laid out anew, and would be read from the file besides. */
    private static final int LEAST_TOKENS = 16;

    private static final AtomicLong PLAYED = new AtomicLong();

    /** Matrices of dim x dim that a layer comes to, roughly: mixer and feed-forward part. */
    private static final int MATRICES = 12;

    ScalarOps(CpuOps vectors) {
        super(vectors);
    }

    /** Whether a process may begin with code that is ready sooner: all but measurements may. */
    static boolean isAllowed() {
        return BUDGET > 0;
    }

    /** Whether the next step, of {@code rows} rows, is small and early enough; counts it if so. */
    static boolean isForStep(ModelConfig model, int rows) {
        long left = BUDGET - PLAYED.get();
        long work = rows * token(model);
        if (work > left || !begins(model)) return false;
        PLAYED.addAndGet(work);
        return true;
    }

    /** Whether a process begins with it: models that are small enough. */
    static boolean begins(ModelConfig model) {
        return LEAST_TOKENS * token(model) <= BUDGET;
    }

    /** Multiply-adds of one token. */
    private static long token(ModelConfig model) {
        return (long) model.dim() * model.dim() * MATRICES * model.layers().size();
    }

    /** {@code dst[i] = value i}, i < n, by the definition of the format. */
    static void decode(Codec codec, MemorySegment w, long offsetBytes, float[] dst, int n) {
        int size = codec.blockSize();
        for (int i = 0; i < n; i += size) {
            long block = offsetBytes + (long) (i / size) * codec.blockBytes();
            for (int j = 0; j < size; j++) dst[i + j] = codec.at(w, block, j);
        }
    }

    /** Row {@code o} of an expert's matrix. */
    private static void row(Weight w, int expert, int o, float[] dst) {
        decode(w.format().codec, w.experts().get(expert), o * w.format().rowBytes(w.cols()), dst, w.cols());
        if (w.scales().isEmpty()) return;
        int across = (w.cols() + Weight.SCALE_BLOCK - 1) / Weight.SCALE_BLOCK;
        float[] grid = w.scales().get(expert);
        for (int c = 0; c < w.cols(); c++) dst[c] *= grid[o / Weight.SCALE_BLOCK * across + c / Weight.SCALE_BLOCK];
    }

    /** {@code sum of a[aAt + i] * b[bAt + i]}: four sums, so that the additions overlap. */
    private static float dot(float[] a, int aAt, float[] b, int bAt, int n) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        int i = 0;
        for (; i + 4 <= n; i += 4) {
            s0 += a[aAt + i] * b[bAt + i];
            s1 += a[aAt + i + 1] * b[bAt + i + 1];
            s2 += a[aAt + i + 2] * b[bAt + i + 2];
            s3 += a[aAt + i + 3] * b[bAt + i + 3];
        }
        for (; i < n; i++) s0 += a[aAt + i] * b[bAt + i];
        return s0 + s1 + (s2 + s3);
    }

    /** {@code y[yAt + i] += scale * x[xAt + i]}: a method of its own, as {@link #dot}, that is compiled sooner than what calls it. */
    private static void addScaled(float[] y, int yAt, float scale, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i++) y[yAt + i] += scale * x[xAt + i];
    }

    private static float sigmoid(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }

    private static float silu(float x) {
        return (float) (x / (1 + Math.exp(-x)));
    }

    @Override public void embed(Buf x, Weight table) {
        float[] out = Activation.of(x).data;
        int n = table.cols();
        float[] one = new float[n];
        for (int r = 0; r < plan.rows(); r++) {
            row(table, 0, plan.tokens()[r], one);
            System.arraycopy(one, 0, out, r * n, n);
        }
    }

    @Override public void rmsNorm(Buf y, Buf x, Norm norm) {
        Activation in = Activation.of(x);
        float[] w = small(norm.weight());
        for (int r = 0; r < in.rows; r++)
            rmsNorm(Activation.of(y).data, r * in.width, in.data, r * in.width, w, norm.eps());
    }

    private static void rmsNorm(float[] y, int yAt, float[] x, int xAt, float[] w, float eps) {
        double sum = 0;
        for (int i = 0; i < w.length; i++) sum += (double) x[xAt + i] * x[xAt + i];
        float scale = (float) (1 / Math.sqrt(sum / w.length + eps));
        for (int i = 0; i < w.length; i++) y[yAt + i] = x[xAt + i] * scale * w[i];
    }

    @Override public void matmul(Buf y, Buf x, Weight w) {
        Activation in = Activation.of(x);
        float[] out = Activation.of(y).data;
        int n = w.cols();
        team.forEach(w.rows(), Math.max(1, w.rows() / (8 * team.size())), (worker, from, to) -> {
            float[] one = new float[n];
            for (int o = from; o < to; o++) {
                row(w, 0, o, one);
                for (int r = 0; r < in.rows; r++) out[r * w.rows() + o] = dot(one, 0, in.data, r * n, n);
            }
        });
    }

    @Override public void matmul(Buf[] y, Buf x, Weight[] w) {
        for (int i = 0; i < w.length; i++) matmul(y[i], x, w[i]);
    }

    @Override public void add(Buf x, Buf y) {
        Activation to = Activation.of(x);
        float[] from = Activation.of(y).data;
        for (int i = 0; i < to.elements(); i++) to.data[i] += from[i];
    }

    @Override public void siluMul(Buf h, Buf u) {
        Activation to = Activation.of(h);
        float[] from = Activation.of(u).data;
        for (int i = 0; i < to.elements(); i++) to.data[i] = silu(to.data[i]) * from[i];
    }

    @Override public void headNormRope(Buf y, Buf x, HeadShape shape, Norm norm, Rope rope) {
        Activation in = Activation.of(x);
        float[] out = Activation.of(y).data;
        float[] w = small(norm.weight());
        RopeTable table = table(rope);
        for (int r = 0; r < plan.rows(); r++)
            for (int h = 0; h < shape.heads(); h++) {
                int at = (r * shape.heads() + h) * shape.dim();
                rmsNorm(out, at, in.data, r * in.width + shape.offset() + h * shape.stride(), w, norm.eps());
                table.rotatePlainly(out, at, r);
            }
    }

    @Override public void attention(Buf y, Buf q, StateSpec.Kv kv, int heads) {
        float[] out = Activation.of(y).data;
        float[] queries = Activation.of(q).data;
        int group = heads / kv.kvHeads();
        for (StepPlan.Segment s : plan.segments())
            team.forEach(kv.kvHeads(), 1, (worker, from, to) -> {
                for (int head = from; head < to; head++) attend(out, queries, kv, heads, group, head, s);
            });
    }

    /** The queries of one key-value head over one segment: scores, softmax, weighted values. */
    private void attend(float[] y, float[] q, StateSpec.Kv kv, int heads, int group, int kvHead, StepPlan.Segment s) {
        int dim = kv.headDim();
        int length = s.start() + s.rows();
        float[][] keys = new float[length][dim];
        float[][] values = new float[length][dim];
        for (int p = 0; p < length; p++) {
            cache.key(kv, s.slot(), kvHead, p, keys[p]);
            cache.value(kv, s.slot(), kvHead, p, values[p]);
        }
        double[] weights = new double[length];
        for (int r = s.begin(); r < s.end(); r++)
            for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
                int at = (r * heads + h) * dim;
                int seen = s.start() + r - s.begin() + 1;
                double max = Double.NEGATIVE_INFINITY;
                for (int p = 0; p < seen; p++) {
                    weights[p] = dot(q, at, keys[p], 0, dim) / Math.sqrt(dim);
                    max = Math.max(max, weights[p]);
                }
                double sum = 0;
                for (int p = 0; p < seen; p++) sum += weights[p] = Math.exp(weights[p] - max);
                Arrays.fill(y, at, at + dim, 0);
                for (int p = 0; p < seen; p++) addScaled(y, at, (float) (weights[p] / sum), values[p], 0, dim);
            }
    }

    @Override public void sigmoidMul(Buf y, Buf g, HeadShape shape) {
        float[] out = Activation.of(y).data;
        Activation gate = Activation.of(g);
        for (int r = 0; r < gate.rows; r++)
            for (int h = 0; h < shape.heads(); h++)
                for (int i = 0; i < shape.dim(); i++)
                    out[(r * shape.heads() + h) * shape.dim() + i] *=
                            sigmoid(gate.data[r * gate.width + shape.offset() + h * shape.stride() + i]);
    }

    @Override public void causalConvSilu(Buf y, Buf u, Weight w, StateSpec.Window window) {
        float[] out = Activation.of(y).data;
        float[] in = Activation.of(u).data;
        float[] kernel = small(w);
        int taps = window.taps(), channels = window.channels();
        for (StepPlan.Segment s : plan.segments()) {
            float[] past = states.of(window, s.slot());
            for (int t = s.begin(); t < s.end(); t++)
                for (int c = 0; c < channels; c++) {
                    float sum = 0;
                    for (int i = 0; i < taps; i++) {
                        int source = t - taps + 1 + i;
                        float input = source >= s.begin() ? in[source * channels + c]
                                : past[(source - s.begin() + taps - 1) * channels + c];
                        sum += input * kernel[c * taps + i];
                    }
                    out[t * channels + c] = silu(sum);
                }
            CausalConv.slide(past, in, taps - 1, channels, s.begin(), s.end(), 0, channels);
        }
    }

    @Override public void deltaNormalise(Buf qkv, DeltaShape shape) {
        Activation x = Activation.of(qkv);
        int dk = shape.dk();
        for (int r = 0; r < x.rows; r++)
            for (int head = 0; head < 2 * shape.keyHeads(); head++) {
                int at = r * x.width + head * dk;
                double sum = 1e-6;
                for (int i = 0; i < dk; i++) sum += (double) x.data[at + i] * x.data[at + i];
                float scale = (float) (1 / Math.sqrt(head < shape.keyHeads() ? sum * dk : sum));
                for (int i = 0; i < dk; i++) x.data[at + i] *= scale;
            }
    }

    @Override public void deltaRule(Buf y, Buf qkv, Buf beta, Buf g, StateSpec.Recurrent spec, DeltaShape shape) {
        float[] out = Activation.of(y).data, x = Activation.of(qkv).data;
        float[] b = Activation.of(beta).data, decay = Activation.of(g).data;
        List<StepPlan.Segment> segments = plan.segments();
        int heads = shape.valueHeads();
        team.forEach(segments.size() * heads, 1, (worker, from, to) -> {
            for (int i = from; i < to; i++)
                recurrent(out, x, b, decay, states.of(spec, segments.get(i / heads).slot()), shape, i % heads, segments.get(i / heads));
        });
    }

    /** As {@link DeltaRule}: S of the head is [dv, dk]. */
    private static void recurrent(float[] y, float[] qkv, float[] beta, float[] g, float[] s, DeltaShape shape, int head,
                                  StepPlan.Segment segment) {
        int dk = shape.dk(), dv = shape.dv(), heads = shape.valueHeads();
        int keyHead = shape.keyHead(head);
        for (int t = segment.begin(); t < segment.end(); t++) {
            int row = t * shape.channels();
            int q = row + keyHead * dk;
            int k = row + (shape.keyHeads() + keyHead) * dk;
            int v = row + 2 * shape.keyHeads() * dk + head * dv;
            float alpha = (float) Math.exp(g[t * heads + head]);
            for (int j = 0; j < dv; j++) {
                int at = (head * dv + j) * dk;
                for (int i = 0; i < dk; i++) s[at + i] *= alpha;
                float delta = beta[t * heads + head] * (qkv[v + j] - dot(s, at, qkv, k, dk));
                addScaled(s, at, delta, qkv, k, dk);
                y[(t * heads + head) * dv + j] = dot(s, at, qkv, q, dk);
            }
        }
    }

    @Override public void gatedNorm(Buf y, Buf z, Norm norm) {
        Activation out = Activation.of(y);
        float[] gate = Activation.of(z).data;
        float[] w = small(norm.weight());
        for (int at = 0; at < out.elements(); at += w.length) rmsNorm(out.data, at, out.data, at, w, norm.eps());
        for (int i = 0; i < out.elements(); i++) out.data[i] *= silu(gate[i]);
    }

    @Override public void experts(Buf y, Buf x, Routing routing, Weight gate, Weight up, Weight down) {
        Activation in = Activation.of(x);
        float[] out = Activation.of(y).data;
        Router.Choice chosen = (Router.Choice) routing;
        int used = chosen.used, hidden = gate.rows(), dim = in.width;
        float[] h = new float[in.rows * used * hidden];
        team.forEach(gate.experts().size(), 1, (worker, from, to) -> {
            float[] a = new float[dim], b = new float[dim];
            for (int e = from; e < to; e++)
                for (int o = 0; chosen.has(e, in.rows) && o < hidden; o++) {
                    row(gate, e, o, a);
                    row(up, e, o, b);
                    for (int p = 0; p < in.rows * used; p++)
                        if (chosen.ids[p] == e)
                            h[p * hidden + o] = silu(dot(a, 0, in.data, p / used * dim, dim)) * dot(b, 0, in.data, p / used * dim, dim);
                }
        });
        Arrays.fill(out, 0, in.rows * dim, 0);
        team.forEach(dim, Math.max(1, dim / (4 * team.size())), (worker, from, to) -> {
            float[] a = new float[hidden];
            for (int e = 0; e < gate.experts().size(); e++)
                for (int o = from; chosen.has(e, in.rows) && o < to; o++) {
                    row(down, e, o, a);
                    for (int p = 0; p < in.rows * used; p++)
                        if (chosen.ids[p] == e) out[p / used * dim + o] += chosen.weights[p] * dot(a, 0, h, p * hidden, hidden);
                }
        });
    }

    @Override public void addGated(Buf x, Buf y, Buf g) {
        Activation out = Activation.of(x);
        float[] in = Activation.of(y).data;
        float[] gate = Activation.of(g).data;
        for (int i = 0; i < out.elements(); i++) out.data[i] += sigmoid(gate[i / out.width]) * in[i];
    }
}
