package squall.checker;

import java.util.List;
import uk.ac.manchester.tornado.api.TaskGraph;

/**
 * Compares two recordings of what should be one graph. A recorder keeps a graph and replays it; whatever differs when
 * it records the same layer again (another position, another length, as a primitive) was compiled in and is stale.
 */
public final class Recording {

    private Recording() {
    }

    /** Throws with the first task, argument and pair of values that differ. Arrays are compared by type and size. */
    public static void requireSame(TaskGraph kept, TaskGraph again) {
        GraphRecord a = Views.record(kept);
        GraphRecord b = Views.record(again);
        if (a.tasks().size() != b.tasks().size()) {
            throw new CheckFailure(Fault.SCALAR, "graph " + a.name() + " has " + a.tasks().size() + " tasks, and "
                    + b.tasks().size() + " when it is recorded again");
        }
        for (int i = 0; i < a.tasks().size(); i++) {
            requireSame(a.name(), a.tasks().get(i), b.tasks().get(i));
        }
    }

    private static void requireSame(String graph, GraphRecord.Task kept, GraphRecord.Task again) {
        Code code = kept.code();
        if (!code.name().equals(again.code().name()) || kept.arguments().size() != again.arguments().size()) {
            throw new CheckFailure(Fault.SCALAR, code.name(), 0, -1, "task " + graph + "." + kept.id() + " is " + code.name()
                    + ", and " + again.code().name() + " when it is recorded again");
        }
        List<Object> before = kept.arguments().stream().map(Recording::shape).toList();
        List<Object> after = again.arguments().stream().map(Recording::shape).toList();
        for (int i = 0; i < before.size(); i++) {
            if (!before.get(i).equals(after.get(i))) {
                throw new CheckFailure(Fault.SCALAR, code.name(), 0, i, code.argument(i) + " of task " + graph + "." + kept.id()
                        + " was compiled in as " + before.get(i) + " and is " + after.get(i)
                        + " when it is recorded again: put what changes into an array that is sent");
            }
        }
    }

    private static Object shape(Object argument) {
        return argument instanceof Number || argument instanceof Boolean || argument instanceof Character ? argument
                : Views.storage(argument) == null ? argument.getClass().getSimpleName()
                : argument.getClass().getSimpleName() + " of " + Views.storage(argument).getSize();
    }
}
