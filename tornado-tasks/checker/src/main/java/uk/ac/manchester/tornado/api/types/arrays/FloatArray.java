package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.FloatBuffer;
import squall.checker.Tracker;

/** Off-heap array of float elements; 4 bytes each. */
public final class FloatArray extends TornadoNativeArray {

    public FloatArray(int numberOfElements) {
        super(numberOfElements, 4);
    }

    public FloatArray(FloatArray... arrays) {
        super(4, arrays);
    }

    FloatArray(MemorySegment withHeader, Tracker tracker) {
        super(withHeader, 4, tracker);
    }

    public static FloatArray fromArray(float[] values) {
        FloatArray array = new FloatArray(values.length);
        for (int i = 0; i < values.length; i++) {
            array.set(i, values[i]);
        }
        return array;
    }

    public static FloatArray fromElements(float... values) {
        return fromArray(values);
    }

    public static FloatArray fromSegment(MemorySegment segment) {
        FloatArray array = new FloatArray(elementsIn(segment.byteSize(), 4));
        array.segment.copyFrom(segment);
        return array;
    }

    public static FloatArray fromSegmentShallow(MemorySegment segment) {
        return new FloatArray(headed(segment, 4), null);
    }

    public static FloatArray fromFloatBuffer(FloatBuffer buffer) {
        FloatArray array = new FloatArray(buffer.remaining());
        for (int i = 0; i < array.getSize(); i++) {
            array.set(i, buffer.get(buffer.position() + i));
        }
        return array;
    }

    public static void initialize(FloatArray array, float value) {
        array.init(value);
    }

    public static FloatArray concat(FloatArray... arrays) {
        return new FloatArray(arrays);
    }

    public float[] toHeapArray() {
        float[] values = new float[getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }

    public void set(int index, float value) {
        segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, writeAt(index), value);
    }

    public float get(int index) {
        return segment.get(ValueLayout.JAVA_FLOAT_UNALIGNED, readAt(index));
    }

    public void clear() {
        init(0f);
    }

    public void init(float value) {
        for (int i = 0; i < getSize(); i++) {
            set(i, value);
        }
    }

    public FloatArray slice(int offset, int length) {
        return fromSegment(part(offset, length));
    }
}
