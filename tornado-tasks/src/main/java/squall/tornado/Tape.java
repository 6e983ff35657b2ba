package squall.tornado;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.SchedulableTask;

/** Takes down the tasks of one TaskGraph with their grids. */
public final class Tape {

    @FunctionalInterface
    public interface Task {
        /** Adds the task under this id; every argument is settled by now. */
        void addTo(TaskGraph graph, String id);
    }

    private record Sized(WorkerGrid1D work, Grid grid) {}

    private final TaskGraph graph;
    private final GridScheduler scheduler;
    private final List<Sized> sized = new ArrayList<>();
    private final List<String> names = new ArrayList<>();
    private final Map<String, Traffic> traffic = new LinkedHashMap<>();
    private Traffic pending = Traffic.NONE;
    private Frame frame;

    /** graph: null to take down the names of the tasks only. */
    Tape(TaskGraph graph, GridScheduler scheduler, Frame frame) {
        this.graph = graph;
        this.scheduler = scheduler;
        this.frame = frame;
    }

    public Frame frame() {
        return frame;
    }

    /** From now on tasks run over other rows. */
    void turnTo(Frame other) {
        frame = other;
    }

    /** A task whose kernel takes a KernelContext. */
    public void add(String name, Grid grid, Task task) {
        String id = note(name);
        if (graph == null) return;
        task.addTo(graph, id);
        WorkerGrid1D work = new WorkerGrid1D(grid.local());
        work.setLocalWork(grid.local(), 1, 1);
        scheduler.addWorkerGrid(graph.getTaskGraphName() + "." + id, work);
        sized.add(new Sized(work, grid));
    }

    /** A task whose kernel has {@code @Parallel} loops. */
    public void add(String name, Task task) {
        String id = note(name);
        if (graph != null) task.addTo(graph, id);
    }

    private String note(String name) {
        names.add(name);
        String id = name + names.size();
        traffic.put(id, pending);
        pending = Traffic.NONE;
        return id;
    }

    /** Of the task that is added next. */
    void moves(Traffic more) {
        pending = pending.plus(more);
    }

    /** By task id. */
    Map<String, Traffic> traffic() {
        return traffic;
    }

    List<String> names() {
        return names;
    }

    /** The tasks as TornadoVM's runtime has them; none in the checker. */
    List<SchedulableTask> recorded() {
        return graph instanceof RecordedGraph g ? traffic.keySet().stream().map(g::recorded).filter(Objects::nonNull).toList() : List.of();
    }

    /** Sets every grid for a step. */
    void size(int rows, int segments) {
        for (Sized s : sized) {
            long items = (long) Math.max(1, s.grid.groups().of(rows, segments)) * s.grid.local();
            if (s.work.getGlobalWork()[0] != items) {
                s.work.setGlobalWork(items, 1, 1);
                s.work.setLocalWork(s.grid.local(), 1, 1);
            }
        }
    }
}
