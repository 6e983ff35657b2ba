package uk.ac.manchester.tornado.runtime.common;

import uk.ac.manchester.tornado.api.common.SchedulableTask;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/** A device as the runtime has it. */
public interface TornadoXPUDevice extends TornadoDevice {

    /** Compiles a task for a plan, which knows its code from then on by the task's id. */
    TornadoInstalledCode installCode(long executionPlanId, SchedulableTask task);
}
