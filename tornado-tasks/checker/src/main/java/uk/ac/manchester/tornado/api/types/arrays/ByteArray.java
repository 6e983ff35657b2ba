package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import squall.checker.Tracker;
import uk.ac.manchester.tornado.api.types.HalfFloat;

/** Off-heap array of byte elements; 1 byte each. */
public final class ByteArray extends TornadoNativeArray {

    public ByteArray(int numberOfElements) {
        super(numberOfElements, 1);
    }

    public ByteArray(ByteArray... arrays) {
        super(1, arrays);
    }

    ByteArray(MemorySegment withHeader, Tracker tracker) {
        super(withHeader, 1, tracker);
    }

    public static ByteArray fromArray(byte[] values) {
        ByteArray array = new ByteArray(values.length);
        for (int i = 0; i < values.length; i++) {
            array.set(i, values[i]);
        }
        return array;
    }

    public static ByteArray fromElements(byte... values) {
        return fromArray(values);
    }

    public static ByteArray fromSegment(MemorySegment segment) {
        ByteArray array = new ByteArray(elementsIn(segment.byteSize(), 1));
        array.segment.copyFrom(segment);
        return array;
    }

    public static ByteArray fromSegmentShallow(MemorySegment segment) {
        return new ByteArray(headed(segment, 1), null);
    }

    public static ByteArray fromByteBuffer(ByteBuffer buffer) {
        ByteArray array = new ByteArray(buffer.remaining());
        for (int i = 0; i < array.getSize(); i++) {
            array.set(i, buffer.get(buffer.position() + i));
        }
        return array;
    }

    public static void initialize(ByteArray array, byte value) {
        array.init(value);
    }

    public static ByteArray concat(ByteArray... arrays) {
        return new ByteArray(arrays);
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

    public ByteArray slice(int offset, int length) {
        return fromSegment(part(offset, length));
    }

    /** Two bytes from {@code index} (in bytes), low byte first. */
    public HalfFloat getHalfFloat(int index) {
        readAt(index + 1);
        return new HalfFloat(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, readAt(index)));
    }

    public void setHalfFloat(int index, HalfFloat value) {
        writeAt(index + 1);
        segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, writeAt(index), value.getHalfFloatValue());
    }
}
