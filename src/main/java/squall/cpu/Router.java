package squall.cpu;

import static jdk.incubator.vector.VectorOperators.ADD;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import squall.ops.Routing;
import squall.quant.Lanes;

/** Chooses the experts of each row. */
final class Router {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;

    /** The chosen experts, best first, and their weights: ids, weights: [rows, used]. */
    static final class Choice implements Routing {
        int used;
        Routing.Weights kind;
        int[] ids = new int[0];
        float[] weights = new float[0];

        void resize(int rows, int used, Routing.Weights kind) {
            this.used = used;
            this.kind = kind;
            if (ids.length >= rows * used) return;
            ids = new int[rows * used];
            weights = new float[rows * used];
        }

        /** Whether any of the rows goes to an expert. */
        boolean has(int expert, int rows) {
            for (int p = 0; p < rows * used; p++)
                if (ids[p] == expert) return true;
            return false;
        }
    }

    private Router() {}

    /**
     * The {@code choice.used} largest of {@code p = softmax(logits)} of one row, ties to the lower index. The order of p
     * is that of the logits, which are compared because they are not rounded again.
     *
     * @param logits [rows, experts]
     * @param p      scratch [experts]
     */
    static void choose(Choice choice, int row, float[] logits, int experts, float[] p) {
        int at = row * experts;
        int used = choice.used;
        int out = row * used;
        select(choice.ids, out, used, logits, at, experts);
        float max = logits[at + choice.ids[out]];
        double all = exponentials(p, logits, at, experts, max);
        double sum = 0;
        for (int j = 0; j < used; j++) sum += p[choice.ids[out + j]];
        double divisor = choice.kind == Routing.Weights.NORMALISED ? sum : all;
        for (int j = 0; j < used; j++) choice.weights[out + j] = (float) (p[choice.ids[out + j]] / divisor);
    }

    /** Insertion into a short sorted list; an equal logit comes later, so it stays behind. */
    private static void select(int[] ids, int out, int used, float[] logits, int at, int experts) {
        int n = 0;
        for (int e = 0; e < experts; e++) {
            float logit = logits[at + e];
            if (n == used && !(logit > logits[at + ids[out + n - 1]])) continue;
            int place = n < used ? n++ : n - 1;
            for (; place > 0 && logit > logits[at + ids[out + place - 1]]; place--) ids[out + place] = ids[out + place - 1];
            ids[out + place] = e;
        }
    }

    /** {@code p = exp(logits - max)}; returns their sum. */
    private static double exponentials(float[] p, float[] logits, int at, int n, float max) {
        FloatVector sums = FloatVector.zero(F);
        int i = 0;
        for (; i < F.loopBound(n); i += F.length()) {
            FloatVector e = VectorMath.exp(FloatVector.fromArray(F, logits, at + i).sub(max));
            e.intoArray(p, i);
            sums = sums.add(e);
        }
        double sum = sums.reduceLanes(ADD);
        for (; i < n; i++) sum += p[i] = (float) Math.exp(logits[at + i] - max);
        return sum;
    }
}
