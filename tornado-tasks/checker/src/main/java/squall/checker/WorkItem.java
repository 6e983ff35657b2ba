package squall.checker;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/** One work-item: where it stands in the grid, its private arrays, and how it waits for others. */
public final class WorkItem {

    /** What a work-item is doing. */
    enum State { READY, AT_BARRIER, IN_WARP, DONE }

    final int localId;
    final int[] local;
    final List<HeapArray> privates = new ArrayList<>(2);
    State state = State.READY;
    boolean localBarrier;
    int waitingAt;
    Object offered;
    Object[] received;
    int allocated;
    Coroutine coroutine;
    private final GroupLaunch launch;

    WorkItem(GroupLaunch launch, int localId) {
        this.launch = launch;
        this.localId = localId;
        this.local = launch.localPosition(localId);
    }

    /** Index in the whole grid, in one dimension. */
    public int global(int dimension) {
        return group(dimension) * localSize(dimension) + local[dimension];
    }

    public int group(int dimension) {
        return launch.groupPosition(dimension);
    }

    public int local(int dimension) {
        return local[dimension];
    }

    public int globalSize(int dimension) {
        return launch.groups(dimension) * launch.localSize(dimension);
    }

    public int localSize(int dimension) {
        return launch.localSize(dimension);
    }

    /** Waits for the whole work-group. */
    public void barrier(boolean forLocalMemory) {
        localBarrier = forLocalMemory;
        wait(State.AT_BARRIER);
    }

    /** Waits for the 32 lanes of this warp; gives what each of them brought, by lane. */
    public Object[] exchange(Object value) {
        offered = value;
        wait(State.IN_WARP);
        return received;
    }

    /** Lane in the warp. */
    public int lane() {
        return localId & 31;
    }

    private void wait(State reason) {
        state = reason;
        waitingAt = Probe.site;
        if (coroutine == null) {
            throw Probe.failure(Fault.EXCEPTION, -1, "a barrier was reached that the lint had not seen");
        }
        coroutine.pause();
    }

    /** The work-group's local array that this call stands for. */
    public Object allocate(int size, IntFunction<Object> create) {
        return launch.localArray(this, size, create);
    }

    /** The memory behind a local array, which may be seen as an array of ints while it holds longs. */
    public short half(int[] tile, int byteOffset) {
        return launch.half(tile, byteOffset);
    }
}
