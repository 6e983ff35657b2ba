package squall.tornado.kernels;

import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.BankProduct;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.LibraryScratch;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Products of many rows by cuBLAS, which sums in float32. Of a model in BF16 they are its products of matrix and rows as they are, the matrix in its
 * bank and the results where they belong ({@link BankProduct}), for two rows and more. Of other models the layer's matrix is decoded to halves
 * ({@link LibraryWeights}; one of halves is multiplied in its bank), cuBLAS multiplies it with the rows that {@link LibraryRows} left, and the results
 * are brought where they belong; up to 64 rows are left to {@link TileMatMul} where their width allows it. What comes of rows that are not alive is never read.
 */
public final class LibraryProduct {
    /** A single row reads a matrix in less time than it is decoded. */
    private static final int FEWEST_ROWS = 2;
    /** Rows up to which steps are recorded as a whole, for the device to repeat with as many rows as were recorded. */
    private static final int MOST_REPEATED = 64;
    private static final int GROUP = 256;
    /** Columns of a row that a group brings to the arena. */
    private static final int PART = 4 * GROUP;

    private LibraryProduct() {}

    /** Whether rows of that width are multiplied here. */
    public static boolean serves(Frame f, int width) {
        Traits t = f.traits();
        return TileRows.serves(f, width) || t.multipliesInLibrary() && f.maxRows() >= FEWEST_ROWS && width % 2 == 0;
    }

    /** {@code y = W x}, x: the scratch's rows; y: [rows, w.rows]. */
    public static void record(Tape tape, Region y, Bank w) {
        if (tape.frame().traits().brains()) {
            inBank(tape, "cublas", y, w, false);
            return;
        }
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
        if (tape.frame().traits().brains()) {
            inBank(tape, "cublasAdd", y, w, true);
            return;
        }
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

    private static void inBank(Tape tape, String name, Region y, Bank w, boolean add) {
        Frame f = tape.frame();
        tape.add(name, (g, id) -> inBank(g, id, f, w, f.scratch().brains(), BankProduct.BRAIN, f.arena(), Place.of(y), add));
    }

    /** y: rows in {@code into}. */
    private static void inBank(TaskGraph graph, String id, Frame f, Bank w, TornadoNativeArray x, int type, FloatArray into, long y, boolean add) {
        long element = w.array().getElementSize();
        graph.libraryTask(id, BankProduct::descriptor, new BankProduct(f.layer(), f.step(), repeated(f), w.array(), element * w.at(), element * w.layerStride(),
                x, type, w.rows(), w.cols(), into, Pair.second(y), Pair.first(y), 1, add));
    }

    /** Rows of a recording that the device may repeat, whatever is alive; 0 of others. */
    static int repeated(Frame f) {
        return f.maxRows() <= MOST_REPEATED ? f.maxRows() : 0;
    }

    /** To the scratch's products. */
    private static void multiply(Tape tape, Bank w) {
        Frame f = tape.frame();
        LibraryScratch scratch = f.scratch();
        boolean brains = f.traits().brains();
        if (brains || isHalves(w)) {
            scratch.needProducts(f.maxRows(), w.rows());
            tape.add("cublas", (g, id) -> inBank(g, id, f, w, brains ? scratch.brains() : scratch.rows(), brains ? BankProduct.BRAIN : BankProduct.HALF,
                    scratch.products(), Pair.of(w.rows(), LibraryScratch.FIRST_RESULT), false));
            return;
        }
        scratch.need(f.maxRows(), w.rows(), w.cols());
        LibraryWeights.record(tape, scratch.weights(), w);
        tape.add("cublas", (g, id) -> g.libraryTask(id, BankProduct::descriptor, new BankProduct(f.layer(), f.step(), repeated(f), scratch.weights(),
                (long) Short.BYTES * LibraryScratch.FIRST_HALF, 0, scratch.rows(), BankProduct.HALF, w.rows(), w.cols(), scratch.products(),
                LibraryScratch.FIRST_RESULT, w.rows(), LibraryWeights.gain(w), false)));
    }

    /** Whether the matrix is in halves, as {@code DeviceWeights} has it for warps; a first reading has no array. */
    private static boolean isHalves(Bank w) {
        return w.format() == Format.F16 && w.experts() == 1
                && (w.array() == null ? w.cols() % WarpMatMul.UNIT == 0 : w.array() instanceof HalfFloatArray);
    }

    private static void spread(Tape tape, String name, Region y, int add) {
        Frame f = tape.frame();
        int parts = (y.width() + PART - 1) / PART;
        tape.add(name, Grid.perRow(parts, GROUP), (g, id) -> g.task(id, LibraryProduct::kSpread, f.context(), f.arena(), f.step(),
                f.scratch().products(), f.scratch().factors(), Place.of(y), y.width(), LibraryScratch.FIRST_RESULT, Pair.small(parts, add)));
    }

    /** A group for each row of products and {@value #PART} columns. */
    static void kSpread(KernelContext context, FloatArray arena, IntArray step, FloatArray products, FloatArray factors, long y, int outs,
                        int firstResult, int partsAdd) {
        int parts = Pair.smallFirst(partsAdd), add = Pair.smallSecond(partsAdd), row = context.groupIdx / parts, first = context.groupIdx % parts * PART, alive = step.get(StepArray.ROWS);
        int end = row < alive ? first + PART < outs ? first + PART : outs : 0;
        int from = firstResult + row * outs, to = Place.start(y, row);
        float factor = factors.get(row < alive ? row : 0);
        for (int i = first + context.localIdx; i < end; i += GROUP) {
            float v = factor * products.get(from + i);
            if (add == 1) v += arena.get(to + i);
            arena.set(to + i, v);
        }
    }
}
