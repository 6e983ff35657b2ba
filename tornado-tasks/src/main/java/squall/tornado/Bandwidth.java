package squall.tornado;

import squall.tornado.kernels.MemoryRead;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.enums.ProfilerMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.collections.VectorFloat8;

/** Measures how fast a device reads its memory: the best of several reads of an array that no cache holds. */
final class Bandwidth {
    /** 256 MiB. */
    private static final int FLOATS = 1 << 26;
    private static final int ITEMS = 1 << 17;
    private static final int ROWS = 1 << 12;
    private static final int GROUP = 128;
    private static final int READS = 8;
    private static final int LANES = 8;

    private Bandwidth() {}

    /** Bytes a second. device: null for the default one. */
    static double measure(TornadoDevice device, Traits.Shape shape) {
        return measure(device, shape, FLOATS);
    }

    static double measure(TornadoDevice device, Traits.Shape shape, int floats) {
        FloatArray sums = new FloatArray(ITEMS);
        GridScheduler grids = new GridScheduler();
        TaskGraph graph = new TaskGraph("bandwidth");
        if (shape == Traits.Shape.ROWS) {
            VectorFloat8 x = new VectorFloat8(floats / LANES);
            x.getArray().init(1f);
            graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, x).task("read", MemoryRead::kReadRows, sums, x, ROWS, floats / LANES / ROWS);
        } else {
            FloatArray x = new FloatArray(floats);
            x.init(1f);
            graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, x)
                    .task("read", MemoryRead::kReadStrided, new KernelContext(), sums, x, ITEMS, floats / ITEMS);
            WorkerGrid1D items = new WorkerGrid1D(ITEMS);
            items.setLocalWork(GROUP, 1, 1);
            grids.addWorkerGrid("bandwidth.read", items);
        }
        graph.transferToHost(DataTransferMode.UNDER_DEMAND, sums);
        try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
            if (device != null) plan.withDevice(device);
            if (shape != Traits.Shape.ROWS) plan.withGridScheduler(grids);
            plan.withProfiler(ProfilerMode.SILENT);
            long best = Long.MAX_VALUE;
            for (int i = 0; i < READS; i++) best = Math.min(best, Math.max(1, plan.execute().getProfilerResult().getDeviceKernelTime()));
            return (double) Float.BYTES * floats / best * 1e9;
        } catch (TornadoExecutionPlanException e) {
            throw new IllegalStateException("the device did not let go of the measurement: " + e.getMessage(), e);
        }
    }
}
