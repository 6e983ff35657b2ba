package squall.parity;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.Logits;
import squall.layer.Block;
import squall.model.Model;
import squall.ops.StepPlan;
import squall.ops.Weight;

/**
 * A look at a model that has just been put on a device: a short prompt and one token after it go through it, and through the
 * CPU player as far as the first layer of each kind. The head is held to as many of its rows as takes no time. What a device computes is not
 * taken on trust: a driver may compile a kernel wrongly and say nothing.
 */
public final class ParityProbe {
    /** Of precise players: whole layers are compared here, a wrong kernel shows as 1e-2 and more. */
    private static final double TOLERANCE = 1e-3;
    /** Rows of the prompt, more than what devices treat as decoding. */
    private static final int PROMPT = 9;
    private static final int SLOT = 0;
    /** Numbers of the head that are multiplied again: a few milliseconds, and all of a small one. */
    private static final int HEAD_NUMBERS = 1 << 22;
    /** Tokens from all over the vocabulary: position times a prime, plus another. */
    private static final long STRIDE = 7919;
    private static final long START = 104729;

    private final Model model;
    private final Executor device;
    private final String name;
    private final int compared;
    private final double tolerance;
    private double worst;

    private ParityProbe(Model model, Executor device, String name, double tolerance) {
        this.model = model;
        this.device = device;
        this.name = name;
        this.tolerance = tolerance;
        Map<Signature, Block> kinds = BlockParity.kinds(model);
        int last = 0;
        for (int i = 0; i < 2 * model.layers().size(); i++) if (kinds.containsValue(model.block(i))) last = i / 2;
        compared = last + 1;
    }

    /**
     * @param options of the device; its first slot is used and cleared
     * @param cpu     the CPU player
     * @param where   for the message
     * @return the largest difference, relative to the largest number
     * @throws IllegalStateException if the device computes something else
     */
    public static double check(Model model, Executor device, ExecutorProvider cpu, EngineOptions options, String where) {
        int rows = Math.min(Math.min(PROMPT, options.batch()), options.contextLength() - 1);
        if (rows < 1) return 0;
        ParityProbe probe = new ParityProbe(model, device, where, options.precise() ? TOLERANCE : ParityTable.ROUNDED_MODEL);
        // one layer more: the stream after the last one is seen under the final norm
        int layers = Math.min(model.layers().size(), probe.compared + 1);
        Model first = new Model(model.config(), model.embedding(), model.layers().subList(0, layers), model.head());
        EngineOptions small = new EngineOptions(rows + 1, 1, rows, options.threads(), options.keyFormat(), options.valueFormat(), options.precise());
        try (Executor expected = cpu.open(first, cpu.name(), small)) {
            device.clear(SLOT);
            probe.step(expected, 0, rows);
            probe.step(expected, rows, 1);
            device.clear(SLOT);
        }
        return probe.worst;
    }

    private void step(Executor expected, int from, int rows) {
        int[] ids = new int[rows];
        for (int i = 0; i < rows; i++)
            ids[i] = (int) ((STRIDE * (from + i) + START) % model.config().vocab());
        List<float[]> seen = new ArrayList<>();
        StepPlan silent = new StepPlan.Builder().add(SLOT, from, ids, 0, rows, StepPlan.Want.NONE).build();
        expected.step(silent, (_, x, n, width) -> seen.add(Arrays.copyOf(x, n * width)));
        float[][] last = new float[1][];
        StepPlan plan = new StepPlan.Builder().add(SLOT, from, ids, 0, rows, StepPlan.Want.LAST).build();
        Logits logits = device.step(plan, (point, x, n, width) -> {
            if (point <= compared) compare(point, seen.get(point), x, n * width, rows);
            if (point == model.layers().size()) last[0] = Arrays.copyOfRange(x, (n - 1) * width, n * width);
        });
        head(last[0], logits, rows);
    }

    private void compare(int point, float[] expected, float[] actual, int n, int rows) {
        Deviation d = new Deviation();
        d.add(expected, actual, n);
        String where = point == 0 ? "the embedding" : "layer " + (point - 1) + " ("
                + model.layers().get(point - 1).mixer().getClass().getSimpleName() + ", "
                + model.layers().get(point - 1).feedForward().getClass().getSimpleName() + ")";
        require(d, "the residual stream after " + where, rows);
    }

    /** Some of the logits from the device's own last row under the final norm, which the head multiplies. */
    private void head(float[] x, Logits logits, int rows) {
        Weight w = model.head().weight();
        if (!w.scales().isEmpty()) return;
        int n = Math.min(w.rows(), Math.max(1, HEAD_NUMBERS / w.cols()));
        float[] expected = new float[n], actual = new float[n], row = new float[w.cols()];
        for (int i = 0; i < n; i++) {
            int at = (int) ((long) i * (w.rows() - 1) / Math.max(1, n - 1));
            w.format().codec.decode(w.data(), at * w.format().rowBytes(w.cols()), row, 0, w.cols());
            double sum = 0;
            for (int j = 0; j < row.length; j++) sum += (double) row[j] * x[j];
            expected[i] = (float) sum;
            actual[i] = logits.values()[at];
        }
        Deviation d = new Deviation();
        d.add(expected, actual, n);
        require(d, "what the head makes of it", rows);
    }

    private void require(Deviation d, String what, int rows) {
        worst = Math.max(worst, d.max());
        if (d.max() <= tolerance) return;
        throw new IllegalStateException(name + " computes something else than the CPU player: in a step of " + rows + " rows " + what
                + " is off by %.2g of its largest value, %.0e is allowed; 'squall verify --device %s' shows by operation".formatted(d.max(), tolerance, name)
                + " where it starts, --device cpu runs without that device");
    }
}
