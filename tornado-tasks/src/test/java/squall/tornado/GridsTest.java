package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.WorkerGrid1D;

/** Grids that a plan has taken are found by their names, and there is nothing to search. */
class GridsTest {

    @Test void namesAreThereUntilTheGridsAreTaken() {
        Grids grids = new Grids();
        WorkerGrid1D work = new WorkerGrid1D(64);
        grids.addWorkerGrid("graph.task", work);
        assertEquals(Set.of("graph.task"), grids.keySet());
        grids.taken();
        assertEquals(Set.of(), grids.keySet());
        assertSame(work, grids.get("graph.task"));
        assertTrue(grids.contains("graph", "task"));
    }
}
