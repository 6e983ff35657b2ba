package squall.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import squall.ops.Weight;
import squall.quant.Codec;
import squall.quant.Format;

/** Random weights of every format, off the heap as those of a file are, and the plain products that the fast ones are held to. */
final class Weights {
    private static final ValueLayout.OfFloat LITTLE =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Weights() {}

    /** Blocks of random bytes whose values are zero or of a magnitude between 1e-20 and 100. */
    static Weight random(Random random, Format format, int rows, int cols, int experts, boolean scaled) {
        Codec codec = format.codec;
        List<MemorySegment> data = new ArrayList<>();
        List<float[]> scales = new ArrayList<>();
        for (int e = 0; e < experts; e++) {
            MemorySegment segment = Arena.ofAuto().allocate(rows * format.rowBytes(cols));
            byte[] block = new byte[codec.blockBytes()];
            for (long at = 0; at < segment.byteSize(); at += block.length) {
                do {
                    random.nextBytes(block);
                    MemorySegment.copy(MemorySegment.ofArray(block), 0, segment, at, block.length);
                } while (!usable(codec, segment, at));
            }
            data.add(segment);
            if (scaled) scales.add(floats(random, ceil(rows) * ceil(cols)));
        }
        return new Weight(format.name() + " random", format, rows, cols, data, scales);
    }

    /** F32 values in [-1, 1) / sqrt(cols), as in a trained network. */
    static Weight uniform(Random random, int rows, int cols, int experts, boolean scaled) {
        List<MemorySegment> data = new ArrayList<>();
        List<float[]> scales = new ArrayList<>();
        for (int e = 0; e < experts; e++) {
            float[] values = floats(random, rows * cols);
            for (int i = 0; i < values.length; i++) values[i] /= (float) Math.sqrt(cols);
            MemorySegment segment = Arena.ofAuto().allocate(4L * rows * cols);
            MemorySegment.copy(values, 0, segment, LITTLE, 0, values.length);
            data.add(segment);
            if (scaled) scales.add(floats(random, ceil(rows) * ceil(cols)));
        }
        return new Weight("F32 uniform", Format.F32, rows, cols, data, scales);
    }

    private static boolean usable(Codec codec, MemorySegment w, long at) {
        for (int i = 0; i < codec.blockSize(); i++) {
            float v = Math.abs(codec.at(w, at, i));
            if (v != 0 && !(v >= 1e-20f && v <= 100)) return false;
        }
        return true;
    }

    private static int ceil(int n) {
        return (n + Weight.SCALE_BLOCK - 1) / Weight.SCALE_BLOCK;
    }

    /** n values in [-1, 1). */
    static float[] floats(Random random, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = 2 * random.nextFloat() - 1;
        return x;
    }

    /** An expert's matrix in full, [rows, cols]. */
    static double[] values(Weight w, int expert) {
        Codec codec = w.format().codec;
        MemorySegment data = w.experts().get(expert);
        double[] values = new double[w.rows() * w.cols()];
        for (int r = 0; r < w.rows(); r++)
            for (int c = 0; c < w.cols(); c++) {
                long block = r * w.format().rowBytes(w.cols()) + (long) (c / codec.blockSize()) * codec.blockBytes();
                double v = codec.at(data, block, c % codec.blockSize());
                if (!w.scales().isEmpty())
                    v *= w.scales().get(expert)[r / Weight.SCALE_BLOCK * ceil(w.cols()) + c / Weight.SCALE_BLOCK];
                values[r * w.cols() + c] = v;
            }
        return values;
    }

    /** A dot product and the sum of the magnitudes of its terms. */
    record Sum(double value, double magnitude) {}

    /** Row {@code o} of a matrix [.., cols] times x[r]. */
    static Sum dot(double[] w, int o, float[] x, int r, int cols) {
        double value = 0, magnitude = 0;
        for (int c = 0; c < cols; c++) {
            double term = w[o * cols + c] * x[r * cols + c];
            value += term;
            magnitude += Math.abs(term);
        }
        return new Sum(value, magnitude);
    }
}
