package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ShortBuffer;
import squall.checker.Tracker;

/** Off-heap array of short elements; 2 bytes each. */
public final class ShortArray extends TornadoNativeArray {

    public ShortArray(int numberOfElements) {
        super(numberOfElements, 2);
    }

    public ShortArray(ShortArray... arrays) {
        super(2, arrays);
    }

    ShortArray(MemorySegment withHeader, Tracker tracker) {
        super(withHeader, 2, tracker);
    }

    public static ShortArray fromArray(short[] values) {
        ShortArray array = new ShortArray(values.length);
        for (int i = 0; i < values.length; i++) {
            array.set(i, values[i]);
        }
        return array;
    }

    public static ShortArray fromElements(short... values) {
        return fromArray(values);
    }

    public static ShortArray fromSegment(MemorySegment segment) {
        ShortArray array = new ShortArray(elementsIn(segment.byteSize(), 2));
        array.segment.copyFrom(segment);
        return array;
    }

    public static ShortArray fromSegmentShallow(MemorySegment segment) {
        return new ShortArray(headed(segment, 2), null);
    }

    public static ShortArray fromShortBuffer(ShortBuffer buffer) {
        ShortArray array = new ShortArray(buffer.remaining());
        for (int i = 0; i < array.getSize(); i++) {
            array.set(i, buffer.get(buffer.position() + i));
        }
        return array;
    }

    public static void initialize(ShortArray array, short value) {
        array.init(value);
    }

    public static ShortArray concat(ShortArray... arrays) {
        return new ShortArray(arrays);
    }

    public short[] toHeapArray() {
        short[] values = new short[getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }

    public void set(int index, short value) {
        segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, writeAt(index), value);
    }

    public short get(int index) {
        return segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, readAt(index));
    }

    public void clear() {
        init((short) 0);
    }

    public void init(short value) {
        for (int i = 0; i < getSize(); i++) {
            set(i, value);
        }
    }

    public ShortArray slice(int offset, int length) {
        return fromSegment(part(offset, length));
    }
}
