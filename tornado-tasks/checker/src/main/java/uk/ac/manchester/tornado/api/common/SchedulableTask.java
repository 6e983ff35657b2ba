package uk.ac.manchester.tornado.api.common;

import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.profiler.TornadoProfiler;

/** A task as the runtime has it. */
public interface SchedulableTask {

    /** graph.task */
    String getId();

    Object[] getArguments();

    Access[] getArgumentsAccess();

    void setDevice(TornadoDevice device);

    void attachProfiler(TornadoProfiler profiler);

    void setUseGridScheduler(boolean use);

    void setGridScheduler(GridScheduler scheduler);
}
