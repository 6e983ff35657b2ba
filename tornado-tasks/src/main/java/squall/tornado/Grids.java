package squall.tornado;

import java.util.Set;
import uk.ac.manchester.tornado.api.GridScheduler;

/**
 * The grids of all tasks of a plan. Whenever one of the plan's graphs is chosen, TornadoVM looks for the first of all names that is a task of
 * that graph, and makes the name of each of its tasks anew for each comparison. With hundreds of tasks that takes longer than all else before the
 * graph is started, and what is found does not matter any more: so there are no names to be found once the plan has taken the grids.
 */
final class Grids extends GridScheduler {
    private boolean taken;

    /** Called when a plan has taken them. */
    void taken() {
        taken = true;
    }

    @Override public Set<String> keySet() {
        return taken ? Set.of() : super.keySet();
    }
}
