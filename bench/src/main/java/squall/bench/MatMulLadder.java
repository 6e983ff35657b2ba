package squall.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import squall.cpu.MatMul;
import squall.cpu.ThreadTeam;
import squall.ops.Weight;
import squall.quant.Codec;
import squall.quant.Format;

/**
 * Speed of the CPU player's matrix product, per format, number of rows and threads: arithmetic in GFLOP/s and weight
 * bytes read in GB/s. One row walks over matrices that together are larger than the caches, as decoding does.
 *
 * <pre>java --add-modules jdk.incubator.vector -cp ... squall.bench.MatMulLadder [formats [rows [threads]]]</pre>
 * Each argument is a list with commas, for instance {@code F32,Q8_0 1,64,512 1,2}. Prints the best and the median of
 * repetitions, taken in turns over all cases so that a change of the machine's clock meets them alike. One thread is
 * timed by the processor time it used, several by the wall clock.
 */
public final class MatMulLadder {
    private static final int OUTPUTS = 3584;
    private static final int COLUMNS = 1024;
    private static final long WORKING_SET = 128L << 20;
    private static final int TURNS = 9;
    private static final long TURN_NANOS = 150_000_000;

    private MatMulLadder() {}

    public static void main(String[] args) {
        String formats = args.length > 0 ? args[0] : "F32,F16,Q8_0,Q4_K";
        int[] rows = ints(args.length > 1 ? args[1] : "1,4,16,64,512");
        int[] threads = ints(args.length > 2 ? args[2] : "1,2");
        System.out.printf("%-8s %5s %8s %10s %10s %8s %8s%n", "format", "rows", "threads", "GFLOP/s", "median", "GB/s", "median");
        for (String name : formats.split(",")) {
            Weight[] ws = matrices(Format.valueOf(name));
            long[][][] times = new long[rows.length][threads.length][TURNS];
            for (int turn = -2; turn < TURNS; turn++)
                for (int r = 0; r < rows.length; r++)
                    for (int t = 0; t < threads.length; t++) {
                        long nanos = measure(ws, rows[r], threads[t]);
                        if (turn >= 0) times[r][t][turn] = nanos;
                    }
            for (int r = 0; r < rows.length; r++)
                for (int t = 0; t < threads.length; t++) print(ws[0], rows[r], threads[t], times[r][t]);
        }
    }

    private static int[] ints(String list) {
        return Arrays.stream(list.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    /** Nanoseconds of a product, in the mean over a turn. */
    private static long measure(Weight[] ws, int rows, int threads) {
        float[] x = new float[rows * COLUMNS];
        Random random = new Random(3);
        for (int i = 0; i < x.length; i++) x[i] = random.nextFloat() - 0.5f;
        float[][] y = {new float[rows * OUTPUTS]};
        Weight[] one = new Weight[1];
        try (ThreadTeam team = new ThreadTeam(threads)) {
            MatMul matMul = new MatMul(team);
            one[0] = ws[0];
            matMul.multiply(y, x, rows, one);
            long start = clock(threads);
            long end = start;
            int n = 0;
            for (; n == 0 || end - start < TURN_NANOS; n++, end = clock(threads)) {
                one[0] = ws[n % ws.length];
                matMul.multiply(y, x, rows, one);
            }
            return (end - start) / n;
        }
    }

    private static long clock(int threads) {
        return threads == 1 ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() : System.nanoTime();
    }

    private static void print(Weight w, int rows, int threads, long[] times) {
        Arrays.sort(times);
        double best = times[0];
        double median = times[times.length / 2];
        double flops = 2.0 * rows * OUTPUTS * COLUMNS;
        System.out.printf("%-8s %5d %8d %10.1f %10.1f %8.2f %8.2f%n", w.format(), rows, threads,
                flops / best, flops / median, w.byteSize() / best, w.byteSize() / median);
    }

    /** As many matrices as the working set holds, filled with the same blocks of usable random bytes. */
    private static Weight[] matrices(Format format) {
        long bytes = OUTPUTS * format.rowBytes(COLUMNS);
        MemorySegment pattern = pattern(format, 64);
        Weight[] ws = new Weight[(int) (WORKING_SET / bytes)];
        for (int i = 0; i < ws.length; i++) {
            MemorySegment data = Arena.ofAuto().allocate(bytes, 64);
            for (long at = 0; at < bytes; at += pattern.byteSize())
                data.asSlice(at, pattern.byteSize()).copyFrom(pattern);
            ws[i] = new Weight(format + " " + i, format, OUTPUTS, COLUMNS, data);
        }
        return ws;
    }

    /** Rows of random blocks whose values are finite and not too small to be normal numbers. */
    private static MemorySegment pattern(Format format, int rows) {
        Random random = new Random(5);
        Codec codec = format.codec;
        byte[] block = new byte[codec.blockBytes()];
        MemorySegment pattern = MemorySegment.ofArray(new byte[(int) (rows * format.rowBytes(COLUMNS))]);
        for (long at = 0; at < pattern.byteSize(); at += block.length) {
            boolean usable;
            do {
                random.nextBytes(block);
                MemorySegment.copy(MemorySegment.ofArray(block), 0, pattern, at, block.length);
                usable = true;
                for (int i = 0; i < codec.blockSize(); i++) {
                    float v = Math.abs(codec.at(pattern, at, i));
                    usable &= v == 0 || v > 1e-20f && v < 100;
                }
            } while (!usable);
        }
        return pattern;
    }
}
