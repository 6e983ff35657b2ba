package squall.checker;

import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** One task running once. Launches of all threads take turns, so that {@link Probe} can be static. */
abstract class Launch {

    private static final ReentrantLock ONE_AT_A_TIME = new ReentrantLock();

    private final Kernel kernel;
    private final String task;
    final Object[] arguments;

    Launch(Kernel kernel, String task, Object[] arguments) {
        this.kernel = kernel;
        this.task = task;
        this.arguments = arguments;
    }

    final Kernel kernel() {
        return kernel;
    }

    final String task() {
        return task;
    }

    /** In words: which work-item or turn a number stands for. */
    abstract String describe(int item);

    abstract void run();

    abstract List<HeapArray> locals();

    abstract List<HeapArray> privates();

    final HeapArray heapArray(Object array) {
        for (HeapArray known : locals()) {
            if (known.array == array) {
                return known;
            }
        }
        for (HeapArray known : privates()) {
            if (known.array == array) {
                return known;
            }
        }
        return null;
    }

    final void addPrivate(Object array) {
        privates().add(new HeapArray.Private(array));
    }

    Object view(Object value, Class<?> type) {
        return value;
    }

    void beforeWrite(int index, String name) {
    }

    final void execute() {
        ONE_AT_A_TIME.lock();
        try {
            Probe.launch = this;
            Probe.site = 0;
            Probe.atomic = false;
            run();
        } finally {
            Probe.launch = null;
            Probe.workItem = null;
            Probe.groupSize = 1;
            ONE_AT_A_TIME.unlock();
        }
    }

    /** Calls the kernel for the present work-item; anything but a failed check becomes one. */
    final void call(Object[] actual) {
        try {
            kernel.invoke(actual);
        } catch (CheckFailure | AbandonedLaunch e) {
            throw e;
        } catch (Throwable e) {
            CheckFailure failure = Probe.failure(Fault.EXCEPTION, -1, e.toString());
            failure.initCause(e);
            throw failure;
        }
    }
}
