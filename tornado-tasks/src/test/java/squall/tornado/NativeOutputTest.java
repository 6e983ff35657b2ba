package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** A kernel that cannot be launched ends the step with an error, though TornadoVM itself goes on. */
class NativeOutputTest {
    private static final int N = 128;

    public static void kCount(KernelContext context, IntArray y) {
        int i = context.globalIdx;
        if (i < y.getSize()) y.set(i, i + 1);
    }

    private static void run(int items, IntArray y) {
        KernelContext context = new KernelContext();
        TaskGraph graph = new TaskGraph("count").task("count", NativeOutputTest::kCount, context, y)
                .transferToHost(DataTransferMode.EVERY_EXECUTION, y);
        WorkerGrid1D work = new WorkerGrid1D(items);
        work.setLocalWork(64, 1, 1);
        GridScheduler scheduler = new GridScheduler("count.count", work);
        try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
            plan.withGridScheduler(scheduler).execute();
            NativeOutput.check();
        } catch (TornadoExecutionPlanException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test void aKernelThatCannotBeLaunchedIsAnError() {
        IntArray y = new IntArray(N);
        RuntimeException e = assertThrows(RuntimeException.class, () -> run(N - 1, y));
        if (TestDevice.isReal()) assertTrue(e.getMessage().contains("reported"), e.getMessage());
    }

    @Test void aSoundOneIsNot() {
        IntArray y = new IntArray(N);
        assertDoesNotThrow(() -> run(N, y));
        assertEquals(N, y.get(N - 1));
    }

    @Test void whatJavaPrintsIsNotTheDrivers() {
        System.out.println("an error that Java speaks of");
        System.out.flush();
        assertDoesNotThrow(NativeOutput::check);
    }
}
