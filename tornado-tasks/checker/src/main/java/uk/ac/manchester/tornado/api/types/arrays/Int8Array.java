package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import squall.checker.Tracker;

/** Off-heap array of byte elements; 1 byte each. */
public final class Int8Array extends TornadoNativeArray {

    public Int8Array(int numberOfElements) {
        super(numberOfElements, 1);
    }

    public Int8Array(Int8Array... arrays) {
        super(1, arrays);
    }

    Int8Array(MemorySegment withHeader, Tracker tracker) {
        super(withHeader, 1, tracker);
    }

    public static Int8Array fromArray(byte[] values) {
        Int8Array array = new Int8Array(values.length);
        for (int i = 0; i < values.length; i++) {
            array.set(i, values[i]);
        }
        return array;
    }

    public static Int8Array fromElements(byte... values) {
        return fromArray(values);
    }

    public static Int8Array fromSegment(MemorySegment segment) {
        Int8Array array = new Int8Array(elementsIn(segment.byteSize(), 1));
        array.segment.copyFrom(segment);
        return array;
    }

    public static Int8Array fromSegmentShallow(MemorySegment segment) {
        return new Int8Array(headed(segment, 1), null);
    }

    public static void initialize(Int8Array array, byte value) {
        array.init(value);
    }

    public static Int8Array concat(Int8Array... arrays) {
        return new Int8Array(arrays);
    }

    public byte[] toHeapArray() {
        byte[] values = new byte[getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }

    public void set(int index, byte value) {
        segment.set(ValueLayout.JAVA_BYTE, writeAt(index), value);
    }

    public byte get(int index) {
        return segment.get(ValueLayout.JAVA_BYTE, readAt(index));
    }

    public void clear() {
        init((byte) 0);
    }

    public void init(byte value) {
        for (int i = 0; i < getSize(); i++) {
            set(i, value);
        }
    }

    public Int8Array slice(int offset, int length) {
        return fromSegment(part(offset, length));
    }
}
