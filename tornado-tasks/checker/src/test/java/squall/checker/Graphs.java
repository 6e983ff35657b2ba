package squall.checker;

import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

/** What the tests share: small arrays, grids, and running one graph. */
final class Graphs {

    private Graphs() {
    }

    static FloatArray counting(int size) {
        FloatArray array = new FloatArray(size);
        for (int i = 0; i < size; i++) {
            array.set(i, i);
        }
        return array;
    }

    static IntArray ints(int... values) {
        return IntArray.fromElements(values);
    }

    static WorkerGrid grid(int global, int local) {
        WorkerGrid1D grid = new WorkerGrid1D(global);
        grid.setLocalWork(local, 1, 1);
        return grid;
    }

    static TornadoExecutionPlan plan(TaskGraph... graphs) {
        return new TornadoExecutionPlan(java.util.Arrays.stream(graphs).map(TaskGraph::snapshot)
                .toArray(uk.ac.manchester.tornado.api.ImmutableTaskGraph[]::new));
    }

    /** Runs a graph whose only task that needs a grid is {@code g.t}. */
    static void run(TaskGraph graph, int global, int local) {
        plan(graph).withGridScheduler(new GridScheduler("g.t", grid(global, local))).execute();
    }

    static CheckFailure refused(Fault fault, Runnable action) {
        CheckFailure failure = assertThrows(CheckFailure.class, action::run);
        assertEquals(fault, failure.fault(), failure.getMessage());
        return failure;
    }
}
