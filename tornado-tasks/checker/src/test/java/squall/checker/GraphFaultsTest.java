package squall.checker;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import squall.checker.kernels.Faulty;
import squall.checker.kernels.Sound;
import squall.checker.kernels.Traps;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoFunctions;
import uk.ac.manchester.tornado.api.enums.ProfilerMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoRuntimeException;
import uk.ac.manchester.tornado.api.exceptions.TornadoTaskRuntimeException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.collections.VectorFloat8;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.EVERY_EXECUTION;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.FIRST_EXECUTION;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.UNDER_DEMAND;

/** What arrays do between host and device, and each way to get it wrong. */
class GraphFaultsTest {

    private static final KernelContext CONTEXT = new KernelContext();

    private final FloatArray x = Graphs.counting(8);
    private final FloatArray y = new FloatArray(8);

    /** x += y, both on the device once. */
    private TaskGraph adding(String name) {
        return new TaskGraph(name).transferToDevice(FIRST_EXECUTION, x, y).task("t", Sound::kAdd, x, y);
    }

    @Test
    void aForgottenTransferShows() {
        CheckFailure failure = Graphs.refused(Fault.TRANSFER, () -> Graphs.plan(new TaskGraph("g").task("t", Faulty::kCopy, y, x)));
        assertTrue(failure.getMessage().contains("'x' (FloatArray)") && failure.getMessage().contains("g.t"), failure.getMessage());
        Graphs.refused(Fault.UNINITIALISED, () -> Graphs.plan(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, y)
                .task("t", Sound::kAdd, x, y)).execute());
        Graphs.refused(Fault.UNINITIALISED, () -> Graphs.plan(new TaskGraph("g").transferToDevice(UNDER_DEMAND, x)
                .task("t", Faulty::kCopy, y, x)).execute());
    }

    @Test
    void whatTravelsOnceIsStaleOnTheDevice() {
        TornadoExecutionPlan plan = Graphs.plan(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, x)
                .task("t", Faulty::kCopy, y, x).transferToHost(EVERY_EXECUTION, y));
        plan.execute();
        x.set(3, 99f);
        plan.execute();
        assertEquals(3f, y.get(3));
    }

    @Test
    void whatTravelsEveryTimeIsFresh() {
        TornadoExecutionPlan plan = Graphs.plan(new TaskGraph("g").transferToDevice(EVERY_EXECUTION, x)
                .task("t", Faulty::kCopy, y, x).transferToHost(EVERY_EXECUTION, y));
        plan.execute();
        x.set(3, 99f);
        plan.execute();
        assertEquals(99f, y.get(3));
    }

    @Test
    void aPartlyWrittenArrayIsNeverUploaded() {
        CheckFailure listed = Graphs.refused(Fault.TRANSFER, () -> Graphs.plan(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, y)
                .task("t", Faulty::kEvenOnly, y).transferToHost(EVERY_EXECUTION, y)).execute());
        assertEquals(1, listed.index());
        Graphs.plan(new TaskGraph("g").task("t", Faulty::kEvenOnly, y).transferToHost(EVERY_EXECUTION, y)).execute();
        assertEquals(1f, y.get(0));
        assertNotEquals(0f, y.get(1), "what nobody wrote comes back as garbage");
    }

    @Test
    void outputsNeedATaskThatWritesThem() {
        Graphs.refused(Fault.TRANSFER, () -> Graphs.plan(adding("g").transferToHost(EVERY_EXECUTION, y)));
    }

    @Test
    void arraysAreHandedAlongAChain() {
        try (TornadoExecutionPlan plan = Graphs.plan(adding("a").persistOnDevice(x, y),
                new TaskGraph("b").consumeFromDevice("a", x, y).task("t", Sound::kAdd, y, x).persistOnDevice(x, y),
                new TaskGraph("c").consumeFromDevice("b", x, y).task("t", Sound::kAdd, x, y).transferToHost(EVERY_EXECUTION, x).persistOnDevice(y))) {
            y.init(1f);
            for (int i = 0; i < 3; i++) {
                plan.withGraph(i).execute();
            }
        } catch (Exception e) {
            throw new AssertionError(e);
        }
        assertEquals(3 + 1 + 3 + 1 + 1, x.get(3), "x = 3 + 1, y = 1 + 4, x = 4 + 5");
    }

    @Test
    void aGraphMayFollowItself() {
        TornadoExecutionPlan plan = Graphs.plan(adding("a").persistOnDevice(x, y),
                new TaskGraph("layer").consumeFromDevice("a", x, y).task("t", Sound::kAdd, x, y).persistOnDevice(x, y));
        y.init(1f);
        plan.withGraph(0).execute();
        plan.withGraph(1).execute();
        plan.withGraph(1).execute().transferToHost(x);
        assertEquals(6f, x.get(3));
    }

    @Test
    void graphsDoNotShareWithoutConsuming() {
        TornadoExecutionPlan plan = Graphs.plan(adding("a").persistOnDevice(x), adding("b").persistOnDevice(x));
        y.init(1f);
        plan.withGraph(0).execute();
        plan.withGraph(1).execute().transferToHost(x);
        assertEquals(4f, x.get(3), "b added to its own copy");
    }

    @Test
    void consumersNeedTheirProducerJustBefore() {
        TaskGraph producer = adding("a").persistOnDevice(x, y);
        TaskGraph other = new TaskGraph("o").transferToDevice(FIRST_EXECUTION, y).task("t", Sound::kAdd, y, y);
        TaskGraph consumer = new TaskGraph("b").consumeFromDevice("a", x, y).task("t", Sound::kAdd, x, y);
        Graphs.refused(Fault.TRANSFER, () -> Graphs.plan(producer, consumer).withGraph(1).execute());
        TornadoExecutionPlan between = Graphs.plan(producer, other, consumer);
        between.withGraph(0).execute();
        between.withGraph(1).execute();
        CheckFailure failure = Graphs.refused(Fault.TRANSFER, () -> between.withGraph(2).execute());
        assertTrue(failure.getMessage().contains("graph o, which ran just before"), failure.getMessage());
        Graphs.refused(Fault.TRANSFER, () -> Graphs.plan(producer, consumer).execute());
        TornadoExecutionPlan unpersisted = Graphs.plan(adding("a").persistOnDevice(y), consumer);
        unpersisted.withGraph(0).execute();
        assertTrue(Graphs.refused(Fault.TRANSFER, () -> unpersisted.withGraph(1).execute()).getMessage().contains("does not persist"));
    }

    @Test
    void aContextNeedsAGrid() {
        TaskGraph graph = new TaskGraph("g").transferToDevice(FIRST_EXECUTION, x).task("t", Sound::kRoot, CONTEXT, y, x, 8);
        assertEquals("kRoot", Graphs.refused(Fault.GRID, () -> Graphs.plan(graph).execute()).kernel());
        Graphs.refused(Fault.GRID, () -> Graphs.run(graph, 12, 8));
        Graphs.refused(Fault.GRID, () -> Graphs.run(graph, 0, 8));
        Graphs.refused(Fault.LIMIT, () -> Graphs.run(graph, 4096, 2048));
        Graphs.refused(Fault.GRID, () -> Graphs.plan(graph).withGridScheduler(new GridScheduler("g.u", Graphs.grid(8, 8))));
        Graphs.refused(Fault.GRID, () -> Graphs.plan(graph).withGridScheduler(new GridScheduler("h.t", Graphs.grid(8, 8))));
        TaskGraph grouped = new TaskGraph("g").transferToDevice(FIRST_EXECUTION, y, x).task("t", Sound::kRotateGroup, CONTEXT, x, y);
        Graphs.refused(Fault.GRID, () -> Graphs.plan(grouped).withGridScheduler(new GridScheduler("g.t", new WorkerGrid1D(8))).execute());
        Graphs.plan(graph).withGridScheduler(new GridScheduler("g.t", new WorkerGrid1D(8))).execute();
    }

    @Test
    void theGridMayChangeBetweenExecutions() {
        WorkerGrid1D grid = new WorkerGrid1D(4);
        grid.setLocalWork(4, 1, 1);
        TornadoExecutionPlan plan = Graphs.plan(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, x)
                .task("t", Sound::kRoot, CONTEXT, y, x, 8).transferToHost(EVERY_EXECUTION, y)).withGridScheduler(new GridScheduler("g.t", grid));
        plan.execute();
        grid.setGlobalWork(8, 1, 1);
        plan.execute();
        assertEquals(2f, y.get(4));
    }

    @Test
    void limitsOfTasksAndArguments() {
        TaskGraph full = new TaskGraph("g").transferToDevice(FIRST_EXECUTION, x, y);
        for (int i = 0; i < GraphRecord.MAX_TASKS; i++) {
            full.task("t" + i, Sound::kAdd, x, y);
        }
        assertTrue(Graphs.refused(Fault.LIMIT, () -> full.task("more", Sound::kAdd, x, y)).getMessage().contains("256"));
        TornadoFunctions.Task2<FloatArray, FloatArray> add = Sound::kAdd;
        List<Object> arguments = new ArrayList<>();
        for (int i = 0; i < 21; i++) {
            arguments.add(x);
        }
        assertTrue(Graphs.refused(Fault.LIMIT, () -> new GraphRecord("g").addTask("t", add, arguments.toArray())).getMessage().contains("21"));
        TaskGraph wide = new TaskGraph("g");
        GraphFull over = assertThrows(GraphFull.class, () -> {
            for (int i = 0; i < 256; i++) {
                wide.task("t" + i, Sound::kScale, x, y, 1f, 2f);
            }
        });
        assertTrue(over.getMessage().contains("8192"), over.getMessage());
    }

    @Test
    void tasksAreNamedOnceAndTakeArrays() {
        assertThrows(TornadoTaskRuntimeException.class, () -> adding("g").task("t", Sound::kAdd, x, y));
        assertThrows(TornadoRuntimeException.class, () -> adding("g").transferToHost(EVERY_EXECUTION, 3));
        assertThrows(TornadoRuntimeException.class, () -> adding("g").transferToDevice(EVERY_EXECUTION, x, null));
        Graphs.refused(Fault.TRANSFER, () -> new TaskGraph("g").task("t", Sound::kAdd, x, null));
        Graphs.refused(Fault.TRANSFER, () -> adding("g").consumeFromDevice(x));
    }

    @Test
    void aScalarIsTakenWhenTheTaskIsAdded() {
        float factor = 2f;
        TornadoExecutionPlan plan = Graphs.plan(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, x)
                .task("t", Sound::kScale, y, x, factor, 0f).transferToHost(EVERY_EXECUTION, y));
        factor = 3f;
        plan.execute();
        assertEquals(2f * 4, y.get(4), "not " + factor * 4);
    }

    @Test
    void stateThatIsCompiledInIsRefused() {
        IntArray out = new IntArray(1);
        assertEquals("kStaticState", Graphs.refused(Fault.DIALECT, () -> new TaskGraph("g").task("t", Traps::kStaticState, out)).kernel());
        float captured = out.getSize();
        TornadoFunctions.Task2<FloatArray, FloatArray> lambda = (a, b) -> Sound.kScale(a, b, captured, 0f);
        assertTrue(Graphs.refused(Fault.DIALECT, () -> new TaskGraph("g").task("t", lambda, y, x)).getMessage().contains("captured"));
        TornadoFunctions.Task1<FloatArray> anonymous = new TornadoFunctions.Task1<>() {
            @Override
            public void apply(FloatArray a) {
                a.set(0, 1f);
            }
        };
        Graphs.refused(Fault.DIALECT, () -> new TaskGraph("g").task("t", anonymous, y));
    }

    @Test
    void namesOfOpenClAreRefused() {
        assertEquals("isnan", Graphs.refused(Fault.DIALECT, () -> new TaskGraph("g").task("t", Traps::isnan, y)).kernel());
        assertEquals("half", Graphs.refused(Fault.DIALECT, () -> new TaskGraph("g").task("t", Traps::half, y)).kernel());
    }

    /** OpenCL compiles an exchange between lanes to nothing and refuses atomic sums of floats; CUDA has no vectors of eight. */
    @Test
    void whatOnlyAnotherBackendHasIsRefusedWhereOneIsNamed() {
        VectorFloat8 vectors = new VectorFloat8(x);
        Map<String, Function<TaskGraph, TaskGraph>> openCl = Map.of(
                "kMatVectorWarp", g -> g.task("t", Sound::kMatVectorWarp, CONTEXT, y, x, x, 8),
                "kSumOfLanes", g -> g.task("t", Sound::kSumOfLanes, CONTEXT, y, x),
                "kFloatCount", g -> g.task("t", Sound::kFloatCount, CONTEXT, y, x));
        Map<String, Function<TaskGraph, TaskGraph>> cuda = Map.of("kMatVectorRows", g -> g.task("t", Sound::kMatVectorRows, y, vectors, vectors, 1));
        refusedOn("opencl", openCl);
        refusedOn("cuda", cuda);
        cuda.values().forEach(task -> on("opencl", () -> task.apply(new TaskGraph("g"))));
        openCl.values().forEach(task -> on("cuda", () -> task.apply(new TaskGraph("g"))));
    }

    private static void refusedOn(String backend, Map<String, Function<TaskGraph, TaskGraph>> tasks) {
        tasks.forEach((kernel, task) -> on(backend, () -> {
            CheckFailure failure = Graphs.refused(Fault.BACKEND, () -> task.apply(new TaskGraph("g")));
            assertEquals(kernel, failure.kernel());
            assertTrue(failure.getMessage().contains(", line ") && failure.getMessage().contains(backend), failure.getMessage());
        }));
    }

    private static void on(String backend, Runnable action) {
        System.setProperty("squall.checker.backend", backend);
        try {
            action.run();
        } finally {
            System.clearProperty("squall.checker.backend");
        }
    }

    @Test
    void aRecordingThatComesOutDifferentlyIsNoticed() {
        TaskGraph first = new TaskGraph("g").transferToDevice(FIRST_EXECUTION, x).task("t", Sound::kScale, y, x, 2f, 0f);
        TaskGraph same = new TaskGraph("g").transferToDevice(FIRST_EXECUTION, x).task("t", Sound::kScale, y, x, 2f, 0f);
        TaskGraph changed = new TaskGraph("g").transferToDevice(FIRST_EXECUTION, x).task("t", Sound::kScale, y, x, 5f, 0f);
        Recording.requireSame(first, same);
        CheckFailure failure = Graphs.refused(Fault.SCALAR, () -> Recording.requireSame(first, changed));
        assertEquals("kScale", failure.kernel());
        assertTrue(failure.getMessage().contains("'a'") && failure.getMessage().contains("2.0") && failure.getMessage().contains("5.0"),
                failure.getMessage());
        Graphs.refused(Fault.SCALAR, () -> Recording.requireSame(first, new TaskGraph("g").task("t", Sound::kAdd, y, x)));
    }

    @Test
    void freedAndClosedArraysAreGone() throws Exception {
        TornadoExecutionPlan plan = Graphs.plan(adding("g").persistOnDevice(x));
        TornadoExecutionResult result = plan.execute();
        plan.freeDeviceMemory();
        Graphs.refused(Fault.FREED, () -> result.transferToHost(x));
        assertTrue(Graphs.refused(Fault.FREED, plan::execute).getMessage().contains("'x' (FloatArray)"));
        plan.close();
        Graphs.refused(Fault.FREED, plan::execute);
        Graphs.refused(Fault.FREED, () -> result.transferToHost(x));
        TornadoExecutionPlan ahead = Graphs.plan(adding("g")).withPreCompilation();
        ahead.freeDeviceMemory();
        Graphs.refused(Fault.FREED, ahead::execute);
    }

    @Test
    void slicesComeBackUnderDemand() {
        TornadoExecutionPlan plan = Graphs.plan(adding("g").persistOnDevice(x)).withProfiler(ProfilerMode.SILENT);
        y.init(10f);
        TornadoExecutionResult result = plan.execute();
        long before = result.getProfilerResult().getTotalBytesCopyOut();
        result.transferToHost(new DataRange(x).withOffset(2).withSize(3));
        assertEquals(12f, x.get(2));
        assertEquals(14f, x.get(4));
        assertEquals(5f, x.get(5), "not asked for");
        assertEquals(12, result.getProfilerResult().getTotalBytesCopyOut() - before);
        assertThrows(TornadoRuntimeException.class, () -> result.transferToHost(new DataRange(x).withOffset(6).withSize(3)));
        Graphs.refused(Fault.TRANSFER, () -> result.transferToHost(y));
    }

    @Test
    void bytesAreCountedWithTheProfilerOnly() {
        TornadoExecutionPlan plan = Graphs.plan(adding("g").transferToHost(EVERY_EXECUTION, x));
        TornadoExecutionResult result = plan.execute();
        Graphs.refused(Fault.TRANSFER, () -> result.getProfilerResult().getTotalBytesCopyIn());
        TornadoExecutionPlan profiled = Graphs.plan(adding("g").transferToHost(EVERY_EXECUTION, x)).withProfiler(ProfilerMode.SILENT);
        long first = profiled.execute().getProfilerResult().getTotalBytesCopyIn();
        long second = profiled.execute().getProfilerResult().getTotalBytesCopyIn();
        assertEquals(2 * (32 + 16), first);
        assertEquals(0, second);
        assertEquals(48, profiled.execute().getProfilerResult().getTotalBytesCopyOut());
    }

    @Test
    void theOnlyDeviceIsNoneToOffer() {
        var backends = TornadoExecutionPlan.getTornadoDeviceMap().getAllBackends();
        assertEquals(1, backends.size());
        assertEquals(TornadoVMBackendType.JAVA, backends.getFirst().getBackendType());
        assertEquals("checker", backends.getFirst().getDevice(0).getDeviceName());
        assertThrows(TornadoRuntimeException.class, () -> TornadoExecutionPlan.getDevice(0, 3));
        assertThrows(TornadoRuntimeException.class, () -> TornadoExecutionPlan.getDevice(2, 0));
    }
}
