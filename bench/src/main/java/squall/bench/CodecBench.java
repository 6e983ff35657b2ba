package squall.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
import squall.quant.Format;

/**
 * One row of weights against one vector, per storage format: {@code Codec.dot} over 4096 values at a time of a matrix of
 * 64 MiB, larger than the caches. Microseconds per row; bytes per row are {@code format.rowBytes(4096)}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
public class CodecBench {
    private static final int COLUMNS = 4096;
    private static final long MATRIX_BYTES = 64L << 20;

    @Param public Format format;

    private MemorySegment weights;
    private float[] x;
    private long rowBytes;
    private long at;

    @Setup public void fill() {
        Random random = new Random(1);
        rowBytes = format.rowBytes(COLUMNS);
        weights = Arena.ofAuto().allocate(MATRIX_BYTES / rowBytes * rowBytes, 64);
        for (long i = 0; i + 8 <= weights.byteSize(); i += 8)
            weights.set(ValueLayout.JAVA_LONG_UNALIGNED, i, random.nextLong());
        x = new float[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) x[i] = (float) random.nextGaussian();
    }

    @Benchmark public float dot() {
        float sum = format.codec.dot(weights, at, x, 0, COLUMNS);
        at += rowBytes;
        if (at == weights.byteSize()) at = 0;
        return sum;
    }
}
