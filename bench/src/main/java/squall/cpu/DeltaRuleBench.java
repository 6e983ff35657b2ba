package squall.cpu;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import squall.ops.DeltaShape;

/**
 * The gated delta rule of one layer in the shape of Qwen3.5-0.8B (16 heads of 128 x 128, 1 MiB of S), on one thread: token by
 * token and in chunks. Time a call, for all heads and rows.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class DeltaRuleBench {
    private static final int HEADS = 16;
    private static final int HEAD_DIM = 128;

    @Param({"1", "64", "512"}) public int rows;

    private DeltaShape shape;
    private DeltaChunks chunks;
    private float[] y;
    private float[] qkv;
    private float[] beta;
    private float[] g;
    private float[] s;

    @Setup public void fill() {
        Random random = new Random(1);
        shape = new DeltaShape(HEADS, HEADS, HEAD_DIM, HEAD_DIM, DeltaShape.HeadOrder.TILED);
        chunks = new DeltaChunks(shape);
        y = new float[rows * HEADS * HEAD_DIM];
        qkv = new float[rows * shape.channels()];
        for (int i = 0; i < qkv.length; i++) qkv[i] = (float) (random.nextGaussian() / Math.sqrt(HEAD_DIM));
        beta = new float[rows * HEADS];
        g = new float[rows * HEADS];
        for (int i = 0; i < beta.length; i++) {
            beta[i] = random.nextFloat();
            g[i] = -0.1f * random.nextFloat();
        }
        s = new float[HEADS * HEAD_DIM * HEAD_DIM];
    }

    @Benchmark public float[] recurrent() {
        for (int head = 0; head < HEADS; head++) DeltaRule.recurrent(y, qkv, beta, g, s, shape, head, 0, rows);
        return y;
    }

    @Benchmark public float[] chunked() {
        for (int head = 0; head < HEADS; head++) chunks.run(y, qkv, beta, g, s, head, 0, rows);
        return y;
    }
}
