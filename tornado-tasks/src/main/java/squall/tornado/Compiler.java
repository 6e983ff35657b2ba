package squall.tornado;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.SchedulableTask;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;
import uk.ac.manchester.tornado.runtime.common.TornadoInstalledCode;
import uk.ac.manchester.tornado.runtime.common.TornadoXPUDevice;
import uk.ac.manchester.tornado.runtime.profiler.EmptyProfiler;
import uk.ac.manchester.tornado.runtime.tasks.CompilableTask;
import uk.ac.manchester.tornado.runtime.tasks.PrebuiltTask;
import uk.ac.manchester.tornado.runtime.tasks.meta.ScheduleContext;

/**
 * Compiles the tasks of graphs before the graphs are played, while weights are sent and several tasks at a time. TornadoVM itself compiles a
 * task when its graph is played first, one after the other, and knows code again by the names of graph and task alone: every layer's tasks
 * anew (measured on an H200, Qwen3.5-4B: 263 tasks, of which 139 are one method with five sets of arguments, 34 ms each, and the driver's
 * compiler takes longer than that). Here tasks of one method whose arguments have the same values, or are arrays of the same type and
 * size, which is all that TornadoVM compiles into a kernel, are compiled once, and the others are given the source that came of it.
 * TornadoVM finds the code where it would have put it. What fails here TornadoVM compiles when it plays the graph, and says what is wrong.
 *
 * <p>Owned by the engine's thread, as the plan is.
 */
final class Compiler implements AutoCloseable {
    /** TornadoVM's compiler works for one thread at a time; this many wait for the driver's. */
    private static final int MOST_THREADS = 16;
    private static final long IDLE_SECONDS = 5;
    private static final long PATIENCE_SECONDS = 60;
    private static final String SOURCE = "getGeneratedSourceCode";

    /** What makes the code of a task. */
    private record Key(Method kernel, List<Object> arguments) {}

    /** An array as it is compiled in. */
    private record Shape(Class<?> type, int size) {}

    /** Code of a first task, and where other tasks find its source. */
    private static final class Kernel {
        private final CompletableFuture<TornadoInstalledCode> code;
        private Path source;

        Kernel(CompletableFuture<TornadoInstalledCode> code) {
            this.code = code;
        }

        /** Every backend's code has its source, by a method that no common type declares. */
        synchronized Path source() {
            if (source != null) return source;
            try {
                TornadoInstalledCode made = code.join();
                String text = (String) made.getClass().getMethod(SOURCE).invoke(made);
                return source = Files.writeString(Files.createTempFile("squall", ".kernel"), text);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("code without source", e);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        synchronized void forget() throws IOException {
            if (source != null) Files.delete(source);
        }
    }

    private final TornadoXPUDevice device;
    private final long plan;
    private final GridScheduler grids;
    private final IntFunction<List<SchedulableTask>> tasks;
    private final ThreadPoolExecutor threads;
    private final Map<Key, Kernel> kernels = new HashMap<>();
    private final Map<Integer, List<CompletableFuture<?>>> jobs = new HashMap<>();
    private int asked;
    /** Jobs that are not done, since when there are any, and how long there were some before. */
    private int pending;
    private long since;
    private long nanos;

    /**
     * @param device as the runtime has it; for the checker's, nothing is compiled ahead
     * @param plan   TornadoVM's number of it
     * @param grids  of the plan
     * @param tasks  those of a graph
     */
    Compiler(TornadoDevice device, long plan, GridScheduler grids, IntFunction<List<SchedulableTask>> tasks) {
        this.device = device instanceof TornadoXPUDevice d ? d : null;
        this.plan = plan;
        this.grids = grids;
        this.tasks = tasks;
        int most = Math.clamp(Runtime.getRuntime().availableProcessors(), 2, MOST_THREADS);
        this.threads = new ThreadPoolExecutor(most, most, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), Thread.ofPlatform().daemon().name("compiler-", 0).factory());
        threads.allowCoreThreadTimeOut(true);
    }

    /** Begins with these graphs, in this order. */
    void ahead(List<Integer> graphs) {
        if (device != null) for (int graph : graphs) jobs.computeIfAbsent(graph, g -> tasks.apply(g).stream().filter(CompilableTask.class::isInstance)
                .map(CompilableTask.class::cast).<CompletableFuture<?>>map(this::begin).toList());
    }

    /** Waits until a graph's tasks are compiled; begins with them now if nobody did. */
    void await(int graph) {
        ahead(List.of(graph));
        List<CompletableFuture<?>> waiting = jobs.getOrDefault(graph, List.of());
        if (waiting.isEmpty()) return;
        for (CompletableFuture<?> job : waiting) {
            try {
                job.join();
            } catch (CompletionException e) {
                // TornadoVM compiles it again, and says why it cannot
            }
        }
        jobs.put(graph, List.of());
    }

    private CompletableFuture<?> begin(CompilableTask task) {
        asked++;
        task.setDevice(device);
        task.attachProfiler(new EmptyProfiler());
        boolean grid = grids.get(task.getId()) != null;
        if (grid) {
            task.setUseGridScheduler(true);
            task.setGridScheduler(grids);
        }
        Key key = new Key(task.getMethod(), Arrays.stream(task.getArguments()).map(Compiler::compiledIn).toList());
        Kernel known = kernels.get(key);
        started();
        // what @Parallel loops are is written into the task while it is compiled
        if (known == null || !grid) {
            CompletableFuture<TornadoInstalledCode> code = CompletableFuture.supplyAsync(() -> device.installCode(plan, task), threads);
            kernels.putIfAbsent(key, new Kernel(code));
            return code.whenComplete((_, _) -> ended());
        }
        return known.code.thenAcceptAsync(_ -> take(task, known), threads).whenComplete((_, _) -> ended());
    }

    private static Object compiledIn(Object argument) {
        return switch (argument) {
            case TornadoNativeArray a -> new Shape(a.getClass(), a.getSize());
            case KernelContext _ -> KernelContext.class;
            default -> argument;
        };
    }

    /** Gives a task the code of an equal one. */
    private void take(CompilableTask task, Kernel from) {
        String id = task.getId();
        int dot = id.indexOf('.');
        Access[] access = task.getArgumentsAccess();
        SchedulableTask same = new PrebuiltTask(new ScheduleContext(id.substring(0, dot)), id.substring(dot + 1), task.getMethod().getName(),
                from.source().toString(), task.getArguments(), access);
        same.setDevice(device);
        device.installCode(plan, same);
    }

    private synchronized void started() {
        if (pending++ == 0) since = System.nanoTime();
    }

    private synchronized void ended() {
        if (--pending == 0) nanos += System.nanoTime() - since;
    }

    /** Nanoseconds in which something was being compiled. */
    synchronized long nanos() {
        return pending == 0 ? nanos : nanos + System.nanoTime() - since;
    }

    /** Different ones. */
    int kernels() {
        return kernels.size();
    }

    /** Tasks that use them. */
    int tasks() {
        return asked;
    }

    @Override public void close() {
        threads.shutdownNow();
        try {
            threads.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
            for (Kernel k : kernels.values()) k.forget();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            // a temporary file stays behind
        }
    }
}
