package squall.tornado;

import squall.quant.Format;
import squall.tornado.kernels.Planes;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * The matrices of one role, layer after layer, in one array and as they are in the file: floats for F32, shorts for F16
 * and BF16, bytes for everything else. For warps F16 is in halves, BF16 in longs of four numbers, and quantised numbers are in
 * {@link Planes} where products may round x. Weights of one format that read the same input are one matrix, stacked.
 * The matrix of layer l starts at element {@code l * layerStride + at}, that of its expert e {@code e * expertStride} further;
 * those that cuBLAS reads there start at a {@link Boundary}.
 *
 * @param rows        output features of all stacked matrices together
 * @param cols        input features
 * @param experts     1 for a plain matrix
 * @param scales      block scales of FP8, laid out as {@code squall.ops.Weight} says, else null; the grid of matrix m of the
 *                    array (layers and experts counted through) starts at {@code m * grid}
 * @param grid        floats of one matrix's scale grid
 * @param planes      what goes with quanta laid out anew, whose array is a LongArray; else null
 */
public record Bank(Format format, TornadoNativeArray array, int layerStride, int at, int rows, int cols, int experts,
                   int expertStride, FloatArray scales, int grid, Planes planes) {
    /** Of BF16. */
    static final int NUMBERS_OF_A_LONG = 4;

    /** As it is in the file. */
    public Bank(Format format, TornadoNativeArray array, int layerStride, int at, int rows, int cols, int experts, int expertStride,
                FloatArray scales, int grid) {
        this(format, array, layerStride, at, rows, cols, experts, expertStride, scales, grid, null);
    }

    public FloatArray floats() {
        return (FloatArray) array;
    }

    public ShortArray shorts() {
        return (ShortArray) array;
    }

    public ByteArray bytes() {
        return (ByteArray) array;
    }

    /** Elements of the array that one matrix row takes. */
    public int rowElements() {
        if (planes != null) return Planes.rowLongs(format, cols);
        return array instanceof LongArray ? cols / NUMBERS_OF_A_LONG : elements(format, cols);
    }

    static int elements(Format format, int values) {
        return switch (format) {
            case F32, F16, BF16 -> values;
            default -> Math.toIntExact(format.rowBytes(values));
        };
    }
}
