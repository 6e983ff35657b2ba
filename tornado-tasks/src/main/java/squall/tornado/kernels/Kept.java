package squall.tornado.kernels;

import squall.tornado.Pages;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Keys and values as {@link Pages} keep them, in float32 or in half precision: kernels take an array of each type, one of which
 * is nothing, and a constant that says which. TornadoVM leaves out the code for the other.
 */
final class Kept {
    private static final FloatArray NO_FLOATS = new FloatArray(1);
    private static final HalfFloatArray NO_HALVES = new HalfFloatArray(1);

    private Kept() {}

    /** A graph that has what stands for arrays that are not there; before a task with pages. */
    static TaskGraph ready(TaskGraph g, Pages pages) {
        return g.transferToDevice(DataTransferMode.FIRST_EXECUTION, pages.isHalf() ? NO_FLOATS : NO_HALVES);
    }

    static FloatArray floats(TornadoNativeArray kept) {
        return kept instanceof FloatArray floats ? floats : NO_FLOATS;
    }

    static HalfFloatArray halves(TornadoNativeArray kept) {
        return kept instanceof HalfFloatArray halves ? halves : NO_HALVES;
    }

    /** 1 for half precision, as an argument of a task. */
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
