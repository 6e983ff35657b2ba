package uk.ac.manchester.tornado.api;

import java.util.Arrays;
import squall.checker.CheckerRuntime;
import squall.checker.PlanRun;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.ProfilerMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;

/**
 * Graphs that run one after the other on one device and hand arrays on. What only tunes a real device
 * (streams, captured graphs, compiler flags) is accepted and does nothing.
 */
public final class TornadoExecutionPlan implements AutoCloseable {

    public static TornadoDevice DEFAULT_DEVICE = CheckerRuntime.INSTANCE;

    private final PlanRun run;

    public TornadoExecutionPlan(ImmutableTaskGraph... immutableTaskGraphs) {
        this.run = new PlanRun(Arrays.stream(immutableTaskGraphs).map(graph -> graph.record).toList());
    }

    public static TornadoDevice getDevice(int backendIndex, int deviceIndex) {
        return CheckerRuntime.INSTANCE.getBackend(backendIndex).getDevice(deviceIndex);
    }

    public static int getTotalPlans() {
        return PlanRun.plans();
    }

    public static TornadoDeviceMap getTornadoDeviceMap() {
        return new TornadoDeviceMap();
    }

    public TornadoExecutionResult execute() {
        run.execute();
        return new TornadoExecutionResult(run);
    }

    public TornadoExecutionPlan withGraph(int graphIndex) {
        run.select(graphIndex);
        return this;
    }

    public TornadoExecutionPlan withAllGraphs() {
        run.selectAll();
        return this;
    }

    public TornadoExecutionPlan withPreCompilation() {
        run.compileAhead();
        return this;
    }

    public TornadoExecutionPlan withDevice(TornadoDevice device) {
        return this;
    }

    public TornadoExecutionPlan withDevice(String taskName, TornadoDevice device) {
        return this;
    }

    public TornadoDevice getDevice(int immutableTaskGraphIndex) {
        return CheckerRuntime.INSTANCE;
    }

    public TornadoExecutionPlan freeDeviceMemory() {
        run.free();
        return this;
    }

    public TornadoExecutionPlan withGridScheduler(GridScheduler gridScheduler) {
        run.schedule(gridScheduler);
        return this;
    }

    public TornadoExecutionPlan withDefaultScheduler() {
        return this;
    }

    public TornadoExecutionPlan withProfiler(ProfilerMode profilerMode) {
        run.profile(true);
        return this;
    }

    public TornadoExecutionPlan withoutProfiler() {
        run.profile(false);
        return this;
    }

    public TornadoExecutionPlan clearProfiles() {
        return this;
    }

    public TornadoExecutionPlan withMemoryLimit(String memoryLimit) {
        run.limitMemory(memoryLimit);
        return this;
    }

    public TornadoExecutionPlan withoutMemoryLimit() {
        run.limitMemory(null);
        return this;
    }

    public TornadoExecutionPlan withConcurrentDevices() {
        return this;
    }

    public TornadoExecutionPlan withoutConcurrentDevices() {
        return this;
    }

    public TornadoExecutionPlan withThreadInfo() {
        return this;
    }

    public TornadoExecutionPlan withoutThreadInfo() {
        return this;
    }

    public TornadoExecutionPlan withPrintKernel() {
        return this;
    }

    public TornadoExecutionPlan withoutPrintKernel() {
        return this;
    }

    public TornadoExecutionPlan withCompilerFlags(TornadoVMBackendType backend, String compilerFlags) {
        return this;
    }

    public TornadoExecutionPlan withWarmUpIterations(int iterations) {
        for (int i = 0; i < iterations; i++) {
            run.execute();
        }
        return this;
    }

    public TornadoExecutionPlan withCUDAGraph() {
        return this;
    }

    public TornadoExecutionPlan withIntraPlanConcurrency() {
        return this;
    }

    public TornadoExecutionPlan withoutIntraPlanConcurrency() {
        return this;
    }

    public TornadoExecutionPlan withStagedTransfers() {
        return this;
    }

    public TornadoExecutionPlan withoutStagedTransfers() {
        return this;
    }

    public TornadoExecutionPlan resetDevice() {
        return freeDeviceMemory();
    }

    public long getId() {
        return run.id();
    }

    /** Bytes of this plan's arrays on the device. */
    public long getCurrentDeviceMemoryUsage() {
        return run.deviceBytes();
    }

    public String getTraceExecutionPlan() {
        return toString();
    }

    public void printTraceExecutionPlan() {
        System.out.println(this);
    }

    @Override
    public String toString() {
        return run.toString();
    }

    @Override
    public void close() throws TornadoExecutionPlanException {
        run.close();
    }
}
