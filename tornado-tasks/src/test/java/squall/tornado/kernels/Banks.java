package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import squall.quant.Blocks;
import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Boundary;
import squall.tornado.Region;
import squall.tornado.Rig;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Weights of ordinary size for the tests, and what they mean. */
final class Banks {
    private static final int LAYERS = 3;

    private Banks() {}

    /** Formats that weights may have. */
    static Stream<Format> formats() {
        return Stream.of(Format.values()).filter(f -> f != Format.F8_E8M0);
    }

    /** Matrices of three layers. FP8 has scale grids. */
    static Bank of(Format format, int rows, int cols, int experts) {
        int matrices = LAYERS * experts, blocks = matrices * rows * (cols / format.codec.blockSize());
        byte[] bytes = Blocks.finite(format, blocks, rows + cols);
        TornadoNativeArray array = switch (format) {
            case F32 -> new FloatArray(bytes.length / 4);
            case F16, BF16 -> new ShortArray(bytes.length / 2);
            default -> new ByteArray(bytes.length);
        };
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, array.getSegment(), 0, bytes.length);
        int row = (int) format.rowBytes(cols) / array.getElementSize(), grid = (rows + 127) / 128 * ((cols + 127) / 128);
        FloatArray scales = null;
        if (format == Format.F8_E4M3) {
            Random random = new Random(rows);
            scales = new FloatArray(matrices * grid);
            for (int i = 0; i < scales.getSize(); i++) scales.set(i, random.nextFloat(0.5f, 2));
        }
        return new Bank(format, array, experts * rows * row, 0, rows, cols, experts, rows * row, scales, scales == null ? 0 : grid);
    }

    /** The same numbers as DeviceWeights lays them out for warps that keep x in floats. */
    static Bank wide(Bank w) {
        long bytes = w.array().getNumBytesOfSegment();
        int lead = Boundary.first(1);
        TornadoNativeArray array = switch (w.format()) {
            case F16 -> new HalfFloatArray((int) (lead + bytes) / 2);
            case BF16 -> new LongArray((int) (lead + bytes) / 8);
            default -> w.array();
        };
        if (array != w.array()) MemorySegment.copy(w.array().getSegment(), 0, array.getSegment(), lead, bytes);
        int each = array.getElementSize() / w.array().getElementSize(), at = array == w.array() ? 0 : lead / array.getElementSize();
        return new Bank(w.format(), array, w.layerStride() / each, at, w.rows(), w.cols(), w.experts(), w.expertStride() / each, w.scales(), w.grid());
    }

    /** The same numbers in planes. */
    static Bank planes(Bank w) {
        int matrix = w.rows() * Planes.rowLongs(w.format(), w.cols());
        LongArray quanta = new LongArray(LAYERS * w.experts() * matrix);
        Planes planes = Planes.of(w.format(), w.cols(), quanta, new HalfFloatArray(Planes.scales(w.format(), w.cols(), LAYERS * w.experts() * w.rows())), List.of(w.array().getSegment()), _ -> {});
        return new Bank(w.format(), quanta, w.experts() * matrix, 0, w.rows(), w.cols(), w.experts(), matrix, null, 0, planes);
    }

    /** Everything of a bank that a device must be sent. */
    static TornadoNativeArray[] arrays(Bank... banks) {
        return Stream.of(banks).flatMap(b -> Stream.of(b.array(), b.scales(), b.planes() == null ? null : b.planes().scales()))
                .filter(Objects::nonNull).toArray(TornadoNativeArray[]::new);
    }

    /** Row {@code row} of a matrix. */
    static double[] row(Bank w, int layer, int expert, int row) {
        Format f = w.format();
        int matrix = layer * w.experts() + expert, size = f.codec.blockSize();
        long at = (matrix * (long) w.rows() + row) * f.rowBytes(w.cols());
        double[] values = new double[w.cols()];
        for (int c = 0; c < values.length; c++) {
            values[c] = f.codec.at(w.array().getSegment(), at + (long) c / size * f.codec.blockBytes(), c % size);
            if (w.scales() != null) values[c] *= w.scales().get(matrix * w.grid() + row / 128 * ((w.cols() + 127) / 128) + c / 128);
        }
        return values;
    }

    /** {@code W x}, W: the matrix of the rig's layer. */
    static double[] product(Rig rig, Bank w, double[] x) {
        return IntStream.range(0, w.rows()).mapToDouble(i -> dot(row(w, rig.layer(), 0, i), x)).toArray();
    }

    /** The same of a row of the arena. */
    static double[] product(Rig rig, Bank w, Region x, int row) {
        return product(rig, w, rig.row(x, row));
    }

    /** {@code y[row] = base + W x}, to {@code tolerance} of the product of the operands' lengths, as far off as sums of rounded operands can be. */
    static void expect(Rig rig, Region y, int row, double[] base, Bank w, double[] x, double tolerance) {
        double[] product = product(rig, w, x);
        for (int i = 0; i < product.length; i++) {
            double[] weights = row(w, rig.layer(), 0, i);
            double length = Math.sqrt(dot(x, x) * dot(weights, weights));
            assertEquals(base[i] + product[i], rig.get(y, row, i), tolerance * length + 1e-6 * Math.abs(base[i]), "row " + row + ", element " + i);
        }
        rig.scratch(y, row, 0, product.length);
    }

    static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) sum += a[i] * b[i];
        return sum;
    }
}
