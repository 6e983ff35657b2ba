package squall.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import squall.format.CheckpointWeights;
import squall.format.ModelFile;
import squall.format.ModelFiles;
import squall.model.ConfigReader;
import squall.model.Model;
import squall.model.ModelConfig;
import squall.model.Qwen;
import squall.ops.StepPlan;

/**
 * A tiny checkpoint with what transformers 5.18 makes of it: ids.i32, logits.f64 [tokens, vocab] in double precision and
 * hidden.f32 [layers + 1, tokens, dim].
 */
public final class Golden implements AutoCloseable {
    /** The checkpoints there are. */
    public static final String[] NAMES = {"qwen3", "qwen3_tied", "qwen3_yarn", "qwen3_moe", "qwen3_next", "qwen3_next_yarn", "qwen3_5",
        "qwen3_5_tied", "qwen3_5_moe"};

    private final Path directory;
    private final ModelFile file;
    private final Model model;

    public Golden(String name) {
        directory = directory(name);
        file = ModelFiles.open(directory);
        ModelConfig config = ConfigReader.read(file);
        model = Qwen.build(config, CheckpointWeights.of(file, config));
    }

    /** Files of this name as files: models are mapped, which cannot be done inside a jar. */
    public static Path directory(String name) {
        try {
            URI place = Golden.class.getResource("/goldens/hf/" + name).toURI();
            if (!place.getScheme().equals("jar")) return Path.of(place);
            Path copy = Files.createTempDirectory("golden");
            try (FileSystem jar = FileSystems.newFileSystem(place, Map.of()); Stream<Path> files = Files.list(Path.of(place))) {
                for (Path f : files.toList()) {
                    Path to = copy.resolve(f.getFileName().toString());
                    Files.copy(f, to);
                    to.toFile().deleteOnExit();
                }
            }
            return copy;
        } catch (URISyntaxException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    public Model model() {
        return model;
    }

    public int[] ids() {
        int[] ids = new int[(int) (size("ids.i32") / 4)];
        bytes("ids.i32").asIntBuffer().get(ids);
        return ids;
    }

    public double[] logits() {
        double[] logits = new double[(int) (size("logits.f64") / 8)];
        bytes("logits.f64").asDoubleBuffer().get(logits);
        return logits;
    }

    public float[] hidden() {
        float[] hidden = new float[(int) (size("hidden.f32") / 4)];
        bytes("hidden.f32").asFloatBuffer().get(hidden);
        return hidden;
    }

    private long size(String name) {
        return bytes(name).remaining();
    }

    private ByteBuffer bytes(String name) {
        try {
            return ByteBuffer.wrap(Files.readAllBytes(directory.resolve(name))).order(ByteOrder.LITTLE_ENDIAN);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The logits of {@code ids[from, to)} in the given slot. */
    public static float[] step(Executor executor, int slot, int[] ids, int from, int to) {
        StepPlan plan = new StepPlan.Builder().add(slot, from, ids, from, to, StepPlan.Want.ALL).build();
        Logits logits = executor.step(plan, null);
        return Arrays.copyOf(logits.values(), logits.rows() * logits.vocab());
    }

    /** {@code max |a - b| / max |b|} of n rows of b that start at {@code row}. */
    public static double error(float[] a, double[] b, int row, int n, int width) {
        double largest = 0, error = 0;
        for (double v : b) largest = Math.max(largest, Math.abs(v));
        for (int i = 0; i < n * width; i++) {
            double e = Math.abs(a[i] - b[row * width + i]);
            if (!(e <= error)) error = e;
        }
        return error / largest;
    }

    @Override public void close() {
        file.close();
    }
}
