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
 * K K^T and Q K^T belong to a key head and serve all its value heads. Right-hand sides lie in {@link Strips}: everything
 * from X on goes strip by strip of dv, and a strip of X, S and O stays in the first-level cache.
 *
 * <p>An object is the scratch of one worker for one shape.
 */
final class DeltaChunks {
    static final int CHUNK = 64;
    /**
     * Rows from which chunks are faster than {@link DeltaRule#recurrent}: with two value heads a key head of 128 x 128,
     * 4.4 against 5.1 µs a row and head at 32, level at 16, 5.5 against 5.1 at 12 (Zen 3, busy machine).
     */
    static final int LEAST_ROWS = 32;
    private static final int WIDTH = Strips.WIDTH;
    /** Rows substituted one by one before the next product. */
    private static final int BLOCK = 4;
    /** Rows of a triangular product that end at the same column. */
    private static final int STEP = 8;

    private final DeltaShape shape;
    /** The value heads of each key head. */
    private final int[][] heads;
    private final int dk;
    private final int dv;
    /** dk, padded with zeros for whole strips. */
    private final int kWidth;
    private final int vStrips;

    private final float[] k;                                                // [CHUNK, kWidth]
    private final float[] q;                                                // [CHUNK, kWidth]
    private final float[] w;                                                // [CHUNK, kWidth]: -W
    private final float[] kRows;                                            // [kWidth, CHUNK]: K^T as a left-hand side
    private final float[] kStrips;                                          // [strip][kWidth, WIDTH]: K^T as a right-hand side
    private final float[] kk = new float[CHUNK * CHUNK];
    private final float[] qk = new float[CHUNK * CHUNK];
    private final float[] a = new float[CHUNK * CHUNK];                     // -A
    private final float[] p = new float[CHUNK * CHUNK];                     // lower(Q K^T M)
    private final float[] x = new float[CHUNK * WIDTH];                     // a strip of U, then of V'; or of -W
    private final float[] o = new float[CHUNK * WIDTH];
    private final double[] logDecay = new double[CHUNK];                    // G
    private final float[] differences = new float[CHUNK];
    private final float[] decay = new float[CHUNK];                         // e^G
    private final float[] remaining = new float[CHUNK];                     // e^(G_n - G)
    private final float[][] states;                                         // per value head: [strip][kWidth, WIDTH]

