package squall.checker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import squall.checker.kernels.Faulty;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.EVERY_EXECUTION;
import static uk.ac.manchester.tornado.api.enums.DataTransferMode.FIRST_EXECUTION;

/** Each mistake that a kernel can make is reported with kernel, line and index. */
class KernelFaultsTest {

    private static final Path SOURCE = Path.of("src/test/java/squall/checker/kernels/Faulty.java");
    private static final KernelContext CONTEXT = new KernelContext();

    private final FloatArray x = Graphs.counting(32);
    private final FloatArray y = Graphs.counting(32);
    private final FloatArray scratch = new FloatArray(32);

    @AfterEach
    void backToContinuations() {
        System.clearProperty("squall.checker.threads");
    }

    private TaskGraph graph() {
        return new TaskGraph("g").transferToDevice(FIRST_EXECUTION, x, y);
    }

    /** The failure names the kernel, its marked line and the element. */
    private static void reported(Fault fault, String kernel, long index, Runnable action) {
        CheckFailure failure = Graphs.refused(fault, action);
        assertEquals(kernel, failure.kernel(), failure.getMessage());
        assertEquals(markedLine(kernel), failure.line(), failure.getMessage());
        assertEquals(index, failure.index(), failure.getMessage());
        assertTrue(failure.getMessage().contains(kernel) && failure.getMessage().contains("line " + failure.line()), failure.getMessage());
    }

