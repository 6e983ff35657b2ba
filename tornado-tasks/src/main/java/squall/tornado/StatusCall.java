package squall.tornado;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** A call of a native function that returns 0 where it went well, as NVIDIA's do. */
@FunctionalInterface
interface StatusCall {
    int status() throws Throwable;

    /** NVIDIA's driver, while the process lives. */
    static SymbolLookup driver() {
        return SymbolLookup.libraryLookup("libcuda.so.1", Arena.global());
    }

    /** The function, by its name in the library. */
    static MethodHandle link(SymbolLookup library, String function, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(function), FunctionDescriptor.of(JAVA_INT, arguments));
    }

    /** Makes the call, and fails where it does. */
    static void check(String function, StatusCall call) {
        int status = statusOf(function, call);
        if (status != 0) throw new IllegalStateException(function + " failed with status " + status);
    }

    /** Makes the call; what it returns. */
    static int statusOf(String function, StatusCall call) {
        try {
            return call.status();
        } catch (Throwable e) {
            throw new IllegalStateException(function + " could not be called: " + e, e);
        }
    }
}
