package squall.tornado;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * A small weight of a layer (a norm, convolution taps, gate constants) in float32, for all layers of a group in one array:
 * element i of layer l is {@code array[l * layerStride + at + i]}.
 */
public record Small(FloatArray array, int layerStride, int at, int size) {}
