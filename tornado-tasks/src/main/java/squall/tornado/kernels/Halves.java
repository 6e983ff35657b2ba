package squall.tornado.kernels;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * The numbers that kernels look up because TornadoVM compiles no bit casts: element h, 0..65535, is the float of the
 * half-precision bits h.
 */
public final class Halves {
    /** Half-precision numbers in the table. */
    public static final int COUNT = 1 << 16;

    private Halves() {}

    /** A new table. */
    public static FloatArray table() {
        FloatArray table = new FloatArray(COUNT);
        for (int h = 0; h < COUNT; h++) table.set(h, Float.float16ToFloat((short) h));
        return table;
    }
}
