package squall.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import squall.ops.DeltaShape;
import squall.quant.Lanes;

/**
 * The gated delta rule in chunks of {@value #CHUNK} rows, exact. Within a chunk, G_i = g_1 + … + g_i, M_ij = e^(G_i - G_j)
 * for i >= j, else 0, S the state before it:
 * <pre>
 *   A  = strictlyLower(beta_i (K K^T)_ij M_ij)      X = (I + A)^-1 [beta V | beta e^G K] = [U | W]
 *   V' = U - W S                                    the d of every row
 *   O  = e^G Q S + lower(Q K^T M) V'
 *   S  = e^(G_n) S + (e^(G_n - G) K)^T V'
 * </pre>
 * X comes from forward substitution: an explicit inverse by doubling loses all digits in float32 when keys are alike.
 * K K^T and Q K^T belong to a key head and serve all its value heads.
 *
 * <p>An object is the scratch of one worker for one shape.
 */
final class DeltaChunks {
    static final int CHUNK = 64;
    /** Rows from which chunks are faster than {@link DeltaRule#recurrent}. */
    static final int LEAST_ROWS = 16;
    /** Rows substituted one by one before the next product. */
    private static final int BLOCK = 8;

    private final DeltaShape shape;
    /** The value heads of each key head. */
    private final int[][] heads;
    private final int dk;
    private final int dv;
    /** dk and dv, padded with zeros for whole vectors. */
    private final int kWidth;
    private final int vWidth;

    private final float[] k;                                                // [CHUNK, kWidth]
    private final float[] q;                                                // [CHUNK, kWidth]
    private final float[] kColumns;                                         // [kWidth, CHUNK]
    private final float[] kk = new float[CHUNK * CHUNK];
    private final float[] qk = new float[CHUNK * CHUNK];
    private final float[] a = new float[CHUNK * CHUNK];                     // -A
    private final float[] p = new float[CHUNK * CHUNK];                     // lower(Q K^T M)
    private final float[] x;                                                // [CHUNK, vWidth + kWidth]: U, then V' | -W
    private final float[] o;                                                // [CHUNK, vWidth]
    private final double[] logDecay = new double[CHUNK];                    // G
    private final float[] differences = new float[CHUNK];
    private final float[][] states;                                         // per value head of a key head: [kWidth, vWidth]

    DeltaChunks(DeltaShape shape) {
        this.shape = shape;
        this.dk = shape.dk();
        this.dv = shape.dv();
        kWidth = BlockProduct.padded(dk);
        vWidth = BlockProduct.padded(dv);
        heads = new int[shape.keyHeads()][0];
        for (int h = 0; h < shape.valueHeads(); h++) {
            int key = shape.keyHead(h);
            heads[key] = Arrays.copyOf(heads[key], heads[key].length + 1);
            heads[key][heads[key].length - 1] = h;
        }
        k = new float[CHUNK * kWidth];
        q = new float[CHUNK * kWidth];
        kColumns = new float[kWidth * CHUNK];
        x = new float[CHUNK * (vWidth + kWidth)];
        o = new float[CHUNK * vWidth];
        states = new float[Arrays.stream(heads).mapToInt(h -> h.length).max().orElse(0)][kWidth * vWidth];
    }

    boolean isFor(DeltaShape other) {
        return shape.equals(other);
    }

    /** Rows [begin, end) of all value heads of one key head; arrays as in {@link DeltaRule#recurrent}. */
    void run(float[] y, float[] qkv, float[] beta, float[] g, float[] s, int keyHead, int begin, int end) {
        int[] own = heads[keyHead];
        for (int i = 0; i < own.length; i++) load(states[i], s, own[i] * dv * dk);
        for (int at = begin; at < end; at += CHUNK) {
            int n = Math.min(CHUNK, end - at);
            keys(qkv, keyHead, at, n);
            for (int i = 0; i < own.length; i++) chunk(y, qkv, beta, g, states[i], own[i], at, n);
        }
        for (int i = 0; i < own.length; i++) store(s, own[i] * dv * dk, states[i]);
    }

    /** S is kept [dk, dv] here: then both products with it run along its rows. */
    private void load(float[] state, float[] s, int at) {
        for (int j = 0; j < dv; j++)
            for (int i = 0; i < dk; i++) state[i * vWidth + j] = s[at + j * dk + i];
    }

    private void store(float[] s, int at, float[] state) {
        for (int j = 0; j < dv; j++)
            for (int i = 0; i < dk; i++) s[at + j * dk + i] = state[i * vWidth + j];
    }

