package squall.parity;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Random;
import squall.ops.Norm;
import squall.ops.Weight;
import squall.quant.Format;

/** Random weights, and ones that choose; the same in every run. */
final class Noise {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final float STEP = 1f / 64;

    private final Random random = new Random(1);

    /** Normally distributed, [rows, cols]. */
    Weight gaussian(String name, int rows, int cols) {
        float[] values = new float[Math.multiplyExact(rows, cols)];
        for (int i = 0; i < values.length; i++) values[i] = (float) random.nextGaussian();
        return weight(name, rows, cols, values);
    }

    /**
     * The same in whole steps of {@value #STEP}, the columns from {@code filled} on zero: numbers that differ still do when a device
     * rounds them to halves, so that no expert is chosen in place of another that is as good.
     */
    Weight steps(String name, int rows, int cols, int filled) {
        float[] values = new float[Math.multiplyExact(rows, cols)];
        for (int i = 0; i < values.length; i++) if (i % cols < filled) values[i] = STEP * Math.round(random.nextGaussian() / STEP);
        return weight(name, rows, cols, values);
    }

    /** 1 plus a little noise, as norms have it. */
    Norm norm(int n, float eps) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) values[i] = 1 + 0.1f * (float) random.nextGaussian();
        return new Norm(weight("norm", 1, n, values), eps);
    }

    /** {@code scale * u}, u from 0 to 1: [1, n]. */
    Weight uniform(int n, float scale) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) values[i] = scale * random.nextFloat();
        return weight("uniform", 1, n, values);
    }

    /** Row r is {@code +-1} at one of the columns [0, from) and 0 else: y[r] is +- an input, exactly. [rows, cols] */
    Weight choosing(int rows, int cols, int from) {
        float[] values = new float[Math.multiplyExact(rows, cols)];
        for (int r = 0; r < rows; r++) values[r * cols + random.nextInt(from)] = random.nextBoolean() ? 1 : -1;
        return weight("choosing", rows, cols, values);
    }

    /** Adds input c to one of the rows [from, from + n): [rows, cols]. */
    Weight folding(int rows, int cols, int from, int n) {
        float[] values = new float[Math.multiplyExact(rows, cols)];
        for (int c = 0; c < cols; c++) values[(from + c % n) * cols + c] = 1;
        return weight("folding", rows, cols, values);
    }

    private static Weight weight(String name, int rows, int cols, float[] values) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[4 * values.length]);
        MemorySegment.copy(values, 0, bytes, FLOAT, 0, values.length);
        return new Weight(name, Format.F32, rows, cols, bytes);
    }
}
