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

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static uk.ac.manchester.tornado.api.common.Access.READ_ONLY;
import static uk.ac.manchester.tornado.api.common.Access.READ_WRITE;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.EVERY_EXECUTION;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.FIRST_EXECUTION;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.UNDER_DEMAND;

/** Products of a vendor's library among other tasks: what they give, and what is wrong about them. */
class LibraryTasksTest {

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

    /** A layer's matrix is {@code gap} numbers behind the one before; rows of x from number {@code first} on, rows of y from number {@code at} on. */
    private static TaskGraph call(TaskGraph graph, HalfFloatArray w, IntArray layer, int gap, HalfFloatArray x, int first, int rows, FloatArray y, int at,
                                  int stride, float alpha, int beta) {
        LibraryTaskDescriptor call = new LibraryTaskDescriptor().withLibrary("own").withFunction("bankProduct")
                .withParameters(new Object[] {w, x, y}).withAccess(new Access[] {READ_ONLY, READ_ONLY, READ_WRITE})
                .withTuning(new Object[] {layer, IntArray.fromElements(1), new long[] {rows, 0, 2L * gap, 2, ROWS, COLS, at, stride, 2L * first,
                        Float.floatToRawIntBits(alpha), beta}});
        return graph.libraryTask("t", d -> d, call);
    }

    /** {@code y = alpha W x + beta y}, all three row after row. */
    private TaskGraph product(float alpha, int beta) {
        return call(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, w, x, y), w, IntArray.fromElements(0), 0, x, 0, TOKENS, y, 0, ROWS, alpha, beta);
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
        Graphs.plan(product(2, 1).transferToHost(EVERY_EXECUTION, y)).execute();
        for (int i = 0; i < y.getSize(); i++) {
            assertEquals(2 * expected(i / ROWS, i % ROWS) + i, y.get(i), 1e-4);
        }
    }

    /** As with a kernel: what is read has to be there. */
    @Test
    void theDescriptorSaysWhatIsRead() {
        CheckFailure failure = Graphs.refused(Fault.TRANSFER, () -> Graphs.plan(call(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, w, y), w,
                IntArray.fromElements(0), 0, x, 0, TOKENS, y, 0, ROWS, 1, 0)));
        assertTrue(failure.getMessage().contains("argument 1 of bankProduct"), failure.getMessage());
    }

    @Test
    void whatComesOfUnwrittenMemoryMustNotBeRead() {
        TaskGraph graph = call(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, w, y).transferToDevice(UNDER_DEMAND, x), w, IntArray.fromElements(0), 0, x, 0,
                TOKENS, y, 0, ROWS, 1, 0);
        Graphs.plan(graph).execute();
        Graphs.refused(Fault.UNINITIALISED, () -> Graphs.plan(graph.task("u", Faulty::kCopy, new FloatArray(y.getSize()), y)).execute());
    }

    @Test
    void otherFunctionsAreNotPlayed() {
        LibraryTaskDescriptor other = new LibraryTaskDescriptor().withLibrary("own").withFunction("other").withParameters(new Object[] {y})
                .withAccess(new Access[] {READ_WRITE});
        Graphs.refused(Fault.DIALECT, () -> new TaskGraph("g").transferToDevice(FIRST_EXECUTION, y).libraryTask("t", d -> d, other));
    }

    /** Half of layer 1's product with rows from number 1 on, into the middle of an array. */
    private TaskGraph inBank(int layer, int rows, int beta) {
        return call(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, bank, x, y), bank, IntArray.fromElements(layer), ROWS * COLS, x, 1, rows, y, 4, ROWS + 1,
                0.5f, beta).transferToHost(EVERY_EXECUTION, y);
    }

    /** Where no rows are fixed the step tells: one. */
    @Test
    void multipliesInABank() {
        Graphs.plan(inBank(1, 0, 1)).execute();
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
        Graphs.refused(Fault.OUT_OF_RANGE, () -> Graphs.plan(inBank(2, 1, 0)).execute());
        Graphs.refused(Fault.OUT_OF_RANGE, () -> Graphs.plan(inBank(0, 3, 0)).execute());
    }
}
