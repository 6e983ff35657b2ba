package uk.ac.manchester.tornado.api;

import uk.ac.manchester.tornado.api.common.SchedulableTask;

/** A graph as the runtime has it. */
public interface TornadoTaskGraphInterface {

    /** id: graph.task */
    SchedulableTask getTask(String id);
}
