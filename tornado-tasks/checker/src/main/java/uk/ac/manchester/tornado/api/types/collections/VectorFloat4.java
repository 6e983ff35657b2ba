package uk.ac.manchester.tornado.api.types.collections;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.FloatBuffer;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.vectors.Float4;

/** A float array read and written 4 elements at a time. */
public final class VectorFloat4 implements TornadoCollectionInterface<FloatBuffer> {

    private final FloatArray storage;

    /** Shares the array's memory on the host; on the device this object has a copy of its own. */
    public VectorFloat4(FloatArray storage) {
        this.storage = storage;
    }

    public VectorFloat4(int numberOfVectors) {
        this(new FloatArray(4 * numberOfVectors));
    }

    public int vectorWidth() {
        return 4;
    }

    public FloatArray getArray() {
        return storage;
    }

    public Float4 get(int index) {
        int at = 4 * index;
        return new Float4(storage.get(at), storage.get(at + 1), storage.get(at + 2), storage.get(at + 3));
    }

    public void set(int index, Float4 value) {
        for (int i = 0; i < 4; i++) {
            storage.set(4 * index + i, value.get(i));
        }
    }

    public void set(VectorFloat4 other) {
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

    public VectorFloat4 duplicate() {
        return new VectorFloat4(FloatArray.fromSegment(storage.getSegment()));
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
        return storage.getSize() / 4;
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
