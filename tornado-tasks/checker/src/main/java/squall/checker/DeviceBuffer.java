package squall.checker;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * The device's copy of one argument, apart from the host's array, with a note of which elements were ever written.
 * An unwritten byte holds 0x7B, so that garbage that is brought back looks like garbage (7B7B7B7B is 1.3e36).
 */
final class DeviceBuffer {

    private static final byte GARBAGE = 0x7B;

    private final MemorySegment memory;
    private final int size;
    private final BitSet written;
    private int missing;
    private String whyEmpty;
    private boolean changedByKernel;

    DeviceBuffer(TornadoNativeArray host, String whyEmpty) {
        this.memory = Arena.ofAuto().allocate(host.getNumBytesOfSegmentWithHeader(), 16);
        this.size = host.getSize();
        this.written = new BitSet(size);
        this.missing = size;
        this.whyEmpty = whyEmpty;
        memory.fill(GARBAGE);
    }

    MemorySegment memory() {
        return memory;
    }

    int size() {
        return size;
    }

    boolean isWritten(int index) {
        return missing == 0 || written.get(index);
    }

    void markWritten(int index) {
        changedByKernel = true;
        if (missing > 0 && !written.get(index)) {
            written.set(index);
            missing--;
        }
    }

    /** From now on an element counts as one that nobody wrote. */
    void markEmpty(int index, String why) {
        if (written.get(index)) {
            written.clear(index);
            missing++;
        }
        whyEmpty = why;
    }

    /** First element nobody wrote, or -1. */
    int firstEmpty() {
        return missing == 0 ? -1 : written.nextClearBit(0);
    }

    int emptyElements() {
        return missing;
    }

    String whyEmpty() {
        return whyEmpty;
    }

    boolean changedByKernel() {
        return changedByKernel;
    }

    long bytes() {
        return memory.byteSize();
    }

    void upload(TornadoNativeArray host) {
        MemorySegment.copy(host.getSegmentWithHeader(), 0, memory, 0, memory.byteSize());
        written.set(0, size);
        missing = 0;
    }

    /** Copies elements back; what nobody wrote arrives as garbage, as on a device. */
    void download(TornadoNativeArray host, long offsetBytes, long bytes) {
        MemorySegment.copy(memory, offsetBytes, host.getSegmentWithHeader(), offsetBytes, bytes);
        if (offsetBytes == 0) {
            host.getSegmentWithHeader().set(ValueLayout.JAVA_INT_UNALIGNED, TornadoNativeArray.ARRAY_HEADER - 4, size);
        }
    }
}
