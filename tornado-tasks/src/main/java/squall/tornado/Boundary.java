package squall.tornado;

import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Places in arrays of the device at which cuBLAS's operands and results start: at multiples of {@value #BYTES} bytes, where it has faster
 * kernels for them (18432 x 2560 in BF16 with 4096 rows on an H200: 563 us, and 653 with all three 16 bytes off). Memory of a device starts
 * at one; TornadoVM puts the array's header there, so that no element 0 does.
 */
public final class Boundary {
    public static final int BYTES = 256;

    private Boundary() {}

    /** The first element at a boundary, elements being of {@code size} bytes. */
    public static int first(int size) {
        return Math.toIntExact((BYTES - TornadoNativeArray.ARRAY_HEADER) / size);
    }

    /** The first one from element {@code at} on. */
    public static int next(int at, int size) {
        int each = BYTES / size, first = first(size);
        return at <= first ? first : Math.addExact(first, (at - first + each - 1) / each * each);
    }
}