    /** Q, K, K^T and the lower parts of K K^T and Q K^T of the chunk. */
    private void keys(float[] qkv, int keyHead, int at, int n) {
        for (int i = 0; i < n; i++) {
            int row = (at + i) * shape.channels();
            System.arraycopy(qkv, row + keyHead * dk, q, i * kWidth, dk);
            System.arraycopy(qkv, row + (shape.keyHeads() + keyHead) * dk, k, i * kWidth, dk);
        }
        for (int i = 0; i < n; i++)
            for (int c = 0; c < dk; c++) kColumns[c * CHUNK + i] = k[i * kWidth + c];
        Arrays.fill(kk, 0);
        Arrays.fill(qk, 0);
        for (int i = 0; i < n; i += BLOCK) {
            int rows = Math.min(BLOCK, n - i);
            int columns = BlockProduct.padded(i + rows);
            BlockProduct.add(kk, i * CHUNK, CHUNK, k, i * kWidth, kWidth, kColumns, 0, CHUNK, rows, columns, dk);
            BlockProduct.add(qk, i * CHUNK, CHUNK, q, i * kWidth, kWidth, kColumns, 0, CHUNK, rows, columns, dk);
        }
    }

    private void chunk(float[] y, float[] qkv, float[] beta, float[] g, float[] state, int head, int at, int n) {
        int valueHeads = shape.valueHeads();
        int width = vWidth + kWidth;
        double sum = 0;
        for (int i = 0; i < n; i++) logDecay[i] = sum += g[(at + i) * valueHeads + head];
        for (int i = 0; i < n; i++) {
            float b = beta[(at + i) * valueHeads + head];
            decayRow(i, b);
            int v = (at + i) * shape.channels() + 2 * shape.keyHeads() * dk + head * dv;
            RowKernels.scaled(x, i * width, qkv, v, dv, b);
            RowKernels.scaled(x, i * width + vWidth, k, i * kWidth, dk, (float) (-b * Math.exp(logDecay[i])));
        }
        substitute(n, width);
        BlockProduct.add(x, 0, width, x, vWidth, width, state, 0, vWidth, n, vWidth, dk);
        outputs(state, n, width);
        for (int i = 0; i < n; i++) System.arraycopy(o, i * vWidth, y, ((at + i) * valueHeads + head) * dv, dv);

        for (int i = 0; i < n; i++) RowKernels.scale(x, i * width, vWidth, (float) Math.exp(sum - logDecay[i]));
        RowKernels.scale(state, 0, dk * vWidth, (float) Math.exp(sum));
        BlockProduct.add(state, 0, vWidth, kColumns, 0, CHUNK, x, 0, width, dk, vWidth, n);
    }

    /** Row i of -A and of lower(Q K^T M). The difference is formed and cut to j <= i before exp: above, it overflows. */
    private void decayRow(int i, float beta) {
        int columns = BlockProduct.padded(i + 1);
        Arrays.fill(differences, 0);
        for (int j = 0; j <= i; j++) differences[j] = (float) (logDecay[i] - logDecay[j]);
        for (int j = 0; j < columns; j += Lanes.COUNT) {
            FloatVector m = VectorMath.exp(FloatVector.fromArray(Lanes.FLOATS, differences, j));
            m.mul(FloatVector.fromArray(Lanes.FLOATS, kk, i * CHUNK + j)).mul(-beta).intoArray(a, i * CHUNK + j);
            m.mul(FloatVector.fromArray(Lanes.FLOATS, qk, i * CHUNK + j)).intoArray(p, i * CHUNK + j);
        }
        Arrays.fill(a, i * CHUNK + i, (i + 1) * CHUNK, 0);
        Arrays.fill(p, i * CHUNK + i + 1, (i + 1) * CHUNK, 0);
    }

    /** {@code X_i -= sum over j < i of A_ij X_j}, the earlier blocks of rows as one product. */
    private void substitute(int n, int width) {
        for (int i = 0; i < n; i += BLOCK) {
            int rows = Math.min(BLOCK, n - i);
            if (i > 0) BlockProduct.add(x, i * width, width, a, i * CHUNK, CHUNK, x, 0, width, rows, width, i);
            for (int r = i + 1; r < i + rows; r++)
                BlockProduct.add(x, r * width, width, a, r * CHUNK + i, CHUNK, x, i * width, width, 1, width, r - i);
        }
    }

    /** {@code O = e^G Q S + lower(Q K^T M) V'}. */
    private void outputs(float[] state, int n, int width) {
        Arrays.fill(o, 0);
        BlockProduct.add(o, 0, vWidth, q, 0, kWidth, state, 0, vWidth, n, vWidth, dk);
        for (int i = 0; i < n; i++) RowKernels.scale(o, i * vWidth, vWidth, (float) Math.exp(logDecay[i]));
        for (int i = 0; i < n; i += BLOCK) {
            int rows = Math.min(BLOCK, n - i);
            BlockProduct.add(o, i * vWidth, vWidth, p, i * CHUNK, CHUNK, x, 0, width, rows, vWidth, i + rows);
        }
    }
}
