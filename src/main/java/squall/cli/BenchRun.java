package squall.cli;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.ops.StepPlan;

/**
 * Runs tests on one executor. The way to a depth is gone once, from the depth of the test before where that was less, and
 * every repetition returns to it.
 */
final class BenchRun {
    /** Repetitions before those that count, until this time has passed: Java compiles what it runs often. */
    private static final long WARM_NANOS = 5_000_000_000L;
    /** The same at another depth: the code is compiled, and meets longer loops. */
    private static final long WARM_AGAIN_NANOS = 1_000_000_000L;
    private static final int SLOT = 0;

    /** What is in the context before a test. */
    enum Fill {
        /** A prompt that was computed. */
        PROMPT,
        /** Unset keys and values, which take as long to read. */
        BLANK
    }

    private final Executor executor;
    private final EngineOptions options;
    private final Fill fill;
    private final int[] ids;
    private final Set<BenchTest> warm = new HashSet<>();
    private int depth;
    private Object state;

    BenchRun(Executor executor, EngineOptions options, int vocab, Fill fill) {
        this.executor = executor;
        this.options = options;
        this.fill = fill;
        this.ids = new SplittableRandom(1).ints(options.contextLength(), 0, vocab).toArray();
    }

    /**
     * Nanoseconds of each repetition. progress is told how many of them are over.
     *
     * @throws UnusableException if the device cannot leave the context blank
     */
    long[] run(BenchTest test, int repetitions, Progress progress) {
        goTo(test.depth());
        long enough = warm.add(new BenchTest(test.prompt(), test.generated(), 0)) ? WARM_NANOS : WARM_AGAIN_NANOS;
        long started = System.nanoTime();
        do {
            once(test);
        } while (System.nanoTime() - started < enough);
        long[] samples = new long[repetitions];
        for (int i = 0; i < repetitions; i++) {
            samples[i] = once(test);
            progress.at(i + 1);
        }
        return samples;
    }

    private void goTo(int wanted) {
        if (wanted == depth) return;
        if (wanted < depth) {
            release();
            depth = 0;
        }
        back();
        release();
        if (fill == Fill.PROMPT) prefill(depth, wanted);
        else if (!executor.skipTo(SLOT, wanted))
            throw new UnusableException("this device cannot leave a context blank; use --fill prompt");
        depth = wanted;
        if (depth > 0) state = executor.saveState(SLOT);
    }

    private void release() {
        if (state != null) executor.releaseState(state);
        state = null;
    }

    /** To where the context was filled to. */
    private void back() {
        if (depth == 0) executor.clear(SLOT);
        else executor.restoreState(SLOT, depth, state);
    }

    private long once(BenchTest test) {
        back();
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
