package squall.tornado;

import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The graphs of a whole step, on a device that repeats what was taken down of them. TornadoVM starts one graph, waits for it and goes through all of
 * its arrays before it starts the next, and meanwhile the device has nothing to do. So each graph ends with a task that keeps a copy of what
 * was taken down, and from the second step on the copies are started one behind the other, and waited for once. Where nothing is
 * taken down, or by a driver that cannot, TornadoVM plays every step.
 */
final class RepeatedStep implements AutoCloseable {
    static final String LIBRARY = "squall/graphs";
    private static final String KEEP = "keep";
    /** Place of the array that is brought back among the task's. */
    static final int DRAWN = 1;

    private final boolean keeps;
    private final IntArray drawn;
    private final List<Integer> graphs = new ArrayList<>();
    private final List<Long> copies = new ArrayList<>();
    private CudaStream stream;
    private long drawnAt;
    /** Whether the copies are what the device can start. */
    private boolean ready;

    /**
     * @param keeps whether the device's backend calls libraries, of which this is one to TornadoVM
     * @param drawn what the last graph brings back
     */
    RepeatedStep(boolean keeps, IntArray drawn) {
        this.keeps = keeps;
        this.drawn = drawn;
    }

    /** The task at the end of a graph. Every task before it has to do with the arena, so that it stays behind them. */
    void keep(Tape tape, boolean last) {
        if (!keeps) return;
        Object[] arrays = last ? new Object[] {tape.frame().arena(), drawn} : new Object[] {tape.frame().arena()};
        Access[] access = last ? new Access[] {Access.READ_WRITE, Access.WRITE_ONLY} : new Access[] {Access.READ_WRITE};
        LibraryTaskDescriptor call = new LibraryTaskDescriptor().withLibrary(LIBRARY).withFunction(KEEP).withParameters(arrays).withAccess(access)
                .withTuning(this);
        tape.add(KEEP, (g, id) -> g.libraryTask(id, c -> c, call));
    }

    void add(int graph) {
        graphs.add(graph);
    }

    /** In order. */
    List<Integer> graphs() {
        return graphs;
    }

    /** Plays a step if TornadoVM has played one; what was drawn is on the host then. Says whether it did. */
    boolean repeat() {
        if (copies.size() < graphs.size() || graphs.isEmpty()) return false;
        if (!ready) copies.replaceAll(stream::ready);
        ready = true;
        stream.repeat(copies, drawn.getSegment(), drawnAt);
        return true;
    }

    @Override public void close() {
        for (long copy : copies) {
            if (ready) CudaGraph.forget(copy);
            else CudaGraph.discard(copy);
        }
        copies.clear();
    }

    // ---- for the provider

    /** A copy of the next graph as it was taken down on a stream, the driver's handle. */
    void kept(CudaStream on, long copy) {
        stream = on;
        copies.add(copy);
    }

    /** Whether that was the last one's. */
    boolean isLast() {
        return copies.size() == graphs.size();
    }

    /** Where what is drawn is on the device. */
    void drawnAt(long address) {
        drawnAt = address;
    }
}
