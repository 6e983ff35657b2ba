package squall.cli;

import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import squall.engine.Contest;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.Tuning;
import squall.model.Model;
import squall.ops.StepPlan;
import squall.parity.ParityProbe;

/** A model on a device with one choice of settings, held to the CPU player and warmed. */
final class Trial implements TuneCommand.Rival {
    private static final int TOKENS = 16;
    private static final int PROMPT = 64;
    private static final int PROMPTS = 2;
    /** Tokens that an answer has for a token of the prompt, in what is to become fastest. */
    private static final int TOKENS_A_PROMPT = PROMPT;
    static final EngineOptions OPTIONS = new EngineOptions(PROMPT + TOKENS, 1, PROMPT, 0, null, null);

    private final Executor executor;
    private final int[] ids;

    /** @throws RuntimeException if the device cannot do it or computes something else; the message says why */
    Trial(Tuning tuning, Model model, EngineOptions options, ExecutorProvider cpu, Map<String, String> settings) {
        ids = new SplittableRandom(1).ints(PROMPT + TOKENS, 0, model.config().vocab()).toArray();
        executor = tuning.open(model, options, settings);
        try {
            ParityProbe.check(model, executor, cpu, options, settings.toString());
            round();
        } catch (RuntimeException | Error e) {
            executor.close();
            throw e;
        }
    }

    /** Of a prompt and the answer to it, milliseconds. */
    static double cost(Contest.Times times) {
        return times.prompt() + TOKENS_A_PROMPT * times.token();
    }

    @Override public Contest.Times round() {
        double[] prompts = new double[PROMPTS];
        double[] tokens = new double[TOKENS];
        for (int i = 0; i < PROMPTS; i++) {
            executor.clear(0);
            prompts[i] = step(0, PROMPT);
        }
        for (int i = 0; i < TOKENS; i++) tokens[i] = step(PROMPT + i, 1);
        return new Contest.Times(median(tokens), Math.min(prompts[0], prompts[1]));
    }

    /** Milliseconds. */
    private double step(int from, int rows) {
        long started = System.nanoTime();
        executor.step(new StepPlan.Builder().add(0, from, ids, from, from + rows, StepPlan.Want.LAST).build(), null);
        return (System.nanoTime() - started) / 1e6;
    }

    private static double median(double[] times) {
        double[] sorted = times.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    @Override public void close() {
        executor.close();
    }
}
