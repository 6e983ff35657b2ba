package squall.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import squall.quant.Lanes;

/** Norms, activations and gates over pieces of rows: a vector body and a scalar tail each. */
final class RowKernels {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;

    private RowKernels() {}

    /** {@code sum of x[at + i]^2}, i < n: four float sums a lane, added up in double. */
    static double sumOfSquares(float[] x, int at, int n) {
        return dot(x, at, x, at, n);
    }

    /** {@code sum of a[aAt + i] * b[bAt + i]}, i < n. */
    static double dot(float[] a, int aAt, float[] b, int bAt, int n) {
        FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
        int step = F.length();
        int i = 0;
        for (; i + 4 * step <= n; i += 4 * step) {
            s0 = FloatVector.fromArray(F, a, aAt + i).fma(FloatVector.fromArray(F, b, bAt + i), s0);
            s1 = FloatVector.fromArray(F, a, aAt + i + step).fma(FloatVector.fromArray(F, b, bAt + i + step), s1);
            s2 = FloatVector.fromArray(F, a, aAt + i + 2 * step).fma(FloatVector.fromArray(F, b, bAt + i + 2 * step), s2);
            s3 = FloatVector.fromArray(F, a, aAt + i + 3 * step).fma(FloatVector.fromArray(F, b, bAt + i + 3 * step), s3);
        }
        for (; i + step <= n; i += step)
            s0 = FloatVector.fromArray(F, a, aAt + i).fma(FloatVector.fromArray(F, b, bAt + i), s0);
        double sum = Lanes.sum(s0.add(s1).add(s2.add(s3)));
        for (; i < n; i++) sum += (double) a[aAt + i] * b[bAt + i];
        return sum;
    }

    /** {@code y = w * x / sqrt(mean(x^2) + eps)} over n elements; y may be x. */
    static void rmsNorm(float[] y, int yAt, float[] x, int xAt, float[] w, int n, float eps) {
        float scale = (float) (1 / Math.sqrt(sumOfSquares(x, xAt, n) / n + eps));
        int i = 0;
        for (; i < F.loopBound(n); i += F.length())
            FloatVector.fromArray(F, x, xAt + i).mul(scale).mul(FloatVector.fromArray(F, w, i)).intoArray(y, yAt + i);
        for (; i < n; i++) y[yAt + i] = x[xAt + i] * scale * w[i];
    }

    /** {@code x *= factor}. */
    static void scale(float[] x, int at, int n, float factor) {
        int i = 0;
        for (; i < F.loopBound(n); i += F.length())
            FloatVector.fromArray(F, x, at + i).mul(factor).intoArray(x, at + i);
        for (; i < n; i++) x[at + i] *= factor;
    }

    /** {@code y = factor * x}. */
    static void scaled(float[] y, int yAt, float[] x, int xAt, int n, float factor) {
        int i = 0;
        for (; i < F.loopBound(n); i += F.length())
            FloatVector.fromArray(F, x, xAt + i).mul(factor).intoArray(y, yAt + i);
        for (; i < n; i++) y[yAt + i] = x[xAt + i] * factor;
    }

    /** {@code x += factor * y}. */
    static void addScaled(float[] x, int xAt, float[] y, int yAt, int n, float factor) {
        FloatVector f = FloatVector.broadcast(F, factor);
        int i = 0;
        for (; i < F.loopBound(n); i += F.length())
            FloatVector.fromArray(F, y, yAt + i).fma(f, FloatVector.fromArray(F, x, xAt + i)).intoArray(x, xAt + i);
        for (; i < n; i++) x[xAt + i] = Math.fma(y[yAt + i], factor, x[xAt + i]);
    }

    /** {@code x += y} over [begin, end). */
    static void add(float[] x, float[] y, int begin, int end) {
        int i = begin;
        for (; i <= end - F.length(); i += F.length())
            FloatVector.fromArray(F, x, i).add(FloatVector.fromArray(F, y, i)).intoArray(x, i);
        for (; i < end; i++) x[i] += y[i];
    }

    /** {@code h = silu(h) * u} over [begin, end). */
    static void siluMul(float[] h, float[] u, int begin, int end) {
        int i = begin;
        for (; i <= end - F.length(); i += F.length())
            VectorMath.silu(FloatVector.fromArray(F, h, i)).mul(FloatVector.fromArray(F, u, i)).intoArray(h, i);
        for (; i < end; i++) h[i] = VectorMath.silu(h[i]) * u[i];
    }

    /** {@code y *= silu(z)} over [begin, end). */
    static void siluGateMul(float[] y, float[] z, int begin, int end) {
        int i = begin;
        for (; i <= end - F.length(); i += F.length())
            VectorMath.silu(FloatVector.fromArray(F, z, i)).mul(FloatVector.fromArray(F, y, i)).intoArray(y, i);
        for (; i < end; i++) y[i] *= VectorMath.silu(z[i]);
    }

    /** {@code y *= sigmoid(g)} over n elements. */
    static void sigmoidMul(float[] y, int yAt, float[] g, int gAt, int n) {
        int i = 0;
        for (; i < F.loopBound(n); i += F.length())
            FloatVector.fromArray(F, y, yAt + i).mul(VectorMath.sigmoid(FloatVector.fromArray(F, g, gAt + i)))
                    .intoArray(y, yAt + i);
        for (; i < n; i++) y[yAt + i] *= VectorMath.sigmoid(g[gAt + i]);
    }

    /** Rotates the pairs (x[j], x[j + half]) by cos[j], sin[j]; cos and sin start at {@code tableAt}. */
    static void rotate(float[] x, int at, float[] cos, float[] sin, int tableAt, int half) {
        int j = 0;
        for (; j < F.loopBound(half); j += F.length()) {
            FloatVector a = FloatVector.fromArray(F, x, at + j);
            FloatVector b = FloatVector.fromArray(F, x, at + half + j);
            FloatVector c = FloatVector.fromArray(F, cos, tableAt + j);
            FloatVector s = FloatVector.fromArray(F, sin, tableAt + j);
            a.mul(c).sub(b.mul(s)).intoArray(x, at + j);
            b.mul(c).add(a.mul(s)).intoArray(x, at + half + j);
        }
        for (; j < half; j++) {
            float a = x[at + j], b = x[at + half + j], c = cos[tableAt + j], s = sin[tableAt + j];
            x[at + j] = a * c - b * s;
            x[at + half + j] = b * c + a * s;
        }
    }
}
