package uk.ac.manchester.tornado.api;

import squall.checker.PlanRun;

/** What is left of an execution: its counters, and the arrays still on the device. */
public class TornadoExecutionResult {

    private final PlanRun run;

    TornadoExecutionResult(PlanRun run) {
        this.run = run;
    }

    public TornadoProfilerResult getProfilerResult() {
        return new TornadoProfilerResult(run);
    }

    public TornadoExecutionResult transferToHost(Object... objects) {
        run.bringBack(objects);
        return this;
    }

    public TornadoExecutionResult transferToHost(DataRange dataRange) {
        dataRange.materialize();
        run.bringBack(dataRange.getArray(), dataRange.getOffset(), dataRange.getPartialSize());
        return this;
    }

    public boolean isReady() {
        return true;
    }
}
