package uk.ac.manchester.tornado.api;

import uk.ac.manchester.tornado.api.exceptions.TornadoRuntimeException;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** A slice of an array, in elements, to bring back from the device. No size means up to the end. */
public class DataRange {

    private final TornadoNativeArray array;
    private long offset;
    private long size;
    private long offsetBytes = -1;
    private long sizeBytes;

    public DataRange(TornadoNativeArray array) {
        this.array = array;
    }

    public DataRange withOffset(long elements) {
        this.offset = elements;
        return this;
    }

    public DataRange withSize(long elements) {
        this.size = elements;
        return this;
    }

    /** Bytes from the start of the header; after {@link #materialize()}. */
    public long getOffset() {
        requireMaterialized();
        return offsetBytes;
    }

    /** Bytes; after {@link #materialize()}. */
    public long getPartialSize() {
        requireMaterialized();
        return sizeBytes;
    }

    private void requireMaterialized() {
        if (offsetBytes < 0) {
            throw new TornadoRuntimeException("a data range has no bytes before materialize()");
        }
    }

    public void materialize() {
        long bytes = array.getNumBytesOfSegment();
        sizeBytes = size == 0 ? bytes : size * array.getElementSize();
        long from = offset * array.getElementSize();
        if (from + sizeBytes > bytes) {
            throw new TornadoRuntimeException("elements " + offset + " to " + (offset + sizeBytes / array.getElementSize())
                    + " of an array of " + array.getSize() + ": give an offset a size that fits");
        }
        offsetBytes = TornadoNativeArray.ARRAY_HEADER + from;
    }

    public TornadoNativeArray getArray() {
        return array;
    }
}
