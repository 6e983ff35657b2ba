package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import squall.checker.Tracker;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/** Off-heap array of HalfFloat elements; 2 bytes each. */
public final class HalfFloatArray extends TornadoNativeArray {

    public HalfFloatArray(int numberOfElements) {
        super(numberOfElements, 2);
    }

    public HalfFloatArray(HalfFloatArray... arrays) {
        super(2, arrays);
    }

    HalfFloatArray(MemorySegment withHeader, Tracker tracker) {
        super(withHeader, 2, tracker);
    }

    public static HalfFloatArray fromArray(HalfFloat[] values) {
        HalfFloatArray array = new HalfFloatArray(values.length);
        for (int i = 0; i < values.length; i++) {
            array.set(i, values[i]);
        }
        return array;
    }

    public static HalfFloatArray fromElements(HalfFloat... values) {
        return fromArray(values);
    }

    public static HalfFloatArray fromSegment(MemorySegment segment) {
        HalfFloatArray array = new HalfFloatArray(elementsIn(segment.byteSize(), 2));
        array.segment.copyFrom(segment);
        return array;
    }

    public static HalfFloatArray fromSegmentShallow(MemorySegment segment) {
        return new HalfFloatArray(headed(segment, 2), null);
    }

    public static void initialize(HalfFloatArray array, HalfFloat value) {
        array.init(value);
    }

    public static HalfFloatArray concat(HalfFloatArray... arrays) {
        return new HalfFloatArray(arrays);
    }

    public HalfFloat[] toHeapArray() {
        HalfFloat[] values = new HalfFloat[getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }

    public void set(int index, HalfFloat value) {
        segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, writeAt(index), value.getHalfFloatValue());
    }

    public HalfFloat get(int index) {
        return new HalfFloat(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, readAt(index)));
    }

    public void clear() {
        init(new HalfFloat((short) 0));
    }

    public void init(HalfFloat value) {
        for (int i = 0; i < getSize(); i++) {
            set(i, value);
        }
    }

    public HalfFloatArray slice(int offset, int length) {
        return fromSegment(part(offset, length));
    }

    /** Elements {@code index} and {@code index + 1}. */
    public Half2 getHalf2(int index) {
        return new Half2(get(index), get(index + 1));
    }

    public void setHalf2(int index, Half2 value) {
        set(index, value.getX());
        set(index + 1, value.getY());
    }

    public short[] toShortArray() {
        short[] values = new short[getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i).getHalfFloatValue();
        }
        return values;
    }
}
