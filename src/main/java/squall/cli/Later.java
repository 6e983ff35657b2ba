package squall.cli;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;

/** Something that is made in a thread of its own, or when it is first asked for. */
final class Later<T> {
    private final FutureTask<T> task;

    private Later(Supplier<T> make) {
        this.task = new FutureTask<>(make::get);
    }

    /** Begins at once, beside the caller. */
    static <T> Later<T> begun(Supplier<T> make) {
        Later<T> later = new Later<>(make);
        Thread thread = new Thread(later.task, "squall-read");
        thread.setDaemon(true);
        thread.start();
        return later;
    }

    static <T> Later<T> onDemand(Supplier<T> make) {
        return new Later<>(make);
    }

    /** Waits for it; what its making threw is thrown here. */
    T get() {
        try {
            task.run();   // does nothing if it has begun
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException reason) throw reason;
            if (e.getCause() instanceof Error reason) throw reason;
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for another thread", e);
        }
    }
}
