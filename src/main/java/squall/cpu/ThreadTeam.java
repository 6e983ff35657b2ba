package squall.cpu;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed team of worker threads for parallel regions. The calling thread works as worker 0; the others are daemon
 * threads that spin for {@value #SPIN_NANOS} ns after a region, so that the next one starts within a microsecond, and
 * then park, so that an idle or overloaded machine is not kept busy.
 *
 * <p>One region at a time: a call from inside a region, or from a second thread, is refused. What a region wrote is
 * visible to the caller when {@link #run} returns. Running a region allocates nothing.
 */
public final class ThreadTeam implements AutoCloseable {

    /** Longest spin, at the start of a region and at its end, before a thread parks: ten times an unpark and a wake. */
    private static final long SPIN_NANOS = 50_000;

    /** Spins between two looks at the clock. */
    private static final int SPINS = 64;

    // places in the shared words, far enough apart that no two share a cache line or its neighbour
    private static final int EPOCH = 16;
    private static final int PENDING = 48;
    private static final int NEXT = 80;
    private static final int PARKED = 112;
    private static final int STRIDE = 16;

    /** Work of one region. */
    @FunctionalInterface
    public interface Task {
        /** Called once for each worker, 0 <= worker < workers. */
        void run(int worker, int workers);
    }

    /** Work on a range of items. */
    @FunctionalInterface
    public interface RangeTask {
        /** Items begin <= i < end. */
        void run(int worker, int begin, int end);
    }

    private final Thread[] threads;
    private final AtomicLongArray words;
    private final AtomicBoolean running = new AtomicBoolean();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final Task rangeLoop = this::takeRanges;
    private final Task shareLoop = this::takeShares;

    // written by the caller before the epoch moves, read by workers after they saw it move
    private Task task;
    private Thread caller;
    private RangeTask rangeTask;
    private int items;
    private int grain;
    private volatile boolean closed;

    /** @param threads workers, the caller included; at least 1 */
    public ThreadTeam(int threads) {
        if (threads < 1) throw new IllegalArgumentException("a team has at least 1 thread, asked for " + threads);
        this.threads = new Thread[threads - 1];
        words = new AtomicLongArray(PARKED + STRIDE * (threads + 1));
        for (int i = 1; i < threads; i++) {
            int worker = i;
            this.threads[i - 1] = Thread.ofPlatform().daemon().name("squall-worker-" + i).start(() -> serve(worker));
        }
    }

    /** Workers, the caller included. */
    public int size() {
        return threads.length + 1;
    }

    /**
     * Runs the task on every worker and returns when all are done. An exception of any worker is thrown here, with those
     * of the others suppressed in it; the team stays usable.
     *
     * @throws IllegalStateException if a region is running already, or the team is closed
     */
    public void run(Task task) {
        begin();
        try {
            region(task);
        } finally {
            running.set(false);
        }
    }

    /** {@code task} over the items 0 <= i < n, taken by the workers {@code grain} at a time in ascending order. */
    public void forEach(int n, int grain, RangeTask task) {
        forEach(n, grain, task, rangeLoop);
    }

    /**
     * As {@link #forEach}, in runs of {@code most} items that grow shorter towards the end, down to a single one: for work that is
     * faster in long runs, and whose last run nobody should wait for. Where runs begin depends on who is faster: a result must not.
     */
    public void forEachInRuns(int n, int most, RangeTask task) {
        forEach(n, most, task, shareLoop);
    }

    private void forEach(int n, int grain, RangeTask task, Task loop) {
        if (grain < 1) throw new IllegalArgumentException("grain must be at least 1, is " + grain);
        begin();
        try {
            rangeTask = task;
            items = n;
            this.grain = grain;
            words.set(NEXT, 0);
            region(loop);
        } finally {
            rangeTask = null;
            running.set(false);
        }
    }

    /** Ends the workers. Does nothing the second time. */
    @Override public void close() {
        if (closed) return;
        begin();
        closed = true;
        release();
        running.set(false);
    }

    private void begin() {
        if (!running.compareAndSet(false, true)) throw new IllegalStateException("a parallel region is running already");
        if (closed) {
            running.set(false);
            throw new IllegalStateException("the thread team is closed");
        }
    }

    private void region(Task task) {
        this.task = task;
        caller = Thread.currentThread();
        release();
        attempt(0);
        await(PENDING, 0, 0);
        this.task = null;
        Throwable t = failure.getAndSet(null);
        if (t instanceof RuntimeException e) throw e;
        if (t instanceof Error e) throw e;
        if (t != null) throw new IllegalStateException(t);
    }

    private void takeRanges(int worker, int workers) {
        for (long begin = words.getAndAdd(NEXT, grain); begin < items; begin = words.getAndAdd(NEXT, grain))
            rangeTask.run(worker, (int) begin, (int) Math.min(items, begin + grain));
    }

    /** A run is half of what would be a worker's part of all that is left. */
    private void takeShares(int worker, int workers) {
        for (long begin = words.get(NEXT); begin < items; begin = words.get(NEXT)) {
            long end = begin + Math.clamp((items - begin) / (2 * workers), 1, grain);
            if (words.compareAndSet(NEXT, begin, end)) rangeTask.run(worker, (int) begin, (int) end);
        }
    }

    /** Starts a region: all that was written before is seen by the workers. */
    private void release() {
        words.set(PENDING, threads.length);
        words.incrementAndGet(EPOCH);
        for (int i = 0; i < threads.length; i++)
            if (words.get(parkedAt(i + 1)) != 0) LockSupport.unpark(threads[i]);
    }

    private void serve(int worker) {
        for (long epoch = 1; ; epoch++) {
            await(EPOCH, epoch, worker);
            if (closed) return;
            attempt(worker);
            if (words.decrementAndGet(PENDING) == 0 && words.get(parkedAt(0)) != 0) LockSupport.unpark(caller);
        }
    }

    private void attempt(int worker) {
        try {
            task.run(worker, threads.length + 1);
        } catch (Throwable t) {
            if (!failure.compareAndSet(null, t) && failure.get() != t) failure.get().addSuppressed(t);
        }
    }

    /** Waits until the word has the value: spins, then parks. */
    private void await(int word, long value, int worker) {
        if (words.get(word) == value) return;
        long start = System.nanoTime();
        do {
            for (int i = 0; i < SPINS; i++) {
                if (words.get(word) == value) return;
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - start < SPIN_NANOS);
        // announced before the last look: whoever changes the word afterwards sees the announcement and unparks
        words.set(parkedAt(worker), 1);
        while (words.get(word) != value) LockSupport.park(this);
        words.set(parkedAt(worker), 0);
    }

    private static int parkedAt(int worker) {
        return PARKED + STRIDE * worker;
    }
}
