package squall.cli;

import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.ops.StepPlan;
import squall.sample.Sampling;
import squall.sample.Wish;

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
    private final int vocab;
    private final int[] ids;
    private final Set<BenchTest> warm = new HashSet<>();
    private int depth;
    private Object state;

    BenchRun(Executor executor, EngineOptions options, int vocab, Fill fill) {
        this.executor = executor;
        this.options = options;
        this.fill = fill;
        this.vocab = vocab;
        this.ids = new SplittableRandom(1).ints(options.contextLength(), 0, vocab).toArray();
    }

    /**
     * Nanoseconds of each repetition. progress is told how many of them are over.
     *
     * @throws UnusableException if the device cannot leave the context blank
     */
    long[] run(BenchTest test, int repetitions, Progress progress) {
        if (test.sequences() == 1) goTo(test.depth());
        long enough = warm.add(new BenchTest(test.prompt(), test.generated(), 0, test.sequences())) ? WARM_NANOS : WARM_AGAIN_NANOS;
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
        if (fill == Fill.PROMPT) prefill(SLOT, depth, wanted);
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
        if (test.sequences() > 1) fill(test);
        else back();
        long started = System.nanoTime();
        int end = test.depth() + test.prompt();
        prefill(SLOT, test.depth(), end);
        for (int i = 0; i < test.generated(); i++) token(test.sequences(), end + i);
        return System.nanoTime() - started;
    }

    /** The context of several sequences: it is made anew each time, since fewer states can be kept than slots may be asked for. */
    private void fill(BenchTest test) {
        release();
        depth = 0;
        for (int slot = 0; slot < test.sequences(); slot++) {
            executor.clear(slot);
            prefill(slot, 0, test.depth());
        }
    }

    private void prefill(int slot, int from, int to) {
        for (int at = from; at < to; at += options.batch()) {
            int end = Math.min(to, at + options.batch());
            executor.step(new StepPlan.Builder().add(slot, at, ids, at, end, end == to ? StepPlan.Want.LAST : StepPlan.Want.NONE).build(), null);
        }
    }

    /** A token of each sequence, and the most probable next one where the device finds it by itself: else its logits. */
    private void token(int sequences, int at) {
        StepPlan.Builder rows = new StepPlan.Builder();
        for (int slot = 0; slot < sequences; slot++) rows.add(slot, at, ids, at, at + 1, StepPlan.Want.LAST);
        if (executor.draws(Sampling.GREEDY)) executor.draw(rows.build(), Collections.nCopies(sequences, new Wish(Sampling.GREEDY, 0, vocab)));
        else executor.step(rows.build(), null);
    }
}
