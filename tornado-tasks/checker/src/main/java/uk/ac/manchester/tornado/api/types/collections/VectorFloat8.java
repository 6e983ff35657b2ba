package uk.ac.manchester.tornado.api.types.collections;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.FloatBuffer;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.vectors.Float8;

/** A float array read and written 8 elements at a time. */
public final class VectorFloat8 implements TornadoCollectionInterface<FloatBuffer> {

    private final FloatArray storage;

    /** Shares the array's memory on the host; on the device this object has a copy of its own. */
    public VectorFloat8(FloatArray storage) {
        this.storage = storage;
    }

    public VectorFloat8(int numberOfVectors) {
        this(new FloatArray(8 * numberOfVectors));
    }

    public int vectorWidth() {
        return 8;
    }

    public FloatArray getArray() {
        return storage;
    }

    public Float8 get(int index) {
        int at = 8 * index;
        return new Float8(storage.get(at), storage.get(at + 1), storage.get(at + 2), storage.get(at + 3),
                storage.get(at + 4), storage.get(at + 5), storage.get(at + 6), storage.get(at + 7));
    }

    public void set(int index, Float8 value) {
        for (int i = 0; i < 8; i++) {
            storage.set(8 * index + i, value.get(i));
        }
    }

    public void set(VectorFloat8 other) {
        set(other.storage);
    }

    public void set(FloatArray values) {
        for (int i = 0; i < storage.getSize(); i++) {
            storage.set(i, values.get(i));
        }
    }

    public void fill(float value) {
        storage.init(value);
    }

    public VectorFloat8 duplicate() {
        return new VectorFloat8(FloatArray.fromSegment(storage.getSegment()));
    }

    @Override
    public void loadFromBuffer(FloatBuffer buffer) {
        set(FloatArray.fromFloatBuffer(buffer));
    }

    @Override
    public FloatBuffer asBuffer() {
        return FloatBuffer.wrap(storage.getSegment().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED));
    }

    @Override
    public int size() {
        return storage.getSize();
    }

    /** Number of vectors. */
    public int getLength() {
        return storage.getSize() / 8;
    }

    public void clear() {
        storage.clear();
    }

    @Override
    public long getNumBytes() {
        return storage.getNumBytesOfSegment();
    }

    @Override
    public long getNumBytesWithHeader() {
        return storage.getNumBytesOfSegmentWithHeader();
    }

    @Override
    public MemorySegment getSegment() {
        return storage.getSegment();
    }

    @Override
    public MemorySegment getSegmentWithHeader() {
        return storage.getSegmentWithHeader();
    }
}
