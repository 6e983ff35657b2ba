package squall.checker;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.Semaphore;

/**
 * Code that can pause and be taken up again. Work-items pause at barriers; one runs at a time, in a fixed order, so a
 * run is repeatable. The JVM's own continuations are used where {@code java.base} exports {@code jdk.internal.vm}
 * (some 0.2 µs a pause), threads that hand the turn to each other elsewhere (some 10 µs).
 */
abstract class Coroutine {

    private Throwable failure;

    static Coroutine of(Runnable body) {
        return Continuations.USABLE && !Boolean.getBoolean("squall.checker.threads") ? new Continuations(body) : new Turns(body);
    }

    /** Runs to the next pause or to the end; throws what the code threw. True when it ended. */
    final boolean resume() {
        boolean done = proceed();
        if (failure instanceof RuntimeException e) {
            throw e;
        }
        if (failure instanceof Error e) {
            throw e;
        }
        return done;
    }

    /** Pauses; called by the code itself. */
    abstract void pause();

    /** Gives up code that has not ended. */
    void abandon() {
    }

    abstract boolean proceed();

    final void guarded(Runnable body) {
        try {
            body.run();
        } catch (RuntimeException | Error e) {
            failure = e;
        }
    }

    private static final class Continuations extends Coroutine {

        private static final MethodHandle NEW;
        private static final MethodHandle RUN;
        private static final MethodHandle YIELD;
        private static final MethodHandle DONE;
        static final boolean USABLE;

        static {
            MethodHandle create = null;
            MethodHandle run = null;
            MethodHandle yield = null;
            MethodHandle done = null;
            try {
                MethodHandles.Lookup lookup = MethodHandles.lookup();
                Class<?> scopeType = Class.forName("jdk.internal.vm.ContinuationScope");
                Class<?> type = Class.forName("jdk.internal.vm.Continuation");
                Object scope = lookup.findConstructor(scopeType, MethodType.methodType(void.class, String.class))
                        .invoke("work-items");
                create = MethodHandles.insertArguments(lookup.findConstructor(type,
                        MethodType.methodType(void.class, scopeType, Runnable.class)), 0, scope)
                        .asType(MethodType.methodType(Object.class, Runnable.class));
                run = lookup.findVirtual(type, "run", MethodType.methodType(void.class))
                        .asType(MethodType.methodType(void.class, Object.class));
                yield = MethodHandles.insertArguments(lookup.findStatic(type, "yield",
                        MethodType.methodType(boolean.class, scopeType)), 0, scope);
                done = lookup.findVirtual(type, "isDone", MethodType.methodType(boolean.class))
                        .asType(MethodType.methodType(boolean.class, Object.class));
            } catch (Throwable notExported) {
                create = null;
            }
            NEW = create;
            RUN = run;
            YIELD = yield;
            DONE = done;
            USABLE = create != null;
        }

        private final Object continuation;

        Continuations(Runnable body) {
            try {
                continuation = (Object) NEW.invokeExact((Runnable) () -> guarded(body));
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        boolean proceed() {
            try {
                RUN.invokeExact(continuation);
                return (boolean) DONE.invokeExact(continuation);
            } catch (Throwable e) {
                throw new IllegalStateException("a work-item could not be continued", e);
            }
        }

        @Override
        void pause() {
            try {
                boolean ignored = (boolean) YIELD.invokeExact();
            } catch (Throwable e) {
                throw new IllegalStateException("a work-item could not pause", e);
            }
        }
    }

    /** A thread that runs only while it has the turn. */
    private static final class Turns extends Coroutine {

        private final Semaphore mine = new Semaphore(0);
        private final Semaphore caller = new Semaphore(0);
        private final Thread thread;
        private volatile boolean done;
        private volatile boolean abandoned;

        Turns(Runnable body) {
            thread = Thread.ofVirtual().unstarted(() -> {
                mine.acquireUninterruptibly();
                if (!abandoned) {
                    guarded(body);
                }
                done = true;
                caller.release();
            });
        }

        @Override
        boolean proceed() {
            if (thread.getState() == Thread.State.NEW) {
                thread.start();
            }
            mine.release();
            caller.acquireUninterruptibly();
            return done;
        }

        @Override
        void pause() {
            caller.release();
            mine.acquireUninterruptibly();
            if (abandoned) {
                throw new AbandonedLaunch();
            }
        }

        @Override
        void abandon() {
            if (thread.getState() != Thread.State.NEW && !done) {
                abandoned = true;
                mine.release();
                caller.acquireUninterruptibly();
            }
        }
    }
}
