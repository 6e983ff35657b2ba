package squall.tornado;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static squall.tornado.StatusCall.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.stream.Stream;

/**
 * A stream of NVIDIA's driver, and the graphs that are taken down of what is handed to it.
 *
 * @param context the driver's handle of what the stream belongs to
 * @param stream  its own
 */
record CudaStream(long context, long stream) {
    // as cuda.h numbers it
    private static final int TAKEN_DOWN = 1;

    /** The driver's functions; null where it cannot copy what is being taken down. */
    private static final class Calls {
        private static final SymbolLookup DRIVER = StatusCall.driver();
        private static final boolean COPIES = Stream.of("cuStreamGetCaptureInfo_v2", "cuGraphClone").allMatch(f -> DRIVER.find(f).isPresent());
        static final MethodHandle STATE = of("cuStreamGetCaptureInfo_v2", JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
        static final MethodHandle COPY = of("cuGraphClone", ADDRESS, JAVA_LONG);
        static final MethodHandle CURRENT = of("cuCtxSetCurrent", JAVA_LONG);
        static final MethodHandle FETCH = of("cuMemcpyDtoHAsync_v2", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
        static final MethodHandle AWAIT = of("cuStreamSynchronize", JAVA_LONG);

        private static MethodHandle of(String function, MemoryLayout... arguments) {
            return COPIES ? StatusCall.link(DRIVER, function, arguments) : null;
        }
    }

    /** A copy of the graph that is being taken down, as far as it goes; 0 where what is handed to the stream is done at once. */
    long copy() {
        if (Calls.STATE == null) return 0;
        try (Arena memory = Arena.ofConfined()) {
            MemorySegment state = memory.allocate(JAVA_INT), graph = memory.allocate(JAVA_LONG), rest = memory.allocate(JAVA_LONG, 3);
            check("cuStreamGetCaptureInfo", () -> (int) Calls.STATE.invokeExact(stream, state, rest, graph, rest.asSlice(8), rest.asSlice(16)));
            if (state.get(JAVA_INT, 0) != TAKEN_DOWN) return 0;
            MemorySegment made = memory.allocate(JAVA_LONG);
            long taken = graph.get(JAVA_LONG, 0);
            check("cuGraphClone", () -> (int) Calls.COPY.invokeExact(made, taken));
            return made.get(JAVA_LONG, 0);
        }
    }

    /** What the device can start, made of a copy, which is no more. */
    long ready(long copy) {
        check("cuCtxSetCurrent", () -> (int) Calls.CURRENT.invokeExact(context));
        long made = CudaGraph.ready(copy);
        CudaGraph.discard(copy);
        return made;
    }

    /** Plays graphs one behind the other, then brings what is at {@code from} on the device; returns when it is there. */
    void repeat(List<Long> graphs, MemorySegment to, long from) {
        check("cuCtxSetCurrent", () -> (int) Calls.CURRENT.invokeExact(context));
        for (long graph : graphs) CudaGraph.start(graph, stream);
        check("cuMemcpyDtoHAsync", () -> (int) Calls.FETCH.invokeExact(to, from, to.byteSize(), stream));
        check("cuStreamSynchronize", () -> (int) Calls.AWAIT.invokeExact(stream));
    }
}
