package squall.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import squall.ops.DeltaShape;
import squall.quant.Lanes;

/**
 * The gated delta rule, token by token: {@code S = e^g S; d = beta (v - S^T k); S = S + k d^T; y = S^T q}.
 * S of a value head: [dv, dk], k contiguous. The chunked form is {@link DeltaChunks}.
 */
final class DeltaRule {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;

    /** Columns that are taken together. */
    private static final int COLUMNS = 4;

    private static final ThreadLocal<float[]> SUMS = ThreadLocal.withInitial(() -> new float[2 * COLUMNS * Lanes.COUNT]);

    private DeltaRule() {}

    /**
     * Rows [begin, end) of one value head. With the old S, m = alpha S^T k and y = alpha S^T q + (k · q) d, so that S is
     * read once and written once.
     *
     * @param y       [rows, valueHeads * dv]
     * @param qkv     [rows, channels], q and k normalised
     * @param beta, g [rows, valueHeads]
     * @param s       [valueHeads, dv, dk], read and written
     */
    static void recurrent(float[] y, float[] qkv, float[] beta, float[] g, float[] s, DeltaShape shape, int head,
                          int begin, int end) {
        int dk = shape.dk(), dv = shape.dv(), heads = shape.valueHeads();
        int qAt = shape.keyHead(head) * dk;
        int kAt = (shape.keyHeads() + shape.keyHead(head)) * dk;
        int vAt = 2 * shape.keyHeads() * dk + head * dv;
        float[] sums = SUMS.get();
        for (int t = begin; t < end; t++) {
            int row = t * shape.channels();
            float alpha = (float) Math.exp(g[t * heads + head]);
            float kq = (float) RowKernels.dot(qkv, row + kAt, qkv, row + qAt, dk);
            step(y, (t * heads + head) * dv, qkv, row + qAt, row + kAt, row + vAt, s, head * dv * dk, dk, dv,
                    alpha, beta[t * heads + head], kq, sums);
        }
    }

    private static void step(float[] y, int yAt, float[] qkv, int qAt, int kAt, int vAt, float[] s, int sAt, int dk,
                             int dv, float alpha, float beta, float kq, float[] sums) {
        int j = 0;
        if (dk % F.length() == 0) {
            int part = dv / COLUMNS;
            for (; j < part; j++)
                fourColumns(y, yAt + j, qkv, qAt, kAt, vAt + j, part, s, sAt + j * dk, dk, alpha, beta, kq, sums);
            j = COLUMNS * part;
        }
        for (; j < dv; j++) {
            int at = sAt + j * dk;
            float m = alpha * (float) RowKernels.dot(s, at, qkv, kAt, dk);
            float o = alpha * (float) RowKernels.dot(s, at, qkv, qAt, dk);
            float delta = beta * (qkv[vAt + j] - m);
            RowKernels.scale(s, at, dk, alpha);
            RowKernels.addScaled(s, at, qkv, kAt, dk, delta);
            y[yAt + j] = o + kq * delta;
        }
    }

    /**
     * Four elements of v at once, {@code apart} from each other; dk is whole vectors. What lies apart is four streams that the
     * processor reads ahead: four columns that follow each other are read in an order that it does not foresee (18 MB of states from
     * memory, Zen 2: 3.5 and 1.7 ms).
     */
    private static void fourColumns(float[] y, int yAt, float[] qkv, int qAt, int kAt, int vAt, int apart, float[] s, int sAt, int dk,
                                    float alpha, float beta, float kq, float[] sums) {
        fourProducts(sums, qkv, qAt, kAt, s, sAt, apart * dk, dk);
        for (int j = 0; j < COLUMNS; j++) {
            float m = sum(sums, 2 * j), o = sum(sums, 2 * j + 1);
            float delta = beta * (qkv[vAt + j * apart] - alpha * m);
            y[yAt + j * apart] = alpha * o + kq * delta;
            sums[j] = delta; // of what was read already
        }
        fourUpdates(s, sAt, apart * dk, qkv, kAt, dk, alpha, sums);
    }

    private static float sum(float[] sums, int vector) {
        return Lanes.sum(FloatVector.fromArray(F, sums, vector * F.length()));
    }

    /**
     * {@code sums[2 j], sums[2 j + 1] = S[j] k, S[j] q} for the columns j < 4, each a vector that is still to be added up: sixteen lanes of eight
     * sums are more than C2 inlines.
     */
    private static void fourProducts(float[] sums, float[] qkv, int qAt, int kAt, float[] s, int s0, int apart, int dk) {
        int s1 = s0 + apart, s2 = s1 + apart, s3 = s2 + apart;
        FloatVector m0 = FloatVector.zero(F), m1 = m0, m2 = m0, m3 = m0, o0 = m0, o1 = m0, o2 = m0, o3 = m0;
        for (int i = 0; i < dk; i += F.length()) {
            FloatVector k = FloatVector.fromArray(F, qkv, kAt + i);
            FloatVector q = FloatVector.fromArray(F, qkv, qAt + i);
            FloatVector x = FloatVector.fromArray(F, s, s0 + i);
            m0 = x.fma(k, m0);
            o0 = x.fma(q, o0);
            x = FloatVector.fromArray(F, s, s1 + i);
            m1 = x.fma(k, m1);
            o1 = x.fma(q, o1);
            x = FloatVector.fromArray(F, s, s2 + i);
            m2 = x.fma(k, m2);
            o2 = x.fma(q, o2);
            x = FloatVector.fromArray(F, s, s3 + i);
            m3 = x.fma(k, m3);
            o3 = x.fma(q, o3);
        }
        int n = F.length();
        m0.intoArray(sums, 0);
        o0.intoArray(sums, n);
        m1.intoArray(sums, 2 * n);
        o1.intoArray(sums, 3 * n);
        m2.intoArray(sums, 4 * n);
        o2.intoArray(sums, 5 * n);
        m3.intoArray(sums, 6 * n);
        o3.intoArray(sums, 7 * n);
    }

    /** {@code S[j] = alpha S[j] + deltas[j] k} for the columns j < 4. */
    private static void fourUpdates(float[] s, int s0, int apart, float[] qkv, int kAt, int dk, float alpha, float[] deltas) {
        int s1 = s0 + apart, s2 = s1 + apart, s3 = s2 + apart;
        FloatVector a = FloatVector.broadcast(F, alpha);
        FloatVector d0 = FloatVector.broadcast(F, deltas[0]), d1 = FloatVector.broadcast(F, deltas[1]);
        FloatVector d2 = FloatVector.broadcast(F, deltas[2]), d3 = FloatVector.broadcast(F, deltas[3]);
        for (int i = 0; i < dk; i += F.length()) {
            FloatVector k = FloatVector.fromArray(F, qkv, kAt + i);
            k.fma(d0, FloatVector.fromArray(F, s, s0 + i).mul(a)).intoArray(s, s0 + i);
            k.fma(d1, FloatVector.fromArray(F, s, s1 + i).mul(a)).intoArray(s, s1 + i);
            k.fma(d2, FloatVector.fromArray(F, s, s2 + i).mul(a)).intoArray(s, s2 + i);
            k.fma(d3, FloatVector.fromArray(F, s, s3 + i).mul(a)).intoArray(s, s3 + i);
        }
    }
}
