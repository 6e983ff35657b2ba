package squall.tornado;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Keys and values of all layers of a group, in pages of {@link #SIZE} positions. Position p of slot s is in page
 * {@code table[s * pagesPerSlot + p / SIZE]}; its keys in layer l start at
 * {@code l * layerStride + (page * SIZE + p % SIZE) * kvHeads * headDim}, head after head, and so do its values.
 */
public record Pages(FloatArray keys, FloatArray values, IntArray table, int pagesPerSlot, int layerStride, int kvHeads, int headDim) {
    /** Positions of a page, a power of two. */
    public static final int SIZE = 64;
    /** Its logarithm. */
    public static final int SHIFT = 6;
}
