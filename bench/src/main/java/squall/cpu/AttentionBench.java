package squall.cpu;

import java.util.List;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import squall.engine.EngineOptions.KvFormat;
import squall.ops.StateSpec;
import squall.ops.StepPlan;

/**
 * One layer's attention of one row at a depth of the context. Bytes a call: {@code 2 * depth * kvHeads * headDim} values. Shapes
 * by name: Qwen3-0.6B has 16 query heads and 8 of keys of 128, Qwen3.5-0.8B 8 and 2 of 256.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class AttentionBench {

    /** Heads of queries, heads of keys, width of a head. */
    public enum Shape {
        QWEN3_06B(16, 8, 128), QWEN35_08B(8, 2, 256);

        private final int heads;
        private final int kvHeads;
        private final int headDim;

        Shape(int heads, int kvHeads, int headDim) {
            this.heads = heads;
            this.kvHeads = kvHeads;
            this.headDim = headDim;
        }
    }

    @Param({"QWEN3_06B", "QWEN35_08B"}) public Shape shape;
    @Param({"512", "4096", "16384"}) public int depth;
    @Param({"F16", "Q8_0"}) public KvFormat format;
    @Param("2") public int threads;

    private ThreadTeam team;
    private KvCache cache;
    private Attention attention;
    private StateSpec.Kv kv;
    private StepPlan plan;
    private float[] q;
    private float[] y;

    @Setup public void fill() {
        Random random = new Random(1);
        team = new ThreadTeam(threads);
        kv = new StateSpec.Kv("attention", shape.kvHeads, shape.headDim);
        cache = new KvCache(List.of(kv), 1, format, format);
        cache.reserve(0, depth);
        float[] row = new float[shape.headDim];
        for (int i = 0; i < row.length; i++) row[i] = (float) random.nextGaussian();
        for (int p = 0; p < depth; p++)
            for (int h = 0; h < shape.kvHeads; h++) cache.write(kv, 0, h, p, row, 0, row, 0);
        attention = new Attention(team, cache);
        plan = new StepPlan.Builder().add(0, depth - 1, new int[1], 0, 1, StepPlan.Want.LAST).build();
        q = new float[shape.heads * shape.headDim];
        for (int i = 0; i < q.length; i++) q[i] = (float) random.nextGaussian();
        y = new float[q.length];
    }

    @TearDown public void close() {
        cache.close();
        team.close();
    }

    @Benchmark public float[] decode() {
        attention.run(y, q, kv, shape.heads, plan);
        return y;
    }
}
