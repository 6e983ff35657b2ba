package squall.checker;

import org.junit.jupiter.api.Test;
import squall.checker.kernels.Faulty;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.cublas.CuBlas;
import uk.ac.manchester.tornado.cublas.enums.CuBlasOperation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static uk.ac.manchester.tornado.api.common.Access.READ_ONLY;
import static uk.ac.manchester.tornado.api.common.Access.READ_WRITE;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.EVERY_EXECUTION;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.FIRST_EXECUTION;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.UNDER_DEMAND;

/** Products of a vendor's library among other tasks: what they give, and what is wrong about them. */
class LibraryTasksTest {

    private static final int T = CuBlasOperation.CUBLAS_OP_T.operation();
    private static final int N = CuBlasOperation.CUBLAS_OP_N.operation();
    private static final int ROWS = 3;
    private static final int COLS = 5;
    private static final int TOKENS = 4;

    private final HalfFloatArray w = halves(ROWS * COLS, 0.25f);
    private final HalfFloatArray x = halves(TOKENS * COLS, -0.5f);
    private final HalfFloatArray bank = halves(2 * ROWS * COLS, 0.125f);
    private final FloatArray y = Graphs.counting(TOKENS * ROWS);

    private static HalfFloatArray halves(int size, float step) {
        HalfFloatArray array = new HalfFloatArray(size);
        for (int i = 0; i < size; i++) {
            array.set(i, new HalfFloat(i * step - 1));
        }
        return array;
    }

    /** {@code y = alpha W x + beta y}, all three row after row. */
    private TaskGraph product(float alpha, float beta) {
        return new TaskGraph("g").transferToDevice(FIRST_EXECUTION, w, x, y)
                .libraryTask("t", CuBlas::cublasGemmExFP16FP32, T, N, ROWS, TOKENS, COLS, alpha, w, COLS, x, COLS, beta, y, ROWS);
    }

    private float expected(int token, int row) {
        float sum = 0;
        for (int i = 0; i < COLS; i++) {
            sum += w.get(row * COLS + i).getFloat32() * x.get(token * COLS + i).getFloat32();
        }
        return sum;
    }

    @Test
    void multipliesHalves() {
        Graphs.plan(product(1, 0).transferToHost(EVERY_EXECUTION, y)).execute();
        for (int i = 0; i < y.getSize(); i++) {
            assertEquals(expected(i / ROWS, i % ROWS), y.get(i), 1e-4);
        }
    }

    @Test
    void addsToWhatIsThere() {
        Graphs.plan(product(2, 3).transferToHost(EVERY_EXECUTION, y)).execute();
        for (int i = 0; i < y.getSize(); i++) {
            assertEquals(2 * expected(i / ROWS, i % ROWS) + 3 * i, y.get(i), 1e-4);
        }
    }

    /** As with a kernel: what the first task only writes stays at home. */
    @Test
    void theDescriptorSaysWhatIsReadAndWritten() {
        FloatArray z = new FloatArray(y.getSize());
        Graphs.plan(product(1, 0).task("u", Faulty::kCopy, z, y).transferToHost(EVERY_EXECUTION, z)).execute();
        assertEquals(expected(1, 2), z.get(ROWS + 2), 1e-4);
        CheckFailure failure = Graphs.refused(Fault.TRANSFER, () -> Graphs.plan(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, w)
                .libraryTask("t", CuBlas::cublasGemmExFP16FP32, T, N, ROWS, TOKENS, COLS, 1f, w, COLS, x, COLS, 0f, y, ROWS)));
        assertTrue(failure.getMessage().contains("argument 8 of cublasGemmExFP16FP32"), failure.getMessage());
    }

    @Test
    void whatComesOfUnwrittenMemoryMustNotBeRead() {
        TaskGraph graph = new TaskGraph("g").transferToDevice(FIRST_EXECUTION, w).transferToDevice(UNDER_DEMAND, x)
                .libraryTask("t", CuBlas::cublasGemmExFP16FP32, T, N, ROWS, TOKENS, COLS, 1f, w, COLS, x, COLS, 0f, y, ROWS);
        Graphs.plan(graph).execute();
        Graphs.refused(Fault.UNINITIALISED, () -> Graphs.plan(graph.task("u", Faulty::kCopy, new FloatArray(y.getSize()), y)).execute());
    }

    @Test
    void operandsMustFit() {
        CheckFailure failure = Graphs.refused(Fault.OUT_OF_RANGE, () -> new TaskGraph("g").libraryTask("t", CuBlas::cublasGemmExFP16FP32,
                T, N, ROWS, TOKENS + 1, COLS, 1f, w, COLS, x, COLS, 0f, y, ROWS));
        assertEquals((TOKENS + 1) * COLS - 1, failure.index());
        Graphs.refused(Fault.LIMIT, () -> new TaskGraph("g").libraryTask("t", CuBlas::cublasGemmExFP16FP32,
                T, N, ROWS, TOKENS, COLS, 1f, w, COLS - 1, x, COLS, 0f, y, ROWS));
    }

    /** Layer 1 of two, half of its product with one row of the three that there is room for, which starts at number 1, into the middle of an array. */
    private TaskGraph inBank(IntArray layer, IntArray step, int fixed, int add) {
        LibraryTaskDescriptor call = new LibraryTaskDescriptor().withLibrary("own").withFunction("bankProduct")
                .withParameters(new Object[] {bank, x, y}).withAccess(new Access[] {READ_ONLY, READ_ONLY, READ_WRITE})
                .withTuning(new Object[] {layer, step, new long[] {fixed, 0, 2L * ROWS * COLS, 2, ROWS, COLS, 4, ROWS + 1, 2, Float.floatToRawIntBits(0.5f), add}});
        return new TaskGraph("g").transferToDevice(FIRST_EXECUTION, bank, x, y).libraryTask("t", d -> d, call)
                .transferToHost(EVERY_EXECUTION, y);
    }

    @Test
    void multipliesInABank() {
        Graphs.plan(inBank(IntArray.fromElements(1), IntArray.fromElements(1), 0, 1)).execute();
        for (int i = 0; i < y.getSize(); i++) {
            int row = i - 4;
            assertEquals(i + (row >= 0 && row < ROWS ? bankRow(row) : 0), y.get(i), 1e-4);
        }
    }

    private float bankRow(int row) {
        float sum = 0;
        for (int i = 0; i < COLS; i++) {
            sum += bank.get((ROWS + row) * COLS + i).getFloat32() * x.get(1 + i).getFloat32() / 2;
        }
        return sum;
    }

    @Test
    void matricesAndResultsOfABankMustFit() {
        Graphs.refused(Fault.OUT_OF_RANGE, () -> Graphs.plan(inBank(IntArray.fromElements(2), IntArray.fromElements(1), 0, 0)).execute());
        Graphs.refused(Fault.OUT_OF_RANGE, () -> Graphs.plan(inBank(IntArray.fromElements(0), IntArray.fromElements(1), 3, 0)).execute());
    }
}
