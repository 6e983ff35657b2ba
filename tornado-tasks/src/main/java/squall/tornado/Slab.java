package squall.tornado;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * State of fixed size (S or a convolution window) of all layers of a group and all slots: that of layer l and slot s starts
 * at {@code l * layerStride + s * slotStride}. What a slot holds counts from position 1 on: a segment that starts at
 * position 0 starts from zeros, whatever is stored.
 */
public record Slab(FloatArray array, int layerStride, int slotStride) {}
