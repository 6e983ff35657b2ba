package squall.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.ServiceLoader;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.layer.Block;
import squall.layer.Embedding;
import squall.layer.LmHead;
import squall.model.Model;
import squall.model.ModelConfig;
import squall.ops.Buf;
import squall.ops.Norm;
import squall.ops.StepPlan;
import squall.ops.Weight;
import squall.quant.Format;

/**
 * The f32 product of a square matrix with one row on a device and with the CPU player, in one run: {@code x += W rmsNorm(x)},
 * as layers of a model, so that what counts is what a step pays. A product's time is the difference between a model of
 * {@value #MANY} such layers and one of {@value #FEW}, divided by the number of layers between: what a step costs besides
 * falls out. Both players in turns, medians.
 *
 * <pre>bench/run product --device opencl:0 [width]</pre>
 */
public final class DeviceProduct {
    private static final int WIDTH = 4096;
    private static final int FEW = 2;
    private static final int MANY = 8;
    private static final int ROUNDS = 5;
    private static final int STEPS = 12;
    private static final int WARM_STEPS = 60;
    private static final int VOCAB = 64;

    private DeviceProduct() {}

    public static void main(String[] args) {
        if (args.length < 2 || !args[0].equals("--device"))
            throw new IllegalArgumentException("--device ID expected, and a width after it at most");
        int width = args.length > 2 ? Integer.parseInt(args[2]) : WIDTH;
        Weight[] matrices = new Weight[MANY];
        for (int i = 0; i < MANY; i++) matrices[i] = matrix("blk." + i + ".ffn_down.weight", width, width);
        String[] devices = {"cpu", args[1]};
        double[][] micros = new double[2][ROUNDS];
        Model few = model(width, Arrays.copyOf(matrices, FEW));
        Model many = model(width, matrices);
        try (Executor cpuFew = open("cpu", few); Executor cpuMany = open("cpu", many);
             Executor deviceFew = open(args[1], few); Executor deviceMany = open(args[1], many)) {
            Executor[][] players = {{cpuFew, cpuMany}, {deviceFew, deviceMany}};
            for (Executor[] player : players) for (Executor e : player) nanos(e, WARM_STEPS);
            for (int r = 0; r < ROUNDS; r++)
                for (int p = 0; p < 2; p++)
                    micros[p][r] = (nanos(players[p][1], STEPS) - nanos(players[p][0], STEPS)) / 1e3 / STEPS / (MANY - FEW);
        }
        for (int p = 0; p < 2; p++) {
            Arrays.sort(micros[p]);
            System.out.printf(Locale.ROOT, "%-10s f32 [%d, %d] x 1 row: %.0f us [%.0f .. %.0f], %.1f GB/s%n", devices[p], width, width,
                    median(micros[p]), micros[p][0], micros[p][ROUNDS - 1], 4e-3 * width * width / median(micros[p]));
        }
        System.out.printf(Locale.ROOT, "%s has %.2f of the CPU player's speed%n", args[1], median(micros[0]) / median(micros[1]));
    }

    private static double median(double[] sorted) {
        return sorted[sorted.length / 2];
    }

    private static Executor open(String device, Model model) {
        EngineOptions options = new EngineOptions(STEPS + WARM_STEPS, 1, 1, 0, KvFormat.F32, KvFormat.F32);
        for (ExecutorProvider provider : ServiceLoader.load(ExecutorProvider.class))
            if (provider.whyUnavailable() == null && provider.devices().stream().anyMatch(d -> d.isCalled(device)))
                return provider.open(model, device, options);
        throw new IllegalArgumentException("--device " + device + ": there is no such device here");
    }

    private static double nanos(Executor executor, int steps) {
        executor.clear(0);
        int[] ids = new int[steps];
        long started = System.nanoTime();
        for (int i = 0; i < steps; i++) executor.step(new StepPlan.Builder().add(0, i, ids, i, i + 1, StepPlan.Want.LAST).build(), null);
        return System.nanoTime() - started;
    }

    private static Model model(int width, Weight[] matrices) {
        Norm norm = new Norm(ones(width), 1e-6f);
        Weight table = matrix("token_embd.weight", VOCAB, width);
        List<Model.Layer> layers = new ArrayList<>();
        List<ModelConfig.Layer> shapes = new ArrayList<>();
        for (Weight w : matrices) {
            Block product = (ops, x) -> {
                Buf n = ops.rows(width);
                ops.rmsNorm(n, x, norm);
                ops.matmulAdd(x, n, w);
            };
            layers.add(new Model.Layer(product, (ops, x) -> {}));
            shapes.add(new ModelConfig.Layer(ModelConfig.Mixer.DELTA_NET, ModelConfig.FeedForward.DENSE));
        }
        ModelConfig config = new ModelConfig("qwen3", "products", width, VOCAB, STEPS + WARM_STEPS, 1e-6f, shapes, null, null, 0, width, null, 0);
        return new Model(config, new Embedding(table), layers, new LmHead(norm, table));
    }

    private static Weight ones(int n) {
        MemorySegment data = Arena.ofAuto().allocate(4L * n, 64);
        for (int i = 0; i < n; i++) data.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
        return new Weight("norm.weight", Format.F32, 1, n, data);
    }

    /** Normally distributed, of variance 1 / cols: products keep the size of their input. */
    private static Weight matrix(String name, int rows, int cols) {
        Random random = new Random(name.hashCode());
        MemorySegment data = Arena.ofAuto().allocate(4L * rows * cols, 64);
        float scale = (float) (1 / Math.sqrt(cols));
        for (long i = 0; i < (long) rows * cols; i++) data.setAtIndex(ValueLayout.JAVA_FLOAT, i, scale * (float) random.nextGaussian());
        return new Weight(name, Format.F32, rows, cols, data);
    }
}
