package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.CharBuffer;
import squall.checker.Tracker;

/** Off-heap array of char elements; 2 bytes each. */
public final class CharArray extends TornadoNativeArray {

    public CharArray(int numberOfElements) {
        super(numberOfElements, 2);
    }

    public CharArray(CharArray... arrays) {
        super(2, arrays);
    }

    CharArray(MemorySegment withHeader, Tracker tracker) {
        super(withHeader, 2, tracker);
    }

    public static CharArray fromArray(char[] values) {
        CharArray array = new CharArray(values.length);
        for (int i = 0; i < values.length; i++) {
            array.set(i, values[i]);
        }
        return array;
    }

    public static CharArray fromElements(char... values) {
        return fromArray(values);
    }

    public static CharArray fromSegment(MemorySegment segment) {
        CharArray array = new CharArray(elementsIn(segment.byteSize(), 2));
        array.segment.copyFrom(segment);
        return array;
    }

    public static CharArray fromSegmentShallow(MemorySegment segment) {
        return new CharArray(headed(segment, 2), null);
    }

    public static CharArray fromCharBuffer(CharBuffer buffer) {
        CharArray array = new CharArray(buffer.remaining());
        for (int i = 0; i < array.getSize(); i++) {
            array.set(i, buffer.get(buffer.position() + i));
        }
        return array;
    }

    public static void initialize(CharArray array, char value) {
        array.init(value);
    }

    public static CharArray concat(CharArray... arrays) {
        return new CharArray(arrays);
    }

    public char[] toHeapArray() {
        char[] values = new char[getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }

    public void set(int index, char value) {
        segment.set(ValueLayout.JAVA_CHAR_UNALIGNED, writeAt(index), value);
    }

    public char get(int index) {
        return segment.get(ValueLayout.JAVA_CHAR_UNALIGNED, readAt(index));
    }

    public void clear() {
        init((char) 0);
    }

    public void init(char value) {
        for (int i = 0; i < getSize(); i++) {
            set(i, value);
        }
    }

    public CharArray slice(int offset, int length) {
        return fromSegment(part(offset, length));
    }
}
