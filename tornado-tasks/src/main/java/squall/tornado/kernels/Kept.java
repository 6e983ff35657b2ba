package squall.tornado.kernels;

import squall.tornado.Pages;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/**
 * Keys and values as {@link Pages} keep them, in float32 or in half precision: kernels take an array of each type, one of which
 * is nothing, and a constant that says which. TornadoVM leaves out the code for the other.
 */
final class Kept {
    // one for keys and one for values: a task that writes one array by two arguments waits for itself, and TornadoVM for ever
    private static final FloatArray NO_KEYS = new FloatArray(1);
    private static final FloatArray NO_VALUES = new FloatArray(1);
    private static final HalfFloatArray NO_HALF_KEYS = new HalfFloatArray(1);
    private static final HalfFloatArray NO_HALF_VALUES = new HalfFloatArray(1);

    private Kept() {}

    /** A graph that has what stands for arrays that are not there; before a task with pages. */
    static TaskGraph ready(TaskGraph g, Pages pages) {
        return pages.isHalf() ? g.transferToDevice(DataTransferMode.FIRST_EXECUTION, NO_KEYS, NO_VALUES)
                : g.transferToDevice(DataTransferMode.FIRST_EXECUTION, NO_HALF_KEYS, NO_HALF_VALUES);
    }

    static FloatArray keys(Pages pages) {
        return pages.isHalf() ? NO_KEYS : (FloatArray) pages.keys();
    }

    static FloatArray values(Pages pages) {
        return pages.isHalf() ? NO_VALUES : (FloatArray) pages.values();
    }

    static HalfFloatArray halfKeys(Pages pages) {
        return pages.isHalf() ? (HalfFloatArray) pages.keys() : NO_HALF_KEYS;
    }

    static HalfFloatArray halfValues(Pages pages) {
        return pages.isHalf() ? (HalfFloatArray) pages.values() : NO_HALF_VALUES;
    }

    /** 1 for half precision, as an argument of a task; a kernel cannot call it half, which is a type of OpenCL's. */
    static int half(Pages pages) {
        return pages.isHalf() ? 1 : 0;
    }

    // ---- in kernels

    static float get(FloatArray floats, HalfFloatArray halves, int half, int at) {
        float value = 0f;
        if (half == 1) value = halves.get(at).getFloat32();
        if (half == 0) value = floats.get(at);
        return value;
    }

    static void set(FloatArray floats, HalfFloatArray halves, int half, int at, float value) {
        if (half == 1) halves.set(at, new HalfFloat(value));
        if (half == 0) floats.set(at, value);
    }
}
