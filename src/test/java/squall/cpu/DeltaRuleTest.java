package squall.cpu;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import squall.ops.DeltaShape;
import squall.ops.OpsContract;

/** The chunked delta rule is the recurrent one, from any state, also where keys are alike and where memory hardly lasts. */
@Tag("width")
class DeltaRuleTest {
    /** Of the largest value: chunked in float32 is 4e-7 from float64, recurrent 1.5e-7, alike keys cost one digit. */
    private static final double TOLERANCE = 5e-6;
    private static final DeltaShape SHAPE = new DeltaShape(2, 6, 32, 32, DeltaShape.HeadOrder.GROUPED);
    private static final DeltaShape ODD = new DeltaShape(1, 2, 20, 13, DeltaShape.HeadOrder.TILED);
    private static final DeltaShape FULL = new DeltaShape(1, 2, 128, 128, DeltaShape.HeadOrder.GROUPED);

    private final Random random = new Random(3);

    /** noise: how far keys are from each other; decay, spread: g = -(decay + spread * uniform). */
    @ParameterizedTest @CsvSource({
        "1, 1, 0, 1", "63, 1, 0, 1", "64, 1, 0, 1", "65, 1, 0, 1", "200, 1, 0, 1",
        "1, 0.01, 0, 1e-4", "63, 0.01, 0, 1e-4", "64, 0.01, 0, 1e-4", "65, 0.01, 0, 1e-4", "200, 0.01, 0, 1e-4",
        "64, 0, 0, 0", "200, 0, 0, 0",
        "1, 0.01, 30, 1", "63, 0.01, 30, 1", "64, 0.01, 30, 1", "65, 0.01, 30, 1", "200, 0.01, 30, 1",
        "200, 0.3, 0, 30", "200, 1, 30, 1"})
    void chunkedIsRecurrent(int rows, float noise, float decay, float spread) {
        for (DeltaShape shape : new DeltaShape[] {SHAPE, ODD, FULL}) compare(shape, rows, noise, decay, spread);
    }

    private void compare(DeltaShape shape, int rows, float noise, float decay, float spread) {
        int heads = shape.valueHeads();
        float[] qkv = Weights.floats(random, rows * shape.channels());
        float[] common = Weights.floats(random, shape.dk());
        float[] beta = new float[rows * heads], g = new float[rows * heads];
        for (int i = 0; i < beta.length; i++) {
            beta[i] = 0.9f + 0.1f * random.nextFloat();
            g[i] = -(decay + spread * random.nextFloat());
        }
        for (int r = 0; r < rows; r++)
            for (int h = 0; h < 2 * shape.keyHeads(); h++) {
                int at = r * shape.channels() + h * shape.dk();
                boolean query = h < shape.keyHeads();
                for (int i = 0; i < shape.dk() && !query; i++) qkv[at + i] = common[i] + noise * qkv[at + i];
                double norm = Math.sqrt(RowKernels.sumOfSquares(qkv, at, shape.dk()));
                RowKernels.scale(qkv, at, shape.dk(), (float) (1 / (query ? norm * Math.sqrt(shape.dk()) : norm)));
            }
        float[] s1 = Weights.floats(random, heads * shape.dv() * shape.dk());
        float[] s2 = s1.clone();
        float[] y1 = new float[rows * heads * shape.dv()], y2 = new float[y1.length];
        // rows before and after the segment's own must not matter
        int begin = rows > 2 ? 1 : 0;
        for (int h = 0; h < heads; h++) DeltaRule.recurrent(y1, qkv, beta, g, s1, shape, h, begin, rows);
        DeltaChunks chunks = new DeltaChunks(shape);
        for (int h = 0; h < shape.keyHeads(); h++) chunks.run(y2, qkv, beta, g, s2, h, begin, rows);
        OpsContract.assertClose(y1, y2, TOLERANCE, "y of " + shape);
        OpsContract.assertClose(s1, s2, TOLERANCE, "S of " + shape);
    }
}
