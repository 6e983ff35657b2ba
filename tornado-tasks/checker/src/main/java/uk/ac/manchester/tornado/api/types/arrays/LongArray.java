package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.LongBuffer;
import squall.checker.Tracker;

/** Off-heap array of long elements; 8 bytes each. */
public final class LongArray extends TornadoNativeArray {

    public LongArray(int numberOfElements) {
        super(numberOfElements, 8);
    }

    public LongArray(LongArray... arrays) {
        super(8, arrays);
    }

    LongArray(MemorySegment withHeader, Tracker tracker) {
        super(withHeader, 8, tracker);
    }

    public static LongArray fromArray(long[] values) {
        LongArray array = new LongArray(values.length);
        for (int i = 0; i < values.length; i++) {
            array.set(i, values[i]);
        }
        return array;
    }

    public static LongArray fromElements(long... values) {
        return fromArray(values);
    }

    public static LongArray fromSegment(MemorySegment segment) {
        LongArray array = new LongArray(elementsIn(segment.byteSize(), 8));
        array.segment.copyFrom(segment);
        return array;
    }

    public static LongArray fromSegmentShallow(MemorySegment segment) {
        return new LongArray(headed(segment, 8), null);
    }

    public static LongArray fromLongBuffer(LongBuffer buffer) {
        LongArray array = new LongArray(buffer.remaining());
        for (int i = 0; i < array.getSize(); i++) {
            array.set(i, buffer.get(buffer.position() + i));
        }
        return array;
    }

    public static void initialize(LongArray array, long value) {
        array.init(value);
    }

    public static LongArray concat(LongArray... arrays) {
        return new LongArray(arrays);
    }

    public long[] toHeapArray() {
        long[] values = new long[getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }

    public void set(int index, long value) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, writeAt(index), value);
    }

    public long get(int index) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, readAt(index));
    }

    public void clear() {
        init(0L);
    }

    public void init(long value) {
        for (int i = 0; i < getSize(); i++) {
            set(i, value);
        }
    }

    public LongArray slice(int offset, int length) {
        return fromSegment(part(offset, length));
    }
}
