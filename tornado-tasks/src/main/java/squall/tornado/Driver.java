package squall.tornado;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.util.List;

/**
 * Asks the drivers of this machine whether a TornadoVM backend could start on them. A backend that cannot start takes
 * TornadoVM with it for the life of the JVM, and a broken driver may take the process: so this runs in a process of its own,
 * {@link ArgumentFile}'s.
 */
final class Driver {
    private static final long ALL_DEVICES = 0xFFFFFFFFL;

    private Driver() {}

    /** Why this backend of the SDK cannot be used here, in one sentence, or null. */
    static String whyUnusable(Sdk sdk, String backend) {
        String why = switch (backend) {
            case "opencl" -> opencl();
            case "cuda", "ptx" -> cuda();
            default -> null;
        };
        return why == null ? unloadable(sdk, backend) : why;
    }

    private static String opencl() {
        SymbolLookup library = library("libOpenCL.so.1", "libOpenCL.so", "/System/Library/Frameworks/OpenCL.framework/OpenCL");
        if (library == null)
            return "there is no OpenCL loader (libOpenCL.so.1); install ocl-icd-libopencl1 and a driver, or pocl-opencl-icd for the processor";
        try (Arena arena = Arena.ofConfined()) {
            MethodHandle platforms = function(library, "clGetPlatformIDs", JAVA_INT, ADDRESS, ADDRESS);
            MethodHandle devices = function(library, "clGetDeviceIDs", ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS);
            MemorySegment count = arena.allocate(JAVA_INT);
            int code = (int) platforms.invokeExact(0, MemorySegment.NULL, count);
            int found = code == 0 ? count.get(JAVA_INT, 0) : 0;
            if (found == 0) return "no OpenCL driver is installed; pocl-opencl-icd is one for the processor";
            MemorySegment ids = arena.allocate(ADDRESS, found);
            int _ = (int) platforms.invokeExact(found, ids, MemorySegment.NULL);
            for (int p = 0; p < found; p++) {
                int _ = (int) devices.invokeExact(ids.getAtIndex(ADDRESS, p), ALL_DEVICES, 0, MemorySegment.NULL, count.fill((byte) 0));
                if (count.get(JAVA_INT, 0) > 0) return null;
            }
            return "the OpenCL drivers here (" + found + ") have no device";
        } catch (Throwable e) {
            return "OpenCL does not answer: " + e;
        }
    }

    private static String cuda() {
        SymbolLookup library = library("libcuda.so.1", "libcuda.so");
        if (library == null) return "NVIDIA's driver (libcuda.so.1) is not installed";
        try (Arena arena = Arena.ofConfined()) {
            int code = (int) function(library, "cuInit", JAVA_INT).invokeExact(0);
            if (code != 0) return "NVIDIA's driver does not start, cuInit returned " + code;
            MemorySegment count = arena.allocate(JAVA_INT);
            int _ = (int) function(library, "cuDeviceGetCount", ADDRESS).invokeExact(count);
            return count.get(JAVA_INT, 0) > 0 ? null : "NVIDIA's driver has no device";
        } catch (Throwable e) {
            return "NVIDIA's driver does not answer: " + e;
        }
    }

    /** A library that the SDK's own one needs may be missing, such as CUDA's run-time compiler. */
    private static String unloadable(Sdk sdk, String backend) {
        if (!Files.exists(sdk.library(backend))) return null;
        try {
            System.load(sdk.library(backend).toAbsolutePath().toString());
            return null;
        } catch (UnsatisfiedLinkError e) {
            return "the SDK's library does not load, " + e.getMessage();
        }
    }

    private static SymbolLookup library(String... names) {
        for (String name : List.of(names)) {
            try {
                return SymbolLookup.libraryLookup(name, Arena.global());
            } catch (IllegalArgumentException e) {
                // the next name, if there is one
            }
        }
        return null;
    }

    private static MethodHandle function(SymbolLookup library, String name, ValueLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name),
                FunctionDescriptor.of(JAVA_INT, (MemoryLayout[]) arguments));
    }
}