    DeltaChunks(DeltaShape shape) {
        this.shape = shape;
        this.dk = shape.dk();
        this.dv = shape.dv();
        kWidth = Strips.padded(dk);
        vStrips = Strips.count(dv);
        heads = new int[shape.keyHeads()][0];
        for (int h = 0; h < shape.valueHeads(); h++) {
            int key = shape.keyHead(h);
            heads[key] = Arrays.copyOf(heads[key], heads[key].length + 1);
            heads[key][heads[key].length - 1] = h;
        }
        k = new float[CHUNK * kWidth];
        q = new float[CHUNK * kWidth];
        w = new float[CHUNK * kWidth];
        kRows = new float[kWidth * CHUNK];
        kStrips = new float[kWidth * CHUNK];
        states = new float[Arrays.stream(heads).mapToInt(h -> h.length).max().orElse(0)][vStrips * kWidth * WIDTH];
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

    /** S is kept [dk, dv] here, in strips: then both products with it run along its rows. */
    private void load(float[] state, float[] s, int at) {
        for (int j = 0; j < dv; j++) {
            int column = j / WIDTH * kWidth * WIDTH + j % WIDTH;
            for (int i = 0; i < dk; i++) state[column + i * WIDTH] = s[at + j * dk + i];
        }
    }

    private void store(float[] s, int at, float[] state) {
        for (int j = 0; j < dv; j++) {
            int column = j / WIDTH * kWidth * WIDTH + j % WIDTH;
            for (int i = 0; i < dk; i++) s[at + j * dk + i] = state[column + i * WIDTH];
        }
    }

    /** Q, K, K^T and the lower parts of K K^T and Q K^T of the chunk. */
    private void keys(float[] qkv, int keyHead, int at, int n) {
        for (int i = 0; i < n; i++) {
            int row = (at + i) * shape.channels();
            System.arraycopy(qkv, row + keyHead * dk, q, i * kWidth, dk);
            System.arraycopy(qkv, row + (shape.keyHeads() + keyHead) * dk, k, i * kWidth, dk);
        }
        for (int i = 0; i < n; i++) {
            int column = i / WIDTH * kWidth * WIDTH + i % WIDTH;
            for (int c = 0; c < dk; c++) kStrips[column + c * WIDTH] = kRows[c * CHUNK + i] = k[i * kWidth + c];
        }
        Arrays.fill(kk, 0);
        Arrays.fill(qk, 0);
        for (int j = 0; j < n; j += WIDTH) {
            Strips.add(kk, j * CHUNK + j, CHUNK, k, j * kWidth, kWidth, kStrips, j * kWidth, n - j, dk);
            Strips.add(qk, j * CHUNK + j, CHUNK, q, j * kWidth, kWidth, kStrips, j * kWidth, n - j, dk);
        }
    }

    private void chunk(float[] y, float[] qkv, float[] beta, float[] g, float[] state, int head, int at, int n) {
        int valueHeads = shape.valueHeads();
        double sum = 0;
        for (int i = 0; i < n; i++) logDecay[i] = sum += g[(at + i) * valueHeads + head];
        for (int i = 0; i < n; i++) {
            decay[i] = (float) Math.exp(logDecay[i]);
            remaining[i] = (float) Math.exp(sum - logDecay[i]);
            decayRow(i, beta[(at + i) * valueHeads + head]);
        }
        for (int c = 0; c < kWidth; c += WIDTH) {
            for (int i = 0; i < n; i++)
                RowKernels.scaled(x, i * WIDTH, k, i * kWidth + c, WIDTH, -beta[(at + i) * valueHeads + head] * decay[i]);
            substitute(n);
            for (int i = 0; i < n; i++) System.arraycopy(x, i * WIDTH, w, i * kWidth + c, WIDTH);
        }
        for (int c = 0; c < dv; c += WIDTH) {
            int columns = Math.min(WIDTH, dv - c);
            int v = 2 * shape.keyHeads() * dk + head * dv + c;
            if (columns < WIDTH) Arrays.fill(x, 0);
            for (int i = 0; i < n; i++)
                RowKernels.scaled(x, i * WIDTH, qkv, (at + i) * shape.channels() + v, columns, beta[(at + i) * valueHeads + head]);
            substitute(n);
            strip(state, c * kWidth, n, (float) Math.exp(sum));
            for (int i = 0; i < n; i++)
                System.arraycopy(o, i * WIDTH, y, ((at + i) * valueHeads + head) * dv + c, columns);
        }
    }

    /** Row i of -A and of lower(Q K^T M). The difference is formed and cut to j <= i before exp: above, it overflows. */
    private void decayRow(int i, float beta) {
        int columns = Strips.padded(i + 1);
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

    /** {@code x_i -= sum over j < i of A_ij x_j} for a strip, the earlier blocks of rows as one product. */
    private void substitute(int n) {
        for (int i = 0; i < n; i += BLOCK) {
            int rows = Math.min(BLOCK, n - i);
            Strips.add(x, i * WIDTH, WIDTH, a, i * CHUNK, CHUNK, x, 0, rows, i);
            for (int r = i + 1; r < i + rows; r++)
                Strips.add(x, r * WIDTH, WIDTH, a, r * CHUNK + i, CHUNK, x, i * WIDTH, 1, r - i);
        }
    }

    /** A strip of V' = U - W S, O = e^G Q S + lower(Q K^T M) V' and S = total S + (remaining K)^T V'. */
    private void strip(float[] state, int stateAt, int n, float total) {
        Strips.add(x, 0, WIDTH, w, 0, kWidth, state, stateAt, n, dk);
        Arrays.fill(o, 0);
        Strips.add(o, 0, WIDTH, q, 0, kWidth, state, stateAt, n, dk);
        for (int i = 0; i < n; i++) RowKernels.scale(o, i * WIDTH, WIDTH, decay[i]);
        for (int i = 0; i < n; i += STEP) {
            int rows = Math.min(STEP, n - i);
            Strips.add(o, i * WIDTH, WIDTH, p, i * CHUNK, CHUNK, x, 0, rows, i + rows);
        }
        for (int i = 0; i < n; i++) RowKernels.scale(x, i * WIDTH, WIDTH, remaining[i]);
        RowKernels.scale(state, stateAt, dk * WIDTH, total);
        Strips.add(state, stateAt, WIDTH, kRows, 0, CHUNK, x, 0, dk, n);
    }
}
