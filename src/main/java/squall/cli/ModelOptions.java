package squall.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.MemoryPlan;

/** Which model, and how much room it gets; the same flags in every command that runs one. */
final class ModelOptions {
    /** The model that ships with Squall, from its home directory. */
    private static final String SHIPPED = "models/squall-tiny/squall-tiny-Q8_0.gguf";
    private static final int MOST_CONTEXT = 1 << 24;
    private static final int MOST_BATCH = 1 << 16;
    private static final int MOST_THREADS = 1024;

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(names = {"-m", "--model"}, paramLabel = "PATH",
            description = "GGUF file, safetensors file or directory. Default: the small model that ships with Squall.")
    private Path model;

    @Option(names = {"-c", "--ctx-size", "--max-model-len"}, paramLabel = "N",
            description = "Positions of the context; 0: what the model was made for. Default: that or " + 32_768
                    + ", less if memory is short.")
    private Integer context;

    @Option(names = {"-b", "--batch-size", "--max-num-batched-tokens"}, paramLabel = "N", defaultValue = "2048",
            description = "Most tokens of a logical batch (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(names = {"-ub", "--ubatch-size"}, paramLabel = "N", defaultValue = "512",
            description = "Most tokens of one step (default: ${DEFAULT-VALUE}); the smaller of both counts.")
    private int microBatch;

    @Option(names = {"-t", "--threads"}, paramLabel = "N", defaultValue = "0",
            description = "CPU threads; 0: as many as the machine has (default).")
    private int threads;

    @Option(names = {"-ctk", "--cache-type-k"}, paramLabel = "TYPE", description = "Keys in the KV cache: f32, f16, q8_0.")
    private KvFormat keys;

    @Option(names = {"-ctv", "--cache-type-v"}, paramLabel = "TYPE", description = "Values in the KV cache: f32, f16, q8_0.")
    private KvFormat values;

    @Option(names = "--kv-cache-dtype", paramLabel = "TYPE", description = "Keys and values both (default: f16, f32 where the device has no other and in logits).")
    private KvFormat keysAndValues;

    @Option(names = {"-v", "--verbose"}, description = "Print the plan: device, memory by part, sampling and where it comes from.")
    private boolean verbose;

    boolean verbose() {
        return verbose;
    }

    /** The model's path; the shipped one if none was named. */
    Path path() {
        return orShipped(model);
    }

    /** The named model, or the shipped one for null. */
    static Path orShipped(Path named) {
        if (named != null && named.toString().isEmpty()) throw new UnusableException("-m with an empty name; a file or directory was expected");
        if (named != null) return named;
        String home = System.getProperty("squall.home");
        if (home == null)
            throw new UnusableException("no model was named and the shipped one cannot be found without ./squall, the launcher; use -m PATH");
        Path shipped = Path.of(home).resolve(SHIPPED);
        if (!Files.isRegularFile(shipped))
            throw new UnusableException("no model was named and the shipped one is not at " + shipped + "; use -m PATH");
        return shipped;
    }

    /** Positions asked for: 0 for the model's own, {@link MemoryPlan#UNASKED} without a wish. */
    int context() {
        if (context == null) return MemoryPlan.UNASKED;
        range("--ctx-size", context, 0, MOST_CONTEXT);
        return context;
    }

    /** The options with a context, and without a flag KV formats, still to be settled. */
    EngineOptions engine(int slots) {
        return engine(slots, null);
    }

    /** usual: KV format without a flag; null leaves it to the device. */
    EngineOptions engine(int slots, KvFormat usual) {
        range("--batch-size", batch, 1, MOST_BATCH);
        range("--ubatch-size", microBatch, 1, MOST_BATCH);
        range("--threads", threads, 0, MOST_THREADS);
        return new EngineOptions(context(), slots, Math.min(batch, microBatch), threads, format(keys, usual), format(values, usual));
    }

    private KvFormat format(KvFormat own, KvFormat usual) {
        if (own != null) return own;
        return keysAndValues == null ? usual : keysAndValues;
    }

    private void range(String flag, int found, int least, int most) {
        if (found < least || found > most)
            throw new ParameterException(command.commandLine(), flag + " must be from " + least + " to " + most + ", found " + found);
    }
}
