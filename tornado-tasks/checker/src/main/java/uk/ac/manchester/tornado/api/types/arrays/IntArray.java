package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.IntBuffer;
import squall.checker.Tracker;

/** Off-heap array of int elements; 4 bytes each. */
public final class IntArray extends TornadoNativeArray {

    public IntArray(int numberOfElements) {
        super(numberOfElements, 4);
    }

    public IntArray(IntArray... arrays) {
        super(4, arrays);
    }

    IntArray(MemorySegment withHeader, Tracker tracker) {
        super(withHeader, 4, tracker);
    }

    public static IntArray fromArray(int[] values) {
        IntArray array = new IntArray(values.length);
        for (int i = 0; i < values.length; i++) {
            array.set(i, values[i]);
        }
        return array;
    }

    public static IntArray fromElements(int... values) {
        return fromArray(values);
    }

    public static IntArray fromSegment(MemorySegment segment) {
        IntArray array = new IntArray(elementsIn(segment.byteSize(), 4));
        array.segment.copyFrom(segment);
        return array;
    }

    public static IntArray fromSegmentShallow(MemorySegment segment) {
        return new IntArray(headed(segment, 4), null);
    }

    public static IntArray fromIntBuffer(IntBuffer buffer) {
        IntArray array = new IntArray(buffer.remaining());
        for (int i = 0; i < array.getSize(); i++) {
            array.set(i, buffer.get(buffer.position() + i));
        }
        return array;
    }

    public static void initialize(IntArray array, int value) {
        array.init(value);
    }

    public static IntArray concat(IntArray... arrays) {
        return new IntArray(arrays);
    }

    public int[] toHeapArray() {
        int[] values = new int[getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }

    public void set(int index, int value) {
        segment.set(ValueLayout.JAVA_INT_UNALIGNED, writeAt(index), value);
    }

    public int get(int index) {
        return segment.get(ValueLayout.JAVA_INT_UNALIGNED, readAt(index));
    }

    public void clear() {
        init(0);
    }

    public void init(int value) {
        for (int i = 0; i < getSize(); i++) {
            set(i, value);
        }
    }

    public IntArray slice(int offset, int length) {
        return fromSegment(part(offset, length));
    }
}
