package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import squall.checker.Tracker;

/**
 * Memory outside the heap with a header in front, as TornadoVM's arrays have it. An array that a kernel sees is a
 * view of a device copy: its tracker looks at every access. An array of the host has no tracker.
 */
public abstract sealed class TornadoNativeArray
        permits ByteArray, CharArray, DoubleArray, FloatArray, HalfFloatArray, Int8Array, IntArray, LongArray, ShortArray {

    /** Bytes in front of the first element. */
    public static final long ARRAY_HEADER = Long.getLong("tornado.panama.objectHeader", 16);

    final MemorySegment segment;
    private final MemorySegment withHeader;
    private final Tracker tracker;
    private final int elementSize;
    private final int size;

    TornadoNativeArray(int size, int elementSize) {
        this(allocate(size, elementSize), elementSize, null);
    }

    TornadoNativeArray(int elementSize, TornadoNativeArray... parts) {
        this(total(parts), elementSize);
        long offset = 0;
        for (TornadoNativeArray part : parts) {
            MemorySegment.copy(part.segment, 0, segment, offset, part.segment.byteSize());
            offset += part.segment.byteSize();
        }
    }

    TornadoNativeArray(MemorySegment withHeader, int elementSize, Tracker tracker) {
        this.withHeader = withHeader;
        this.segment = withHeader.asSlice(ARRAY_HEADER);
        this.elementSize = elementSize;
        this.size = elementsIn(segment.byteSize(), elementSize);
        this.tracker = tracker;
    }

    private static int total(TornadoNativeArray[] parts) {
        int sum = 0;
        for (TornadoNativeArray part : parts) {
            sum = Math.addExact(sum, part.getSize());
        }
        return sum;
    }

    private static MemorySegment allocate(int size, int elementSize) {
        return headed(Arena.ofAuto().allocate(ARRAY_HEADER + (long) size * elementSize, 16), elementSize);
    }

    /** Writes the element count where TornadoVM writes it, so that a read-only mapping fails here too. */
    static MemorySegment headed(MemorySegment withHeader, int elementSize) {
        int elements = elementsIn(withHeader.byteSize() - ARRAY_HEADER, elementSize);
        withHeader.set(ValueLayout.JAVA_INT_UNALIGNED, ARRAY_HEADER - 4, elements);
        return withHeader;
    }

    static int elementsIn(long bytes, int elementSize) {
        if (bytes < 0 || bytes % elementSize != 0) {
            throw new IllegalArgumentException(bytes + " bytes are no whole number of elements of " + elementSize);
        }
        return Math.toIntExact(bytes / elementSize);
    }

    final long readAt(int index) {
        if (tracker != null) {
            tracker.read(index);
        }
        return (long) index * elementSize;
    }

    final long writeAt(int index) {
        if (tracker != null) {
            tracker.write(index);
        }
        return (long) index * elementSize;
    }

    final MemorySegment part(int offset, int length) {
        return segment.asSlice((long) offset * elementSize, (long) length * elementSize);
    }

    public int getSize() {
        return size;
    }

    public int getElementSize() {
        return elementSize;
    }

    /** The elements, without the header. */
    public MemorySegment getSegment() {
        return segment;
    }

    public MemorySegment getSegmentWithHeader() {
        return withHeader;
    }

    public long getNumBytesOfSegment() {
        return segment.byteSize();
    }

    public long getNumBytesOfSegmentWithHeader() {
        return withHeader.byteSize();
    }
}
