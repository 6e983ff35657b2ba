package squall.tornado;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static squall.tornado.StatusCall.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * Graphs of NVIDIA's driver by its handles: of what was taken down on a stream, and of what the device can start, which is made of that. Both stay
 * until they are let go of. The calling thread's context is theirs.
 */
final class CudaGraph {
    /** Functions of the driver; linked when the first graph is made. */
    private static final class Calls {
        static final MethodHandle READY, START, FORGET, DISCARD;

        static {
            SymbolLookup driver = StatusCall.driver();
            READY = StatusCall.link(driver, "cuGraphInstantiateWithFlags", ADDRESS, JAVA_LONG, JAVA_LONG);
            START = StatusCall.link(driver, "cuGraphLaunch", JAVA_LONG, JAVA_LONG);
            FORGET = StatusCall.link(driver, "cuGraphExecDestroy", JAVA_LONG);
            DISCARD = StatusCall.link(driver, "cuGraphDestroy", JAVA_LONG);
        }
    }

    private CudaGraph() {}

    /** What the device can start, made of what was taken down, which stays. */
    static long ready(long taken) {
        try (Arena memory = Arena.ofConfined()) {
            MemorySegment made = memory.allocate(JAVA_LONG);
            check("cuGraphInstantiate", () -> (int) Calls.READY.invokeExact(made, taken, 0L));
            return made.get(JAVA_LONG, 0);
        }
    }

    /** Hands it to a stream. */
    static void start(long ready, long stream) {
        check("cuGraphLaunch", () -> (int) Calls.START.invokeExact(ready, stream));
    }

    /** Lets go of what was {@link #ready}. */
    static void forget(long ready) {
        check("cuGraphExecDestroy", () -> (int) Calls.FORGET.invokeExact(ready));
    }

    /** Lets go of what was taken down. */
    static void discard(long taken) {
        check("cuGraphDestroy", () -> (int) Calls.DISCARD.invokeExact(taken));
    }
}
