package squall.tornado;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static squall.tornado.StatusCall.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import squall.tornado.LightProduct.Algorithm;

/**
 * Tries algorithms of a product on the device, as a step meets them: in a graph that the device repeats, with matrices that are in no cache. The memory
 * for them is asked for and given back. Nothing else may be going on on the stream.
 */
final class ProductTrial implements AutoCloseable {
    /** Bytes of matrices that go round: several times the caches. */
    private static final long ROUND = 256L << 20;
    /** Products of a graph at most, and how often it is timed, of which the shortest time counts. */
    private static final int MOST_PRODUCTS = 12;
    private static final int TURNS = 5;
    /** What part of the time of the library's first suggestion another one has to take: less is chance. */
    private static final float CLEARLY = 0.99f;
    /** What a thread that takes a graph down may do meanwhile: anything that is not on the stream. */
    private static final int RELAXED = 2;

    /** Functions of the driver. */
    private static final class Calls {
        static final MethodHandle ALLOCATE, FREE, BEGIN, END, EVENT, RECORD, AWAIT, BETWEEN, FORGET;

        static {
            SymbolLookup driver = StatusCall.driver();
            ALLOCATE = StatusCall.link(driver, "cuMemAlloc_v2", ADDRESS, JAVA_LONG);
            FREE = StatusCall.link(driver, "cuMemFree_v2", JAVA_LONG);
            BEGIN = StatusCall.link(driver, "cuStreamBeginCapture_v2", JAVA_LONG, JAVA_INT);
            END = StatusCall.link(driver, "cuStreamEndCapture", JAVA_LONG, ADDRESS);
            EVENT = StatusCall.link(driver, "cuEventCreate", ADDRESS, JAVA_INT);
            RECORD = StatusCall.link(driver, "cuEventRecord", ADDRESS, JAVA_LONG);
            AWAIT = StatusCall.link(driver, "cuEventSynchronize", ADDRESS);
            BETWEEN = StatusCall.link(driver, "cuEventElapsedTime", ADDRESS, ADDRESS, ADDRESS);
            FORGET = StatusCall.link(driver, "cuEventDestroy_v2", ADDRESS);
        }
    }

    private final Arena memory = Arena.ofConfined();
    private final LightProduct product;
    private final ProductShape shape;
    private final long matrices;
    private final int places;
    private final long workspace;
    private final long stream;
    private final MemorySegment begin = event();
    private final MemorySegment end = event();
    private final MemorySegment between = memory.allocate(JAVA_FLOAT);

    private ProductTrial(LightProduct product, ProductShape shape, long matrices, int places, long workspace, long stream) {
        this.product = product;
        this.shape = shape;
        this.matrices = matrices;
        this.places = places;
        this.workspace = workspace;
        this.stream = stream;
    }

    private MemorySegment event() {
        MemorySegment to = memory.allocate(ADDRESS);
        check("cuEventCreate", () -> (int) Calls.EVENT.invokeExact(to, 0));
        return to.get(ADDRESS, 0);
    }

    /** The fastest of these algorithms of the product; null where the device has no room for its operands, or none multiplies. A single one is not tried. */
    static Algorithm fastest(LightProduct product, ProductShape shape, List<Algorithm> algorithms, long workspace, long stream) {
        if (algorithms.size() == 1) return algorithms.getFirst();
        int places = (int) Math.max(1, ROUND / whole(shape.matrixBytes()));
        long bytes = places * whole(shape.matrixBytes()) + whole(shape.operandBytes()) + shape.resultBytes();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment at = arena.allocate(JAVA_LONG);
            if (StatusCall.statusOf("cuMemAlloc", () -> (int) Calls.ALLOCATE.invokeExact(at, bytes)) != 0) return null;
            try (ProductTrial trial = new ProductTrial(product, shape, at.get(JAVA_LONG, 0), places, workspace, stream)) {
                return trial.fastest(algorithms);
            }
        }
    }

    private static long whole(long bytes) {
        return (bytes + Boundary.BYTES - 1) / Boundary.BYTES * Boundary.BYTES;
    }

    private Algorithm fastest(List<Algorithm> algorithms) {
        Algorithm best = null;
        float least = Float.MAX_VALUE;
        for (Algorithm algorithm : algorithms) {
            float time = time(algorithm);
            if (best == null ? time < least : time < CLEARLY * least) {
                best = algorithm;
                least = time;
            }
        }
        return best;
    }

    /** Milliseconds of some products; the largest number where the algorithm does not multiply. */
    private float time(Algorithm algorithm) {
        MemorySegment graph = memory.allocate(JAVA_LONG);
        check("cuStreamBeginCapture", () -> (int) Calls.BEGIN.invokeExact(stream, RELAXED));
        boolean multiplies = multiplies(algorithm);
        if (StatusCall.statusOf("cuStreamEndCapture", () -> (int) Calls.END.invokeExact(stream, graph)) != 0) return Float.MAX_VALUE;
        float least = Float.MAX_VALUE;
        if (multiplies) {
            long ready = CudaGraph.ready(graph.get(JAVA_LONG, 0));
            for (int turn = 0; turn < TURNS; turn++) least = Math.min(least, time(ready));
            CudaGraph.forget(ready);
        }
        CudaGraph.discard(graph.get(JAVA_LONG, 0));
        return least;
    }

    private float time(long ready) {
        check("cuEventRecord", () -> (int) Calls.RECORD.invokeExact(begin, stream));
        CudaGraph.start(ready, stream);
        check("cuEventRecord", () -> (int) Calls.RECORD.invokeExact(end, stream));
        check("cuEventSynchronize", () -> (int) Calls.AWAIT.invokeExact(end));
        check("cuEventElapsedTime", () -> (int) Calls.BETWEEN.invokeExact(between, begin, end));
        return between.get(JAVA_FLOAT, 0);
    }

    private boolean multiplies(Algorithm algorithm) {
        long x = matrices + places * whole(shape.matrixBytes()), y = x + whole(shape.operandBytes());
        for (int i = 0; i < Math.clamp(places, 2, MOST_PRODUCTS); i++) {
            long w = matrices + i % places * whole(shape.matrixBytes());
            if (product.multiply(algorithm, 1, w, x, shape.add() ? 1 : 0, y, workspace, stream) != 0) return false;
        }
        return true;
    }

    @Override public void close() {
        for (MemorySegment event : List.of(begin, end)) check("cuEventDestroy", () -> (int) Calls.FORGET.invokeExact(event));
        check("cuMemFree", () -> (int) Calls.FREE.invokeExact(matrices));
        memory.close();
    }
}
