package squall.checker;

import java.util.HashMap;
import java.util.Map;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.WorkerGrid;

/** Runs a recorded task: a library's call at once, a kernel as a launch with device views for arrays and sizes from the grid. */
final class TaskRun {

    private TaskRun() {
    }

    static void run(GraphRecord graph, GraphRecord.Task task, Map<Object, DeviceBuffer> buffers, GridScheduler grids) {
        switch (task.code()) {
            case LibraryCall call -> call.run(task.arguments(), buffers);
            case Kernel kernel -> launch(kernel, graph, task, buffers, grids).execute();
        }
    }

    private static Launch launch(Kernel kernel, GraphRecord graph, GraphRecord.Task task, Map<Object, DeviceBuffer> buffers, GridScheduler grids) {
        String name = graph.name() + "." + task.id();
        Object[] arguments = arguments(kernel, task, buffers);
        if (!GraphRun.usesContext(task)) {
            return new LoopLaunch(kernel, name, arguments);
        }
        WorkerGrid grid = grids == null ? null : grids.get(name);
        if (grid == null) {
            throw grid(kernel, "task " + name + " takes a KernelContext but has no WorkerGrid: TornadoVM would run one work-item. "
                    + "Add one under \"" + name + "\" to the plan's GridScheduler");
        }
        long[] global = grid.getGlobalWork();
        long[] local = grid.getLocalWork();
        if (local == null) {
            local = chosen(kernel, name, global);
        }
        requireSizes(kernel, name, global, local);
        return new GroupLaunch(kernel, name, arguments, global, local);
    }

    private static Object[] arguments(Kernel kernel, GraphRecord.Task task, Map<Object, DeviceBuffer> buffers) {
        Object[] arguments = task.arguments().toArray();
        Map<DeviceBuffer, Boolean> written = new HashMap<>();
        for (int i = 0; i < arguments.length; i++) {
            if (Views.storage(arguments[i]) != null) {
                written.merge(buffers.get(arguments[i]), kernel.report().access(i).writes(), Boolean::logicalOr);
            }
        }
        Map<DeviceBuffer, Tracker> trackers = new HashMap<>();
        for (int i = 0; i < arguments.length; i++) {
            if (Views.storage(arguments[i]) != null) {
                String name = kernel.argument(i);
                Tracker tracker = trackers.computeIfAbsent(buffers.get(arguments[i]), b -> new Tracker(b, name, written.get(b)));
                arguments[i] = Views.onDevice(arguments[i], buffers.get(arguments[i]), tracker);
            }
        }
        return arguments;
    }

    /** TornadoVM takes what it likes; a kernel that looks at its group cannot live with that. */
    private static long[] chosen(Kernel kernel, String name, long[] global) {
        if (kernel.report().usesGroups()) {
            throw grid(kernel, "task " + name + " looks at its work-group, but its WorkerGrid has no local size: call setLocalWork");
        }
        long local = 1;
        while (local < 64 && global[0] % (2 * local) == 0) {
            local *= 2;
        }
        return new long[] {local, 1, 1};
    }

    private static void requireSizes(Kernel kernel, String name, long[] global, long[] local) {
        long group = 1;
        for (int i = 0; i < 3; i++) {
            if (global[i] < 1 || local[i] < 1) {
                throw grid(kernel, "task " + name + " has a global size of " + global[i] + " and a local size of " + local[i]
                        + " in dimension " + i + ": both must be at least 1");
            }
            if (global[i] % local[i] != 0) {
                throw grid(kernel, "task " + name + " has a global size of " + global[i] + ", no multiple of its local size "
                        + local[i] + " (dimension " + i + "): OpenCL only prints an error and runs nothing. Round up and guard with an if");
            }
            group *= local[i];
        }
        if (group > CheckerRuntime.MAX_GROUP) {
            throw new CheckFailure(Fault.LIMIT, kernel.name(), 0, -1, "task " + name + " has work-groups of " + group
                    + "; devices take " + CheckerRuntime.MAX_GROUP);
        }
    }

    private static CheckFailure grid(Kernel kernel, String message) {
        return new CheckFailure(Fault.GRID, kernel.name(), 0, -1, message);
    }
}
