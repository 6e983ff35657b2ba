package squall.quant;

import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;

/**
 * Kernels that read 32 bytes as eight ints and take their bytes one column after the other: byte j of each int, j < 4.
 * To widen bytes one by one costs two operations for eight values on the processors with 256-bit vectors (Zen 2: a
 * register-to-register {@code vpmovsxbd} takes 2 of 4 pipes), a mask costs one. Activations are laid out to match: value
 * {@code 4 l + j} of 32 stands in lane l of vector j.
 */
final class ByteColumns {
    /** Kernels of this kind are for eight lanes; the other widths take rows as they lie. */
    static final boolean ON = Lanes.COUNT == 8;

    static final IntVector BYTE = IntVector.broadcast(Lanes.INTS, 0xFF);
    static final IntVector BYTE_1 = IntVector.broadcast(Lanes.INTS, 0xFF00);
    static final IntVector BYTE_2 = IntVector.broadcast(Lanes.INTS, 0xFF0000);
    static final IntVector BYTE_3 = IntVector.broadcast(Lanes.INTS, 0xFF000000);
    static final IntVector LOW = IntVector.broadcast(Lanes.INTS, 0xF);
    static final IntVector HIGH = IntVector.broadcast(Lanes.INTS, 0xF0);
    static final IntVector LOW_1 = IntVector.broadcast(Lanes.INTS, 0xF00);
    static final IntVector HIGH_1 = IntVector.broadcast(Lanes.INTS, 0xF000);

    /** What a byte of an int is multiplied with to be taken where it lies: no shift, and an exact factor of x. */
    static final float[] PER_BYTE = {1, 0x1p-8f, 0x1p-16f, 0x1p-24f};

    /** The upper half of the lanes. */
    private static final long UPPER_LANES = (1L << Lanes.COUNT) - (1L << Lanes.COUNT / 2);
    static final VectorMask<Integer> UPPER_INTS = VectorMask.fromLong(Lanes.INTS, UPPER_LANES);
    static final VectorMask<Float> UPPER_FLOATS = VectorMask.fromLong(Lanes.FLOATS, UPPER_LANES);

    /**
     * Masks an index of prepared activations. It changes nothing: they are fewer. But then the compiler knows that
     * a small number added to it stays an int, and every load has its address in one instruction instead of three.
     */
    static final int PLACE = (1 << 28) - 1;

    private ByteColumns() {}

    /**
     * {@code dst[dstAt + step * j + l] = factor * x[xAt + 4 l + j]}: 32 values as four vectors.
     */
    static void lay(float[] dst, int dstAt, int step, float[] x, int xAt, float factor) {
        for (int l = 0; l < 8; l++)
            for (int j = 0; j < 4; j++) dst[dstAt + step * j + l] = factor * x[xAt + 4 * l + j];
    }

    /** {@code dst[dstAt + l] = factor * sum over j of x[xAt + 4 l + j]}: what an offset of the stored values comes to, by lanes. */
    static void sums(float[] dst, int dstAt, float[] x, int xAt, float factor) {
        for (int l = 0; l < 8; l++) {
            int at = xAt + 4 * l;
            dst[dstAt + l] = factor * (x[at] + x[at + 1] + (x[at + 2] + x[at + 3]));
        }
    }
}
