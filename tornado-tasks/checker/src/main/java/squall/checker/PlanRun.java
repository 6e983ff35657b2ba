package squall.checker;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.exceptions.TornadoMemoryException;
import uk.ac.manchester.tornado.api.exceptions.TornadoRuntimeException;

/** The graphs of an execution plan, which of them are selected, and which ran last. Owned by the thread that executes. */
public final class PlanRun {

    /** What the last execution moved, in bytes with headers, and how long it took here. */
    public record Counters(long bytesIn, long bytesOut, long nanos) {
    }

    private static final AtomicInteger PLANS = new AtomicInteger();

    private final int id = PLANS.incrementAndGet();
    private final List<GraphRun> graphs;
    private List<GraphRun> selected;
    private GraphRun last;
    private GridScheduler grids;
    private boolean profiling;
    private boolean compiledAhead;
    private boolean freed;
    private boolean closed;
    private long limitBytes = Long.MAX_VALUE;
    private long nanos;

    public PlanRun(List<GraphRecord> graphs) {
        this.graphs = graphs.stream().map(GraphRun::new).toList();
        this.selected = this.graphs;
    }

    public static int plans() {
        return PLANS.get();
    }

    public long id() {
        return id;
    }

    private void requireOpen() {
        if (closed) {
            throw new CheckFailure(Fault.FREED, "plan " + this + " is closed: its arrays are gone from the device");
        }
    }

    public void execute() {
        requireOpen();
        if (freed && compiledAhead) {
            throw new CheckFailure(Fault.FREED, "plan " + this + " runs after freeDeviceMemory although it was compiled ahead: "
                    + "TornadoVM throws then. Make a new plan");
        }
        if (selected.size() > 1 && selected.stream().anyMatch(run -> !run.graph().consumed().isEmpty())) {
            throw new CheckFailure(Fault.TRANSFER, "several graphs of plan " + this + " run in one execute() and consume from each other, "
                    + "which throws in TornadoVM: run them in order with withGraph(i).execute()");
        }
        long start = System.nanoTime();
        for (GraphRun run : selected) {
            run.run(last, grids);
        }
        last = selected.getLast();
        nanos = System.nanoTime() - start;
        if (deviceBytes() > limitBytes) {
            throw new TornadoMemoryException("the plan's arrays take " + deviceBytes() + " bytes on the device; its limit is " + limitBytes);
        }
    }

    public void select(int index) {
        if (index < 0 || index >= graphs.size()) {
            throw new TornadoRuntimeException("graph " + index + " of a plan of " + graphs.size());
        }
        selected = List.of(graphs.get(index));
    }

    public void selectAll() {
        selected = graphs;
    }

    public void compileAhead() {
        compiledAhead = true;
    }

    public void profile(boolean on) {
        profiling = on;
    }

    public void limitMemory(String limit) {
        if (limit == null) {
            limitBytes = Long.MAX_VALUE;
            return;
        }
        String text = limit.toUpperCase(Locale.ROOT);
        int shift = text.endsWith("GB") ? 30 : text.endsWith("MB") ? 20 : 0;
        limitBytes = Long.parseLong(shift == 0 ? text : text.substring(0, text.length() - 2)) << shift;
    }

    /** A grid for a task that no graph has is a misspelt name; TornadoVM ignores it if another one fits. */
    public void schedule(GridScheduler scheduler) {
        Set<String> tasks = new HashSet<>();
        Set<String> names = new HashSet<>();
        for (GraphRun run : graphs) {
            names.add(run.graph().name());
            run.graph().tasks().forEach(task -> tasks.add(run.graph().name() + "." + task.id()));
        }
        boolean any = false;
        for (String key : scheduler.keySet()) {
            any |= tasks.contains(key);
            if (!tasks.contains(key) && names.stream().anyMatch(name -> key.startsWith(name + "."))) {
                throw new CheckFailure(Fault.GRID, "the GridScheduler names " + key + ", a task that its graph does not have");
            }
        }
        if (!any) {
            throw new CheckFailure(Fault.GRID, "the GridScheduler names no task of this plan: " + scheduler.keySet());
        }
        grids = scheduler;
    }

    public void free() {
        freed = true;
        graphs.forEach(GraphRun::free);
    }

    public void close() {
        closed = true;
        free();
    }

    public long deviceBytes() {
        return graphs.stream().mapToLong(GraphRun::deviceBytes).sum();
    }

    public void bringBack(Object... objects) {
        for (Object object : objects) {
            fetch(object, 0, -1);
        }
    }

    /** {@code offsetBytes} counts from the start of the header, as TornadoVM counts. */
    public void bringBack(Object array, long offsetBytes, long bytes) {
        fetch(array, offsetBytes, bytes);
    }

    private void fetch(Object object, long offsetBytes, long bytes) {
        requireOpen();
        List<GraphRun> holders = new ArrayList<>(selected);
        holders.removeIf(run -> !run.holds(object));
        if (holders.isEmpty()) {
            String where = selected.stream().map(run -> run.graph().describe(object)).collect(Collectors.joining(", "));
            throw new CheckFailure(freed ? Fault.FREED : Fault.TRANSFER, where + " is asked for, but is not on the device"
                    + (freed ? ": freeDeviceMemory dropped it" : ": the selected graph does not have it, or did not run"));
        }
        for (GraphRun holder : holders) {
            holder.fetch(object, offsetBytes, bytes);
        }
    }

    /** Counters of the selected graphs; only with the profiler on, since TornadoVM reads zero without. */
    public Counters profiled() {
        if (!profiling) {
            throw new CheckFailure(Fault.TRANSFER, "plan " + this + " is asked for counters without withProfiler: TornadoVM reads zero then");
        }
        return new Counters(selected.stream().mapToLong(GraphRun::bytesIn).sum(),
                selected.stream().mapToLong(GraphRun::bytesOut).sum(), nanos);
    }

    @Override
    public String toString() {
        return graphs.stream().map(run -> run.graph().name()).collect(Collectors.joining("+"));
    }
}
