package squall.cli;

import java.util.SplittableRandom;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.ops.StepPlan;

/** Runs tests on one executor. The prefill to a depth is done once and returned to for every repetition. */
final class BenchRun {
    /** Repetitions before those that count, until this time has passed: Java compiles what it runs often. */
    private static final long WARM_NANOS = 5_000_000_000L;
    private static final int SLOT = 0;

    private final Executor executor;
    private final EngineOptions options;
    private final int[] ids;

    BenchRun(Executor executor, EngineOptions options, int vocab) {
        this.executor = executor;
        this.options = options;
        this.ids = new SplittableRandom(1).ints(options.contextLength(), 0, vocab).toArray();
    }

    /** Nanoseconds of each repetition. progress is told how many of them are over. */
    long[] run(BenchTest test, int repetitions, Progress progress) {
        executor.clear(SLOT);
        prefill(0, test.depth());
        Object state = executor.saveState(SLOT);
        long started = System.nanoTime();
        do {
            once(test, state);
        } while (System.nanoTime() - started < WARM_NANOS);
        long[] samples = new long[repetitions];
        for (int i = 0; i < repetitions; i++) {
            samples[i] = once(test, state);
            progress.at(i + 1);
        }
        executor.releaseState(state);
        return samples;
    }

    private long once(BenchTest test, Object state) {
        if (test.depth() == 0) executor.clear(SLOT);
        else executor.restoreState(SLOT, test.depth(), state);
        long started = System.nanoTime();
        int end = test.depth() + test.prompt();
        prefill(test.depth(), end);
        for (int i = 0; i < test.generated(); i++) step(end + i, end + i + 1, StepPlan.Want.LAST);
        return System.nanoTime() - started;
    }

    private void prefill(int from, int to) {
        for (int at = from; at < to; at += options.batch()) {
            int end = Math.min(to, at + options.batch());
            step(at, end, end == to ? StepPlan.Want.LAST : StepPlan.Want.NONE);
        }
    }

    private void step(int from, int to, StepPlan.Want want) {
        executor.step(new StepPlan.Builder().add(SLOT, from, ids, from, to, want).build(), null);
    }
}
