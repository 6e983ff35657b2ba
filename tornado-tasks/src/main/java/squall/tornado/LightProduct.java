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
import java.util.ArrayList;
import java.util.List;

/**
 * Products of one shape by cuBLASLt, the part of cuBLAS whose caller says which of the library's algorithms is to be taken. All places are on the device
 * and multiples of {@link Boundary#BYTES}.
 */
final class LightProduct implements AutoCloseable {
    // as library_types.h, cublas_api.h and cublasLt.h number them
    private static final int FLOAT = 0;
    private static final int SUMS_IN_FLOAT = 68;
    private static final int TRANSPOSED = 1;
    private static final int TRANSPOSE_A = 3;
    private static final int MOST_WORKSPACE = 1;
    private static final int PARTS = 2;
    /** Bytes of an algorithm, and of a suggestion: it, the bytes of workspace that it needs, a status, and what is not read here. */
    private static final long ALGORITHM = 64;
    private static final long SUGGESTION = 96;
    private static final int MOST = 32;

    /** The library's functions; linked when the first product is made. */
    private static final class Calls {
        static final MethodHandle DESCRIBE, SET, LAYOUT, PREFER, PREFERRED, SUGGEST, ASK, MULTIPLY, FORGET, FORGET_LAYOUT, FORGET_PREFERENCE;

        static {
            SymbolLookup light = CuBlasLibrary.light();
            DESCRIBE = StatusCall.link(light, "cublasLtMatmulDescCreate", ADDRESS, JAVA_INT, JAVA_INT);
            SET = StatusCall.link(light, "cublasLtMatmulDescSetAttribute", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG);
            LAYOUT = StatusCall.link(light, "cublasLtMatrixLayoutCreate", ADDRESS, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
            PREFER = StatusCall.link(light, "cublasLtMatmulPreferenceCreate", ADDRESS);
            PREFERRED = StatusCall.link(light, "cublasLtMatmulPreferenceSetAttribute", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG);
            SUGGEST = StatusCall.link(light, "cublasLtMatmulAlgoGetHeuristic", ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
            ASK = StatusCall.link(light, "cublasLtMatmulAlgoConfigGetAttribute", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS);
            MULTIPLY = StatusCall.link(light, "cublasLtMatmul", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS,
                    JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
            FORGET = StatusCall.link(light, "cublasLtMatmulDescDestroy", ADDRESS);
            FORGET_LAYOUT = StatusCall.link(light, "cublasLtMatrixLayoutDestroy", ADDRESS);
            FORGET_PREFERENCE = StatusCall.link(light, "cublasLtMatmulPreferenceDestroy", ADDRESS);
        }
    }

    /**
     * One of the library's ways to multiply.
     *
     * @param bytes     what the library knows it by
     * @param workspace bytes that it needs
     * @param parts     parts that columns are cut into, whose sums are added up
     */
    record Algorithm(MemorySegment bytes, long workspace, int parts) {}

    private final Arena memory = Arena.ofShared();
    private final MemorySegment handle;
    private final MemorySegment description;
    private final MemorySegment w;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment alpha = memory.allocate(JAVA_FLOAT);
    private final MemorySegment beta = memory.allocate(JAVA_FLOAT);

    /** handle: cuBLAS's, which cuBLASLt takes for one of its own. */
    LightProduct(MemorySegment handle, ProductShape shape) {
        this.handle = handle;
        description = made("cublasLtMatmulDescCreate", to -> (int) Calls.DESCRIBE.invokeExact(to, SUMS_IN_FLOAT, FLOAT));
        MemorySegment transposed = memory.allocateFrom(JAVA_INT, TRANSPOSED);
        check("cublasLtMatmulDescSetAttribute", () -> (int) Calls.SET.invokeExact(description, TRANSPOSE_A, transposed, (long) Integer.BYTES));
        w = layout(shape.type(), shape.cols(), shape.outs(), shape.cols());
        x = layout(shape.type(), shape.cols(), shape.rows(), shape.cols());
        y = layout(FLOAT, shape.outs(), shape.rows(), shape.stride());
    }

    @FunctionalInterface
    private interface Making {
        int status(MemorySegment to) throws Throwable;
    }

    private MemorySegment made(String function, Making making) {
        MemorySegment to = memory.allocate(ADDRESS);
        check(function, () -> making.status(to));
        return to.get(ADDRESS, 0);
    }

    /** The library counts by columns. */
    private MemorySegment layout(int type, long rows, long columns, long leading) {
        return made("cublasLtMatrixLayoutCreate", to -> (int) Calls.LAYOUT.invokeExact(to, type, rows, columns, leading));
    }

    /** What the library suggests for so many bytes of workspace, the best first by its own reckoning. */
    List<Algorithm> algorithms(long workspace) {
        MemorySegment preference = made("cublasLtMatmulPreferenceCreate", to -> (int) Calls.PREFER.invokeExact(to));
        MemorySegment limit = memory.allocateFrom(JAVA_LONG, workspace), found = memory.allocate(SUGGESTION * MOST, Long.BYTES), count = memory.allocate(JAVA_INT);
        check("cublasLtMatmulPreferenceSetAttribute", () -> (int) Calls.PREFERRED.invokeExact(preference, MOST_WORKSPACE, limit, (long) Long.BYTES));
        int status = StatusCall.statusOf("cublasLtMatmulAlgoGetHeuristic",
                () -> (int) Calls.SUGGEST.invokeExact(handle, description, w, x, y, y, preference, MOST, found, count));
        check("cublasLtMatmulPreferenceDestroy", () -> (int) Calls.FORGET_PREFERENCE.invokeExact(preference));
        List<Algorithm> all = new ArrayList<>();
        for (int i = 0; status == 0 && i < count.get(JAVA_INT, 0); i++) {
            MemorySegment one = found.asSlice(i * SUGGESTION, SUGGESTION), bytes = one.asSlice(0, ALGORITHM);
            if (one.get(JAVA_INT, ALGORITHM + Long.BYTES) == 0) all.add(new Algorithm(bytes, one.get(JAVA_LONG, ALGORITHM), parts(bytes)));
        }
        return all;
    }

    private int parts(MemorySegment algorithm) {
        MemorySegment parts = memory.allocate(JAVA_INT), written = memory.allocate(JAVA_LONG);
        check("cublasLtMatmulAlgoConfigGetAttribute", () -> (int) Calls.ASK.invokeExact(algorithm, PARTS, parts, (long) Integer.BYTES, written));
        return parts.get(JAVA_INT, 0);
    }

    /** {@code y = alpha x wᵀ + beta y}; the workspace has what the algorithm needs. What the library answers, 0 where it multiplies. */
    int multiply(Algorithm algorithm, float alpha, long w, long x, float beta, long y, long workspace, long stream) {
        this.alpha.set(JAVA_FLOAT, 0, alpha);
        this.beta.set(JAVA_FLOAT, 0, beta);
        return StatusCall.statusOf("cublasLtMatmul", () -> (int) Calls.MULTIPLY.invokeExact(handle, description, this.alpha, w, this.w, x, this.x, this.beta, y, this.y,
                y, this.y, algorithm.bytes, workspace, algorithm.workspace, stream));
    }

    @Override public void close() {
        check("cublasLtMatmulDescDestroy", () -> (int) Calls.FORGET.invokeExact(description));
        for (MemorySegment layout : List.of(w, x, y)) check("cublasLtMatrixLayoutDestroy", () -> (int) Calls.FORGET_LAYOUT.invokeExact(layout));
        memory.close();
    }
}
