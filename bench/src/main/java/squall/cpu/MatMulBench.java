package squall.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
import squall.ops.Weight;
import squall.quant.Format;

/**
 * The product of a [3584, 1024] matrix with one row (decoding: bytes) and with many (a prompt: arithmetic), per storage format.
 * Matrices of 128 MiB in turns, as in a model, so that none is in the caches. Multiply-adds a call: rows * 3584 * 1024.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MatMulBench {
    private static final int OUTPUTS = 3584;
    private static final int COLUMNS = 1024;
    private static final long WORKING_SET = 128L << 20;

    @Param({"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"}) public Format format;
    @Param({"1", "512"}) public int rows;
    @Param("2") public int threads;

    private ThreadTeam team;
    private MatMul matMul;
    private Weight[] matrices;
    private final Weight[] one = new Weight[1];
    private float[] x;
    private float[][] y;
    private int turn;

    @Setup public void fill() {
        Random random = new Random(1);
        team = new ThreadTeam(threads);
        matMul = new MatMul(team);
        long bytes = OUTPUTS * format.rowBytes(COLUMNS);
        matrices = new Weight[(int) (WORKING_SET / bytes)];
        MemorySegment values = Blocks.usable(format, COLUMNS, random);
        for (int i = 0; i < matrices.length; i++) {
            MemorySegment data = Arena.ofAuto().allocate(bytes, 64);
            for (long at = 0; at < bytes; at += values.byteSize()) MemorySegment.copy(values, 0, data, at, values.byteSize());
            matrices[i] = new Weight(format + " " + i, format, OUTPUTS, COLUMNS, data);
        }
        x = new float[rows * COLUMNS];
        for (int i = 0; i < x.length; i++) x[i] = (float) random.nextGaussian();
        y = new float[][] {new float[rows * OUTPUTS]};
    }

    @TearDown public void close() {
        team.close();
    }

    @Benchmark public float[] multiply() {
        turn = (turn + 1) % matrices.length;
        one[0] = matrices[turn];
        matMul.multiply(y, x, rows, one);
        return y[0];
    }
}
