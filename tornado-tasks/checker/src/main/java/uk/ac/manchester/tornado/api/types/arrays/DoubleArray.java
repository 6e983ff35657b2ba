package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.DoubleBuffer;
import squall.checker.Tracker;

/** Off-heap array of double elements; 8 bytes each. */
public final class DoubleArray extends TornadoNativeArray {

    public DoubleArray(int numberOfElements) {
        super(numberOfElements, 8);
    }

    public DoubleArray(DoubleArray... arrays) {
        super(8, arrays);
    }

    DoubleArray(MemorySegment withHeader, Tracker tracker) {
        super(withHeader, 8, tracker);
    }

    public static DoubleArray fromArray(double[] values) {
        DoubleArray array = new DoubleArray(values.length);
        for (int i = 0; i < values.length; i++) {
            array.set(i, values[i]);
        }
        return array;
    }

    public static DoubleArray fromElements(double... values) {
        return fromArray(values);
    }

    public static DoubleArray fromSegment(MemorySegment segment) {
        DoubleArray array = new DoubleArray(elementsIn(segment.byteSize(), 8));
        array.segment.copyFrom(segment);
        return array;
    }

    public static DoubleArray fromSegmentShallow(MemorySegment segment) {
        return new DoubleArray(headed(segment, 8), null);
    }

    public static DoubleArray fromDoubleBuffer(DoubleBuffer buffer) {
        DoubleArray array = new DoubleArray(buffer.remaining());
        for (int i = 0; i < array.getSize(); i++) {
            array.set(i, buffer.get(buffer.position() + i));
        }
        return array;
    }

    public static void initialize(DoubleArray array, double value) {
        array.init(value);
    }

    public static DoubleArray concat(DoubleArray... arrays) {
        return new DoubleArray(arrays);
    }

    public double[] toHeapArray() {
        double[] values = new double[getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }

    public void set(int index, double value) {
        segment.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, writeAt(index), value);
    }

    public double get(int index) {
        return segment.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, readAt(index));
    }

    public void clear() {
        init(0d);
    }

    public void init(double value) {
        for (int i = 0; i < getSize(); i++) {
            set(i, value);
        }
    }

    public DoubleArray slice(int offset, int length) {
        return fromSegment(part(offset, length));
    }
}