    private static int markedLine(String kernel) {
        try {
            List<String> source = Files.readAllLines(SOURCE);
            int start = 0;
            while (!source.get(start).contains("void " + kernel + "(")) {
                start++;
            }
            while (!source.get(start).contains("// here")) {
                start++;
            }
            return start + 1;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void run(TaskGraph graph) {
        Graphs.plan(graph).execute();
    }

    @Test
    void turnsThatWriteOneElement() {
        reported(Fault.RACE, "kWriteOneElement", 0, () -> run(graph().task("t", Faulty::kWriteOneElement, y, x)));
    }

    @Test
    void turnsThatReadWhatAnotherWrites() {
        reported(Fault.RACE, "kReadNeighbour", 1, () -> run(graph().task("t", Faulty::kReadNeighbour, y)));
    }

    @Test
    void writesOutsideOfTheParallelLoop() {
        reported(Fault.RACE, "kOutsideOfLoop", 0, () -> run(graph().task("t", Faulty::kOutsideOfLoop, y)));
        reported(Fault.RACE, "kAfterInnerLoop", 4, () -> run(graph().task("t", Faulty::kAfterInnerLoop, y)));
    }

    @Test
    void missingBarrier() {
        // the neighbour has not run yet, or was not waited for: which is noticed first depends on the order
        CheckFailure early = Graphs.refused(Fault.UNINITIALISED, () -> Graphs.run(graph().task("t", Faulty::kNoBarrier, CONTEXT, y), 32, 32));
        assertTrue(early.getMessage().contains("is a localBarrier() missing"), early.getMessage());
        assertEquals(markedLine("kNoBarrier"), early.line());
        reported(Fault.RACE, "kOneBarrierTooFew", 0, () -> Graphs.run(graph().task("t", Faulty::kOneBarrierTooFew, CONTEXT, y), 32, 32));
    }

    @ParameterizedTest
    @ValueSource(strings = {"false", "true"})
    void barrierOfTheOtherMemory(String threads) {
        System.setProperty("squall.checker.threads", threads);
        reported(Fault.RACE, "kWrongBarrier", 1, () -> Graphs.run(graph().task("t", Faulty::kWrongBarrier, CONTEXT, scratch, y), 32, 8));
        reported(Fault.RACE, "kWrongBarrierForLocal", 1, () -> Graphs.run(graph().task("t", Faulty::kWrongBarrierForLocal, CONTEXT, y), 32, 32));
    }

    @Test
    void groupsThatReadEachOther() {
        CheckFailure unwritten = Graphs.refused(Fault.UNINITIALISED,
                () -> Graphs.run(graph().task("t", Faulty::kAcrossGroups, CONTEXT, scratch, y, 31), 32, 8));
        assertEquals(31, unwritten.index());
        reported(Fault.RACE, "kReadByEarlierGroup", 31, () -> Graphs.run(graph().task("t", Faulty::kReadByEarlierGroup, CONTEXT, x, y), 32, 8));
    }

    @Test
    void anEarlierGroupReadWhatALaterOneWrites() {
        TaskGraph graph = new TaskGraph("g").transferToDevice(FIRST_EXECUTION, scratch, y).task("s", Faulty::kCopy, scratch, y)
                .task("t", Faulty::kAcrossGroups, CONTEXT, scratch, y, 31);
        reported(Fault.RACE, "kAcrossGroups", 31, () -> Graphs.run(graph, 32, 8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"false", "true"})
    void barriersNotReachedByAll(String threads) {
        System.setProperty("squall.checker.threads", threads);
        reported(Fault.BARRIER, "kBarrierInBranch", -1, () -> Graphs.run(graph().task("t", Faulty::kBarrierInBranch, CONTEXT, y), 32, 8));
        reported(Fault.BARRIER, "kBarrierInUnevenLoop", -1, () -> Graphs.run(graph().task("t", Faulty::kBarrierInUnevenLoop, CONTEXT, y), 32, 8));
        reported(Fault.BARRIER, "kBarrierAfterReturn", -1, () -> Graphs.run(graph().task("t", Faulty::kBarrierAfterReturn, CONTEXT, y, 5), 32, 32));
        reported(Fault.BARRIER, "kTwoBarriers", -1, () -> Graphs.run(graph().task("t", Faulty::kTwoBarriers, CONTEXT, y), 32, 8));
        reported(Fault.BARRIER, "kShuffleInBranch", -1, () -> Graphs.run(graph().task("t", Faulty::kShuffleInBranch, CONTEXT, y), 32, 32));
    }

    @Test
    void workGroupsThatShareDifferentArrays() {
        reported(Fault.BARRIER, "kDifferentLocals", -1, () -> Graphs.run(graph().task("t", Faulty::kDifferentLocals, CONTEXT, y), 32, 8));
        reported(Fault.LIMIT, "kTooMuchLocal", -1, () -> Graphs.run(graph().task("t", Faulty::kTooMuchLocal, CONTEXT, y), 32, 8));
    }

    @Test
    void indicesOutOfRange() {
        reported(Fault.OUT_OF_RANGE, "kBeyondTheEnd", 32, () -> run(graph().task("t", Faulty::kBeyondTheEnd, y)));
        reported(Fault.OUT_OF_RANGE, "kBeforeTheStart", -1, () -> Graphs.run(graph().task("t", Faulty::kBeforeTheStart, CONTEXT, y, x), 32, 8));
        reported(Fault.OUT_OF_RANGE, "kBeyondLocal", 8, () -> Graphs.run(graph().task("t", Faulty::kBeyondLocal, CONTEXT, y), 32, 16));
        reported(Fault.OUT_OF_RANGE, "kBeyondPrivate", 4, () -> run(graph().task("t", Faulty::kBeyondPrivate, y)));
    }

    @Test
    void readsOfWhatNobodyWrote() {
        TaskGraph half = new TaskGraph("g").task("s", Faulty::kEvenOnly, scratch).task("t", Faulty::kCopy, y, scratch);
        reported(Fault.UNINITIALISED, "kCopy", 1, () -> run(half));
        reported(Fault.UNINITIALISED, "kUnwrittenLocal", 0, () -> Graphs.run(graph().task("t", Faulty::kUnwrittenLocal, CONTEXT, y), 32, 32));
        reported(Fault.UNINITIALISED, "kUnwrittenPrivate", 0, () -> run(graph().task("t", Faulty::kUnwrittenPrivate, y)));
        reported(Fault.UNINITIALISED, "kPrivateOfAnotherTurn", 0, () -> run(graph().task("t", Faulty::kPrivateOfAnotherTurn, y)));
    }

    @Test
    void anAtomicSumThatIsReadPlainly() {
        IntArray counts = new IntArray(1);
        IntArray seen = new IntArray(8);
        reported(Fault.RACE, "kAtomicAndPlain", 0, () -> Graphs.run(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, counts)
                .task("t", Faulty::kAtomicAndPlain, CONTEXT, counts, seen).transferToHost(EVERY_EXECUTION, seen), 8, 4));
    }

    @Test
    void exceptionsOfTheJvm() {
        IntArray zeros = new IntArray(4);
        reported(Fault.EXCEPTION, "kDivideByZero", -1, () -> run(new TaskGraph("g").transferToDevice(FIRST_EXECUTION, zeros)
                .task("t", Faulty::kDivideByZero, zeros)));
    }
}
