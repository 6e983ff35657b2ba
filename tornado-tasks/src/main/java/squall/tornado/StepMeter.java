package squall.tornado;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import squall.engine.Meter;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.TornadoProfilerResult;
import uk.ac.manchester.tornado.api.enums.ProfilerMode;

/** Reads TornadoVM's profiler after every graph. The log of a graph grows with its executions; what is new in it counts. */
final class StepMeter implements Meter {
    /** A task's object in the log, named graph.task, and the time of its kernel in it. */
    private static final Pattern TASK = Pattern.compile("\"[^\"\\s]*\\.(\\w+)\": \\{([^}]*)\\}");
    private static final Pattern KERNEL = Pattern.compile("\"TASK_KERNEL_TIME\": \"(\\d+)\"");
    private static final String ALL = "all tasks";

    private record Key(String part, String task) {}

    private final TornadoExecutionPlan plan;
    private final Runnable closed;
    private final Map<Integer, Integer> read = new HashMap<>();
    private final Map<Key, Cost> costs = new LinkedHashMap<>();
    private long bytesUp;
    private long bytesDown;

    StepMeter(TornadoExecutionPlan plan, Runnable closed) {
        this.plan = plan;
        this.closed = closed;
        plan.withProfiler(ProfilerMode.SILENT);
    }

    /** A graph has run; each task's traffic in bytes by its id. */
    void ran(int graph, String part, Map<String, Long> traffic, TornadoExecutionResult result) {
        TornadoProfilerResult profile = result.getProfilerResult();
        bytesUp += profile.getTotalBytesCopyIn();
        bytesDown += profile.getTotalBytesCopyOut();
        String log = profile.getProfileLog();
        int from = Math.min(read.getOrDefault(graph, 0), log.length());
        read.put(graph, log.length());
        Matcher task = TASK.matcher(log).region(from, log.length());
        boolean any = false;
        while (task.find()) {
            Matcher time = KERNEL.matcher(task.group(2));
            if (!time.find()) continue;
            any = true;
            add(part, task.group(1), Long.parseLong(time.group(1)), traffic.getOrDefault(task.group(1), 0L));
        }
        if (!any) add(part, ALL, profile.getDeviceKernelTime(), traffic.values().stream().mapToLong(Long::longValue).sum());
    }

    private void add(String part, String task, long nanos, long bytes) {
        costs.merge(new Key(part, task), new Cost(part, task, 1, nanos, bytes),
                (a, b) -> new Cost(part, task, a.runs() + 1, a.nanos() + b.nanos(), a.bytes() + b.bytes()));
    }

    /** Floats or ids that were asked for after a graph: the profiler does not see them. */
    void fetched(int numbers) {
        bytesDown += (long) Float.BYTES * numbers;
    }

    @Override public Reading take() {
        List<String> parts = costs.keySet().stream().map(Key::part).distinct().toList();
        List<Cost> ordered = costs.values().stream()
                .sorted(Comparator.comparingInt((Cost c) -> parts.indexOf(c.part())).thenComparingInt(c -> number(c.task()))).toList();
        Reading reading = new Reading(ordered, bytesUp, bytesDown);
        costs.clear();
        bytesUp = 0;
        bytesDown = 0;
        return reading;
    }

    /** A task's place in its graph, which its id ends with; the log has no order. */
    private static int number(String id) {
        String digits = id.replaceAll("\\D", "");
        return digits.isEmpty() ? 0 : Integer.parseInt(digits);
    }

    @Override public void close() {
        plan.withoutProfiler();
        closed.run();
    }
}
