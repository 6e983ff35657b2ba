package uk.ac.manchester.tornado.api;

import squall.checker.PlanRun;

/**
 * Counters of the last execution of the selected graphs. Bytes are exact; times are the JVM's and say nothing about a
 * device. They need {@code withProfiler}: TornadoVM counts nothing without, so reading them then is a mistake here.
 */
public class TornadoProfilerResult {

    private final PlanRun run;

    TornadoProfilerResult(PlanRun run) {
        this.run = run;
    }

    public long getTotalTime() {
        return run.profiled().nanos();
    }

    public long getCompileTime() {
        return 0;
    }

    public long getTornadoCompilerTime() {
        return 0;
    }

    public long getDriverInstallTime() {
        return 0;
    }

    public long getDataTransfersTime() {
        return 0;
    }

    public long getDeviceWriteTime() {
        return 0;
    }

    public long getDeviceReadTime() {
        return 0;
    }

    public long getDataTransferDispatchTime() {
        return 0;
    }

    public long getKernelDispatchTime() {
        return 0;
    }

    public long getDeviceKernelTime() {
        return run.profiled().nanos();
    }

    public long getTotalBytesCopyIn() {
        return run.profiled().bytesIn();
    }

    public long getTotalBytesCopyOut() {
        return run.profiled().bytesOut();
    }

    public long getTotalBytesTransferred() {
        return getTotalBytesCopyIn() + getTotalBytesCopyOut();
    }

    public long getTotalDeviceMemoryUsage() {
        return run.deviceBytes();
    }

    public String getProfileLog() {
        return run.profiled().toString();
    }

    public void dumpProfiles() {
        System.out.println(getProfileLog());
    }

    public String getTraceExecutionPlan() {
        return run.toString();
    }
}
