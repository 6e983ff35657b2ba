package squall.tornado;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Memory behind the arrays of a device. TornadoVM wants all of an array on this side, also of one that the device alone reads
 * and writes; and an array that it makes is filled with zeros, by one thread. Memory from the system's allocator is zero as well, but
 * takes no room before something is written to it.
 */
final class HostMemory {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle CALLOC = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("calloc"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle FREE = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("free"),
            FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));

    private HostMemory() {}

    static FloatArray floats(int n) {
        return FloatArray.fromSegmentShallow(of((long) Float.BYTES * n));
    }

    static HalfFloatArray halves(int n) {
        return HalfFloatArray.fromSegmentShallow(of((long) Short.BYTES * n));
    }

    /** Room for so many bytes of an array behind its header; freed when nothing refers to it any more. */
    static MemorySegment of(long bytes) {
        long all = TornadoNativeArray.ARRAY_HEADER + bytes;
        MemorySegment start = calloc(all);
        if (start.address() == 0) throw new OutOfMemoryError("the system has no " + (all >> 20) + " MiB for an array of the device");
        return start.reinterpret(all, Arena.ofAuto(), HostMemory::free);
    }

    private static MemorySegment calloc(long bytes) {
        try {
            return (MemorySegment) CALLOC.invokeExact(1L, bytes);
        } catch (Throwable e) {
            throw new IllegalStateException("calloc cannot be called", e);
        }
    }

    private static void free(MemorySegment start) {
        try {
            FREE.invokeExact(start);
        } catch (Throwable e) {
            throw new IllegalStateException("free cannot be called", e);
        }
    }
}
