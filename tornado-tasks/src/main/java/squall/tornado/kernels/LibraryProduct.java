package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.LibraryScratch;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.cublas.CuBlas;
import uk.ac.manchester.tornado.cublas.enums.CuBlasOperation;

/**
 * Products of many rows by cuBLAS: the layer's matrix is decoded to halves ({@link LibraryWeights}), cuBLAS multiplies it with the rows that
 * {@link LibraryRows} left, summing in float32, and the results go where they belong. The library's task has the recording's
 * number of rows; what comes of rows that are not alive is never read. Up to 64 rows are left to {@link TileMatMul} where their width allows it.
 */
public final class LibraryProduct {
    /** A single row reads a matrix in less time than it is decoded. */
    private static final int FEWEST_ROWS = 2;
    private static final int GROUP = 256;
    /** Columns of a row that a group brings to the arena. */
    private static final int PART = 4 * GROUP;
    private static final int TRANSPOSED = CuBlasOperation.CUBLAS_OP_T.operation();
    private static final int AS_IT_IS = CuBlasOperation.CUBLAS_OP_N.operation();

    private LibraryProduct() {}

    /** Whether rows of that width are multiplied here. */
    public static boolean serves(Frame f, int width) {
        Traits t = f.traits();
        return TileRows.serves(f, width) || t.library() && !t.precise() && t.shape() == Traits.Shape.WARPS && f.maxRows() >= FEWEST_ROWS && width % 2 == 0;
    }

    /** {@code y = W x}, x: the scratch's rows; y: [rows, w.rows]. */
    public static void record(Tape tape, Region y, Bank w) {
        if (inTiles(tape, w)) {
            TileMatMul.record(tape, "matmul", y, w, w.rows(), MatMul.ASSIGN);
            return;
        }
        multiply(tape, w);
        spread(tape, "spread", y, 0);
    }

    private static boolean inTiles(Tape tape, Bank w) {
        return TileRows.serves(tape.frame(), w.cols());
    }

    /** {@code y += W x}, x: the scratch's rows. */
    public static void recordAdd(Tape tape, Region y, Bank w) {
        if (inTiles(tape, w)) {
            TileMatMul.record(tape, "matmulAdd", y, w, w.rows(), MatMul.ADD);
            return;
        }
        multiply(tape, w);
        spread(tape, "spreadAdd", y, 1);
    }

    /** Whether SwiGLU's result is in the arena, and not in the place of x. */
    public static boolean leavesSwiGlu(Frame f, int width) {
        return TileRows.serves(f, width);
    }

    /** {@code h = silu(G x) * (U x)}, where {@link #leavesSwiGlu}. gateUp is G stacked on U. */
    public static void recordSwiGlu(Tape tape, Region h, Bank gateUp) {
        TileMatMul.record(tape, "swiGlu", h, gateUp, gateUp.rows() / 2, MatMul.SWIGLU);
    }

    /** {@code rows = silu(G x) * (U x)}: the result takes the place of x. gateUp is G stacked on U. */
    public static void recordSwiGlu(Tape tape, Bank gateUp) {
        multiply(tape, gateUp);
        LibraryRows.recordSwiGlu(tape, gateUp.rows() / 2);
    }

    private static void multiply(Tape tape, Bank w) {
        Frame f = tape.frame();
        LibraryScratch scratch = f.scratch();
        scratch.need(f.maxRows(), w.rows(), w.cols());
        LibraryWeights.record(tape, scratch.weights(), w);
        tape.add("cublas", (g, id) -> g.libraryTask(id, CuBlas::cublasGemmExFP16FP32, TRANSPOSED, AS_IT_IS, w.rows(), f.maxRows(), w.cols(),
                LibraryWeights.gain(w), scratch.weights(), w.cols(), scratch.rows(), w.cols(), 0f, scratch.products(), w.rows()));
    }

    private static void spread(Tape tape, String name, Region y, int add) {
        Frame f = tape.frame();
        int parts = (y.width() + PART - 1) / PART;
        tape.add(name, Grid.perRow(parts, GROUP), (g, id) -> g.task(id, LibraryProduct::kSpread, f.context(), f.arena(), f.step(),
                f.scratch().products(), f.scratch().factors(), Place.of(y), y.width(), parts, add));
    }

    /** A group for each row of products and {@value #PART} columns. */
    static void kSpread(KernelContext context, FloatArray arena, IntArray step, FloatArray products, FloatArray factors, long y, int outs,
                        int parts, int add) {
        int row = context.groupIdx / parts, first = context.groupIdx % parts * PART, alive = step.get(StepArray.ROWS);
        int end = row < alive ? first + PART < outs ? first + PART : outs : 0;
        int from = row * outs, to = Place.start(y, row);
        float factor = factors.get(row < alive ? row : 0);
        for (int i = first + context.localIdx; i < end; i += GROUP) {
            float v = factor * products.get(from + i);
            if (add == 1) v += arena.get(to + i);
            arena.set(to + i, v);
        }
    }
}
