package squall.engine;

import java.util.Arrays;
import squall.model.Model;
import squall.ops.StepPlan;

/**
 * A few tokens on a device and on the CPU player, as a prompt and one by one. A driver or a code generator that is wrong on
 * this machine shows here, before anybody reads its text.
 */
public final class ParityProbe {
    /** Of the largest logit. Sums in another order differ by 1e-5, wrong kernels by 1e-1. */
    static final double TOLERANCE = 1e-2;
    /** More rows than a decoding step has, so that both kinds of kernels are compiled and compared. */
    private static final int PROMPT = 12;
    private static final int TOKENS = 14;

    private ParityProbe() {}

    /**
     * Compares slot 0 of the executor, which is clear before and after.
     *
     * @param where for the message
     * @return the largest difference, in parts of the largest logit
     * @throws IllegalStateException if it is more than {@value #TOLERANCE} or no number
     */
    public static double check(Model model, Executor executor, ExecutorProvider cpu, EngineOptions options, String where) {
        int tokens = Math.min(TOKENS, options.contextLength());
        int prompt = Math.min(PROMPT, Math.min(tokens, options.batch()));
        EngineOptions few = new EngineOptions(tokens, 1, tokens, options.threads(), EngineOptions.KvFormat.F32, EngineOptions.KvFormat.F32);
        double worst = 0;
        try (Executor judge = cpu.open(model, cpu.name(), few)) {
            executor.clear(0);
            for (int from = 0, to; from < tokens; from = to) {
                to = from == 0 ? prompt : from + 1;
                StepPlan plan = plan(from, to, model.config().vocab());
                float[] expected = logits(judge, plan);
                worst = Math.max(worst, difference(logits(executor, plan), expected));
            }
            executor.clear(0);
        }
        if (!(worst <= TOLERANCE))
            throw new IllegalStateException(String.format("%s computes other logits than the CPU player: they differ by %.1e of the largest"
                    + " one, %.0e is allowed; use --device cpu, and 'squall verify --device %s' shows where", where, worst, TOLERANCE, where));
        return worst;
    }

    private static StepPlan plan(int from, int to, int vocab) {
        int[] ids = new int[TOKENS];
        for (int i = 0; i < TOKENS; i++) ids[i] = (1 + 7919 * i) % vocab;
        return new StepPlan.Builder().add(0, from, ids, from, to, StepPlan.Want.LAST).build();
    }

    private static float[] logits(Executor executor, StepPlan plan) {
        Logits logits = executor.step(plan, null);
        return Arrays.copyOf(logits.values(), logits.vocab());
    }

    /** NaN where a value is none. */
    private static double difference(float[] found, float[] expected) {
        double largest = 0, most = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            most = Math.max(most, Math.abs((double) found[i] - expected[i]));
        }
        return most / largest;
    }
}
