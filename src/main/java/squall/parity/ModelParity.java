package squall.parity;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.Logits;
import squall.model.Model;
import squall.ops.StepPlan;

/** A whole model on both players: the residual stream after every layer, logits however the tokens come, greedy answers. */
final class ModelParity {
    private static final int TOKENS = 100;
    private static final int ANSWER = 24;
    private static final EngineOptions OPTIONS = new EngineOptions(TOKENS + ANSWER, 2, TOKENS, 0, KvFormat.F32, KvFormat.F32);

    private final Model model;
    private final Executor expected;
    private final Executor actual;
    private final double tolerance;
    private final int[] ids;
    private final int[] others;
    private final List<Finding> findings = new ArrayList<>();

    private ModelParity(Model model, Executor expected, Executor actual, double tolerance) {
        this.model = model;
        this.expected = expected;
        this.actual = actual;
        this.tolerance = tolerance;
        Random random = new Random(3);
        ids = random.ints(TOKENS, 0, model.config().vocab()).toArray();
        others = random.ints(TOKENS, 0, model.config().vocab()).toArray();
    }

    static List<Finding> check(Model model, Player expected, Player actual, double tolerance) {
        try (Executor a = expected.open(model, OPTIONS); Executor b = actual.open(model, OPTIONS)) {
            ModelParity parity = new ModelParity(model, a, b, tolerance);
            parity.layers();
            float[] whole = parity.logits(a, TOKENS);
            parity.logits("logits, the prompt in one step", whole, TOKENS);
            parity.logits("logits, in pieces of 33", whole, 33);
            parity.logits("logits, token by token", whole, 1);
            parity.twoSequences(whole);
            parity.greedy();
            return parity.findings;
        }
    }

    private void layers() {
        List<float[]> seen = new ArrayList<>();
        StepPlan plan = new StepPlan.Builder().add(0, 0, ids, 0, TOKENS, StepPlan.Want.NONE).build();
        expected.step(plan, (_, x, rows, width) -> seen.add(Arrays.copyOf(x, rows * width)));
        actual.step(plan, (point, x, rows, width) -> {
            Deviation d = new Deviation();
            d.add(seen.get(point), x, rows * width);
            String where = point == 0 ? "after the embedding" : "after layer " + (point - 1) + ", " + kind(point - 1)
                    + (point == model.layers().size() ? " and the last norm" : "");
            findings.add(Finding.of("model", "residual stream " + where, d, tolerance));
        });
    }

    private String kind(int layer) {
        Model.Layer l = model.layers().get(layer);
        return l.mixer().getClass().getSimpleName() + " " + l.feedForward().getClass().getSimpleName();
    }

    /** Logits of all tokens, taken in pieces. */
    private float[] logits(Executor player, int piece) {
        player.clear(0);
        int vocab = model.config().vocab();
        float[] all = new float[TOKENS * vocab];
        for (int from = 0; from < TOKENS; from += piece) {
            int to = Math.min(TOKENS, from + piece);
            Logits l = player.step(new StepPlan.Builder().add(0, from, ids, from, to, StepPlan.Want.ALL).build(), null);
            System.arraycopy(l.values(), 0, all, from * vocab, (to - from) * vocab);
        }
        return all;
    }

    private void logits(String what, float[] whole, int piece) {
        Deviation d = new Deviation();
        d.add(whole, logits(actual, piece), whole.length);
        findings.add(Finding.of("model", what, d, tolerance));
    }

    /** The same tokens in slot 1, one by one, beside another sequence in pieces of several sizes. */
    private void twoSequences(float[] whole) {
        int vocab = model.config().vocab();
        Random random = new Random(4);
        actual.clear(0);
        actual.clear(1);
        Deviation d = new Deviation();
        float[] row = new float[vocab];
        for (int at = 0, other = 0; at < TOKENS; at++) {
            int n = Math.min(random.nextInt(4), TOKENS - other);
            StepPlan.Builder plan = new StepPlan.Builder();
            if (n > 0) plan.add(0, other, others, other, other + n, StepPlan.Want.NONE);
            Logits l = actual.step(plan.add(1, at, ids, at, at + 1, StepPlan.Want.ALL).build(), null);
            System.arraycopy(whole, at * vocab, row, 0, vocab);
            d.add(row, l.values(), vocab);
            other += n;
        }
        findings.add(Finding.of("model", "logits, beside a second sequence", d, tolerance));
    }

    /** Both players continue; where they part, the two tokens must have had the same logit within the tolerance. */
    private void greedy() {
        int[] a = answer(expected), b = answer(actual);
        int same = Arrays.mismatch(a, b);
        double gap = same < 0 ? 0 : gap(a, b, same);
        findings.add(new Finding("model", "greedy answer of " + ANSWER + " tokens", gap, gap, tolerance, gap <= tolerance,
                same < 0 ? "equal" : "equal up to token " + same));
    }

    private int[] answer(Executor player) {
        player.clear(0);
        int[] answer = new int[ANSWER];
        int next = largest(player.step(new StepPlan.Builder().add(0, 0, ids, 0, TOKENS, StepPlan.Want.LAST).build(), null));
        for (int i = 0; i < ANSWER; i++) {
            answer[i] = next;
            if (i + 1 < ANSWER)
                next = largest(player.step(new StepPlan.Builder().add(0, TOKENS + i, answer, i, i + 1, StepPlan.Want.LAST).build(), null));
        }
        return answer;
    }

    private static int largest(Logits l) {
        int best = 0;
        for (int i = 1; i < l.vocab(); i++) if (l.values()[i] > l.values()[best]) best = i;
        return best;
    }

    /** How far apart the two choices are on the expected player, relative to the largest logit. */
    private double gap(int[] a, int[] b, int at) {
        expected.clear(0);
        StepPlan.Builder prompt = new StepPlan.Builder().add(0, 0, ids, 0, TOKENS, StepPlan.Want.LAST);
        Logits l = expected.step(prompt.build(), null);
        for (int i = 0; i < at; i++)
            l = expected.step(new StepPlan.Builder().add(0, TOKENS + i, a, i, i + 1, StepPlan.Want.LAST).build(), null);
        double largest = 0;
        for (int i = 0; i < l.vocab(); i++) largest = Math.max(largest, Math.abs(l.values()[i]));
        return Math.abs(l.values()[a[at]] - l.values()[b[at]]) / largest;
    }
}
