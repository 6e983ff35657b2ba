package squall.tornado;

import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Keys and values of all layers of a group, in pages of {@link #SIZE} positions. Position p of slot s is in page
 * {@code table[s * pagesPerSlot + p / SIZE]}; its keys in layer l start at
 * {@code l * layerStride + (page * SIZE + p % SIZE) * kvHeads * headDim}, head after head, and so do its values.
 *
 * @param keys, values FloatArrays or HalfFloatArrays, both alike
 */
public record Pages(TornadoNativeArray keys, TornadoNativeArray values, IntArray table, int pagesPerSlot, int layerStride, int kvHeads,
                    int headDim) {
    /** Positions of a page, a power of two. */
    public static final int SIZE = 64;
    /** Its logarithm. */
    public static final int SHIFT = 6;

    /** Whether keys and values are kept in half precision. */
    public boolean isHalf() {
        return keys instanceof HalfFloatArray;
    }
}
