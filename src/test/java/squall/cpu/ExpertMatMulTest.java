package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import squall.ops.Weight;
import squall.quant.Format;

/** The mixture of experts against its definition in double. */
class ExpertMatMulTest {
    private final Random random = new Random(11);

    /** gate, up: [experts][hidden, dim]; down: [experts][dim, hidden]. */
    private record Experts(Weight gate, Weight up, Weight down) {
        static Experts random(Random random, int experts, int dim, int hidden, boolean scaled) {
            return new Experts(Weights.uniform(random, hidden, dim, experts, scaled),
                    Weights.uniform(random, hidden, dim, experts, scaled),
                    Weights.uniform(random, dim, hidden, experts, scaled));
        }
    }

    @ParameterizedTest @Tag("width")
    @CsvSource({"1,4,2", "1,4,4", "2,4,1", "3,8,3", "5,2,1", "7,2,2", "17,8,2", "64,5,3", "65,16,4", "130,3,1"})
    void matchesTheDefinition(int rows, int experts, int used) {
        for (boolean scaled : new boolean[] {false, true}) {
            Experts e = Experts.random(random, experts, 70, 133, scaled);
            float[] x = Weights.floats(random, rows * 70);
            int[] ids = choose(rows, experts, used);
            float[] weights = Weights.floats(random, rows * used);
            float[] y = new float[rows * 70];
            try (ThreadTeam team = new ThreadTeam(2)) {
                new MatMul(team).experts(y, x, rows, ids, weights, used, e.gate, e.up, e.down);
            }
            check(y, x, rows, ids, weights, used, e);
        }
    }

    /** Pieces of tiles begin in the middle of a group of rows. */
    @ParameterizedTest @Tag("width") @CsvSource({"1,4,2", "3,4,2", "17,8,2", "40,5,1"})
    void rowsInGroups(int rows, int experts, int used) {
        Experts e = new Experts(Weights.random(random, Format.Q8_0, 160, 96, experts, false), Weights.random(random, Format.Q4_0, 160, 96, experts, false),
                Weights.random(random, Format.Q8_0, 100, 160, experts, false));
        float[] x = Weights.floats(random, rows * 96), weights = Weights.floats(random, rows * used), y = new float[rows * 100];
        for (int i = 0; i < x.length; i++) x[i] *= 0x1p-13f;
        int[] ids = choose(rows, experts, used);
        try (ThreadTeam team = new ThreadTeam(2)) {
            new MatMul(team, new WeightLayout(team, Long.MAX_VALUE)).experts(y, x, rows, ids, weights, used, e.gate, e.up, e.down);
        }
        check(y, x, rows, ids, weights, used, e);
    }

    @Test void scratchIsReusedAcrossShapes() {
        try (ThreadTeam team = new ThreadTeam(2)) {
            MatMul matMul = new MatMul(team);
            for (int rows : new int[] {40, 1, 9, 100, 2}) {
                Experts e = Experts.random(random, 3 + rows % 4, 16 + rows, 32, false);
                float[] x = Weights.floats(random, rows * (16 + rows));
                int[] ids = choose(rows, 3 + rows % 4, 2);
                float[] weights = Weights.floats(random, rows * 2);
                float[] y = new float[rows * (16 + rows)];
                matMul.experts(y, x, rows, ids, weights, 2, e.gate, e.up, e.down);
                check(y, x, rows, ids, weights, 2, e);
            }
        }
    }

    @Test void resultsDoNotDependOnTheNumberOfThreads() {
        Experts e = Experts.random(random, 8, 96, 64, false);
        int[] ids = choose(33, 8, 3);
        float[] x = Weights.floats(random, 33 * 96);
        float[] weights = Weights.floats(random, 33 * 3);
        float[][] ys = new float[2][33 * 96];
        for (int i = 0; i < 2; i++)
            try (ThreadTeam team = new ThreadTeam(1 + 3 * i)) {
                new MatMul(team).experts(ys[i], x, 33, ids, weights, 3, e.gate, e.up, e.down);
            }
        assertArrayEquals(ys[0], ys[1]);
    }

    /** Distinct experts for each row. */
    private int[] choose(int rows, int experts, int used) {
        int[] ids = new int[rows * used];
        for (int r = 0; r < rows; r++) {
            int[] of = random.ints(0, experts).distinct().limit(used).toArray();
            System.arraycopy(of, 0, ids, r * used, used);
        }
        return ids;
    }

    private static void check(float[] y, float[] x, int rows, int[] ids, float[] weights, int used, Experts e) {
        int dim = e.down.rows();
        int width = e.gate.cols();
        int hidden = e.gate.rows();
        double[] expected = new double[rows * dim];
        double[] magnitude = new double[rows * dim];
        for (int p = 0; p < rows * used; p++) {
            double[] gate = Weights.values(e.gate, ids[p]);
            double[] up = Weights.values(e.up, ids[p]);
            double[] down = Weights.values(e.down, ids[p]);
            float[] h = new float[hidden];
            for (int o = 0; o < hidden; o++) {
                double g = Weights.dot(gate, o, x, p / used, width).value();
                h[o] = (float) (g / (1 + Math.exp(-g)) * Weights.dot(up, o, x, p / used, width).value());
            }
            for (int o = 0; o < dim; o++) {
                Weights.Sum sum = Weights.dot(down, o, h, 0, hidden);
                expected[p / used * dim + o] += weights[p] * sum.value();
                magnitude[p / used * dim + o] += Math.abs(weights[p]) * sum.magnitude();
            }
        }
        for (int i = 0; i < rows * dim; i++)
            assertEquals(expected[i], y[i], 4e-6 * magnitude[i], "row " + i / dim + ", output " + i % dim);
    }
}
