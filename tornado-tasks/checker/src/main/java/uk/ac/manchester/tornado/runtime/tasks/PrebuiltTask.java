package uk.ac.manchester.tornado.runtime.tasks;

import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.SchedulableTask;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.profiler.TornadoProfiler;
import uk.ac.manchester.tornado.runtime.tasks.meta.ScheduleContext;

/** A task whose kernel's source is in a file. Nothing takes it here. */
public class PrebuiltTask implements SchedulableTask {

    private final String id;
    private final Object[] arguments;
    private final Access[] access;

    public PrebuiltTask(ScheduleContext graph, String id, String kernel, String file, Object[] arguments, Access[] access) {
        this.id = id;
        this.arguments = arguments;
        this.access = access;
    }

    @Override public String getId() {
        return id;
    }

    @Override public Object[] getArguments() {
        return arguments;
    }

    @Override public Access[] getArgumentsAccess() {
        return access;
    }

    @Override public void setDevice(TornadoDevice device) {}

    @Override public void attachProfiler(TornadoProfiler profiler) {}

    @Override public void setUseGridScheduler(boolean use) {}

    @Override public void setGridScheduler(GridScheduler scheduler) {}
}
