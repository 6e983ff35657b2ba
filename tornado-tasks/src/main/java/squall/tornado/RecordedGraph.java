package squall.tornado;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.stream.Stream;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.common.SchedulableTask;

/**
 * A graph that hears once of each array that is to be sent, from however many tasks it is asked for: TornadoVM would note it every time,
 * and go through all notes for every array on the device whenever the graph is played.
 */
final class RecordedGraph extends TaskGraph {
    private final Set<Object> sent = Collections.newSetFromMap(new IdentityHashMap<>());

    RecordedGraph(String name) {
        super(name);
    }

    @Override public TaskGraph transferToDevice(int mode, Object... objects) {
        Object[] more = Stream.of(objects).filter(sent::add).toArray();
        return more.length == 0 ? this : super.transferToDevice(mode, more);
    }

    /** A task as TornadoVM's runtime has it; null in the checker. */
    SchedulableTask recorded(String id) {
        return taskGraphImpl == null ? null : taskGraphImpl.getTask(getTaskGraphName() + "." + id);
    }
}
