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
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** cuBLAS on one stream of a device, with a workspace of its own: what a graph repeats must not ask for one. */
final class CuBlasHandle implements AutoCloseable {
    /** What NVIDIA recommends for its Hopper devices; with less, some ways of splitting a product are not taken. */
    private static final long WORKSPACE = 32L << 20;
    /**
     * What of it products of few rows are given: with room for it, cuBLAS cuts the columns of matrices that have few rows into parts, whose sums another
     * kernel adds up. 2560 x 4096 and 2560 x 9216 of BF16 with 16 rows take 11.6 and 21.6 us so on an H100, and 10.2 and 20.0 without.
     */
    private static final long LITTLE = 64L << 10;
    private static final int FEW_ROWS = 64;

    // as cublas_api.h and library_types.h number them
    private static final int AS_IT_IS = 0;
    private static final int TRANSPOSED = 1;
    private static final int FLOAT = 0;
    private static final int SUMS_IN_FLOAT = 68;
    private static final int USUAL_ALGORITHM = -1;

    /** Functions of cuBLAS and of the driver; linked when the first handle is opened. */
    private static final class Calls {
        static final MethodHandle CREATE, DESTROY, STREAM, ROOM, GEMM, CONTEXT, ALLOCATE, FREE;

        static {
            SymbolLookup blas = CuBlasLibrary.symbols(), driver = StatusCall.driver();
            CREATE = StatusCall.link(blas, "cublasCreate_v2", ADDRESS);
            DESTROY = StatusCall.link(blas, "cublasDestroy_v2", ADDRESS);
            STREAM = StatusCall.link(blas, "cublasSetStream_v2", ADDRESS, JAVA_LONG);
            ROOM = StatusCall.link(blas, "cublasSetWorkspace_v2", ADDRESS, JAVA_LONG, JAVA_LONG);
            GEMM = StatusCall.link(blas, "cublasGemmEx", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT,
                    JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
            CONTEXT = StatusCall.link(driver, "cuCtxSetCurrent", JAVA_LONG);
            ALLOCATE = StatusCall.link(driver, "cuMemAlloc_v2", ADDRESS, JAVA_LONG);
            FREE = StatusCall.link(driver, "cuMemFree_v2", JAVA_LONG);
        }
    }

    /** @param algorithm which way it is multiplied; null where that is left to the library */
    private record Choice(LightProduct product, LightProduct.Algorithm algorithm) {}

    private final Arena memory = Arena.ofShared();
    private final MemorySegment alpha = memory.allocate(JAVA_FLOAT);
    private final MemorySegment beta = memory.allocate(JAVA_FLOAT);
    private final MemorySegment handle;
    private final long stream;
    private final long workspace;
    private final boolean chooses = CuBlasLibrary.light() != null;
    private final Map<ProductShape, Choice> choices = new HashMap<>();

    private CuBlasHandle(long context, long stream) {
        MemorySegment made = memory.allocate(ADDRESS), room = memory.allocate(JAVA_LONG);
        check("cuCtxSetCurrent", () -> (int) Calls.CONTEXT.invokeExact(context));
        check("cublasCreate", () -> (int) Calls.CREATE.invokeExact(made));
        handle = made.get(ADDRESS, 0);
        this.stream = stream;
        check("cublasSetStream", () -> (int) Calls.STREAM.invokeExact(handle, stream));
        check("cuMemAlloc", () -> (int) Calls.ALLOCATE.invokeExact(room, WORKSPACE));
        workspace = room.get(JAVA_LONG, 0);
    }

    /** The driver's numbers for a context and a stream. */
    static CuBlasHandle open(long context, long stream) {
        return new CuBlasHandle(context, stream);
    }

    /**
     * Chooses the fastest algorithm for products of this shape, once, among those that add up all columns in order: on an H100 their results are the same
     * bit for bit, so that it does not matter which one wins. The library's own choice takes 26.2, 36.7 and 457 us there for 12352, 18432 and 248320 x 2560
     * with 16 rows, the fastest 24.3, 35.3 and 436. No graph may be being taken down on the stream.
     */
    void prepare(ProductShape shape) {
        if (chooses && shape.rows() <= FEW_ROWS && !choices.containsKey(shape)) choices.put(shape, choice(shape));
    }

    private Choice choice(ProductShape shape) {
        LightProduct product = new LightProduct(handle, shape);
        List<LightProduct.Algorithm> whole = product.algorithms(LITTLE).stream().filter(a -> a.parts() <= 1).toList();
        return new Choice(product, ProductTrial.fastest(product, shape, whole, workspace, stream));
    }

    /**
     * {@code y = alpha x wᵀ + beta y}; everything is on the device.
     *
     * @param w      [outs, cols]
     * @param x      [rows, cols]
     * @param y      floats, [rows, outs], a row each {@code stride}
     */
    void multiply(ProductShape shape, float alpha, long w, long x, long y) {
        float beta = shape.add() ? 1 : 0;
        Choice choice = choices.get(shape);
        if (choice != null && choice.algorithm != null && (w | x | y) % Boundary.BYTES == 0) {
            check("cublasLtMatmul", () -> choice.product.multiply(choice.algorithm, alpha, w, x, beta, y, workspace, stream));
            return;
        }
        long given = shape.rows() <= FEW_ROWS ? LITTLE : WORKSPACE;
        check("cublasSetWorkspace", () -> (int) Calls.ROOM.invokeExact(handle, workspace, given));
        this.alpha.set(JAVA_FLOAT, 0, alpha);
        this.beta.set(JAVA_FLOAT, 0, beta);
        check("cublasGemmEx", () -> (int) Calls.GEMM.invokeExact(handle, TRANSPOSED, AS_IT_IS, shape.outs(), shape.rows(), shape.cols(), this.alpha, w, shape.type(),
                shape.cols(), x, shape.type(), shape.cols(), this.beta, y, FLOAT, shape.stride(), SUMS_IN_FLOAT, USUAL_ALGORITHM));
    }

    @Override public void close() {
        choices.values().forEach(choice -> choice.product.close());
        check("cublasDestroy", () -> (int) Calls.DESTROY.invokeExact(handle));
        check("cuMemFree", () -> (int) Calls.FREE.invokeExact(workspace));
        memory.close();
    }
}
