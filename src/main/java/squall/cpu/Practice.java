package squall.cpu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import squall.ops.Weight;
import squall.quant.Format;

/**
 * Plays the products of {@link FirstStepOps} with the usual formats, on rows as long as real ones, so that HotSpot knows their kernels when the
 * launcher makes its cache. One that is compiled after a few calls without that knowledge calls what should stand in its loop, and
 * stays so (measured, Zen 2, values a nanosecond decoded in a first step: Q4_0 0.6 and then 6.4, Q4_K 0.7 and 5.0, BF16 0.6 and 2.7).
 *
 * <p>Weights are zeros, mapped as those of a file are: what kinds of memory a method has met is part of what is known.
 */
final class Practice {
    private static final List<Format> FORMATS = List.of(Format.Q8_0, Format.Q4_0, Format.Q4_K, Format.Q6_K, Format.F16, Format.BF16);
    private static final int COLUMNS = 1024;
    private static final int OUTPUTS = 2 * WeightTile.OUTPUTS;
    /** Rows of activations: half a group and less, a group and one more. */
    private static final int[] ROWS = {3, Panels.GROUP + 1};
    /** Calls after which HotSpot has made up its mind, with its usual patience. */
    private static final int ROUNDS = 150;

    private Practice() {}

    static void play() {
        try {
            Path file = Files.createTempFile("squall", null);
            try (FileChannel zeros = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
                 Arena arena = Arena.ofShared()) {
                long most = OUTPUTS * Format.F32.rowBytes(COLUMNS);
                zeros.write(ByteBuffer.allocate(1), most - 1);
                play(zeros.map(FileChannel.MapMode.READ_ONLY, 0, most, arena));
            }
        } catch (IOException e) {
            // no room for a temporary file: the cache knows less
        }
    }

    private static void play(MemorySegment zeros) {
        float[] x = new float[ROWS[1] * COLUMNS];
        float[][] y = {new float[ROWS[1] * OUTPUTS]};
        try (ThreadTeam team = new ThreadTeam(Runtime.getRuntime().availableProcessors()); MatMul matmul = new MatMul(team)) {
            List<Weight[]> all = FORMATS.stream().map(f -> new Weight[] {weight(f, zeros)}).toList();
            for (int i = 0; i < ROUNDS; i++)
                for (Weight[] w : all) for (int rows : ROWS) matmul.multiplyStored(y, x, rows, w);
        }
    }

    private static Weight weight(Format f, MemorySegment zeros) {
        return new Weight(f.name(), f, OUTPUTS, COLUMNS, zeros.asSlice(0, OUTPUTS * f.rowBytes(COLUMNS)));
    }
}
