package squall.cli;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
import java.util.function.Supplier;
import squall.engine.AvailableMemory;
import squall.engine.Engine;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.MemoryPlan;
import squall.format.CheckpointWeights;
import squall.format.Loader;
import squall.format.ModelFile;
import squall.format.ModelFiles;
import squall.format.RawTensor;
import squall.model.ConfigReader;
import squall.model.Model;
import squall.model.ModelConfig;
import squall.model.Qwen;
import squall.sample.SamplingDefaults;
import squall.text.ChatTemplate;
import squall.text.Tokenizer;

/** A model opened for a command: file, configuration, executor, and its text parts, which are read meanwhile. */
final class LoadedModel implements AutoCloseable {
    /** Smaller ones come into memory as they are used, in less time than a thread pool takes to start. */
    private static final long LOADED_AHEAD_BYTES = 64 << 20;

    private final ModelFile file;
    private final ModelConfig config;
    private final EngineOptions options;
    private final Executor executor;
    private final FutureTask<Tokenizer> tokenizer;

    private LoadedModel(ModelFile file, ModelConfig config, EngineOptions options, Executor executor,
                        FutureTask<Tokenizer> tokenizer) {
        this.file = file;
        this.config = config;
        this.options = options;
        this.executor = executor;
        this.tokenizer = tokenizer;
    }

    /** Opens for text: the tokenizer is read in a thread of its own while the weights are placed. */
    static LoadedModel open(ModelOptions wanted, DeviceOptions device, Streams streams) {
        return open(wanted.path(), wanted, device, streams, wanted.engine(1), file -> start(() -> Tokenizer.read(file)));
    }

    /** Opens for token ids; a checkpoint without a tokenizer will do. */
    static LoadedModel openForIds(Path path, ModelOptions wanted, DeviceOptions device, Streams streams, EngineOptions options) {
        return open(path, wanted, device, streams, options, file -> new FutureTask<>(() -> Tokenizer.read(file)));
    }

    /** options: with the context as {@link ModelOptions#context} gives it. */
    private static LoadedModel open(Path path, ModelOptions wanted, DeviceOptions device, Streams streams,
                                    EngineOptions options, Function<ModelFile, FutureTask<Tokenizer>> read) {
        DeviceOptions.Choice choice = device.choose();
        ModelFile file = ModelFiles.open(path);
        try {
            FutureTask<Tokenizer> tokenizer = read.apply(file);
            ModelConfig config = ConfigReader.read(file);
            EngineOptions settled = settle(config, file, options, wanted.verbose() ? choice : null, streams);
            Model model = build(file, config, settled, streams);
            Executor executor = choice.provider().open(model, choice.device(), settled);
            return new LoadedModel(file, config, settled, executor, tokenizer);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /** The model over its weights, which are brought into memory where that takes long enough to show. */
    private static Model build(ModelFile file, ModelConfig config, EngineOptions options, Streams streams) {
        CheckpointWeights weights = CheckpointWeights.of(file, config);
        Model model = Qwen.build(config, weights);
        weights.warnings().forEach(w -> streams.note("squall: " + w));
        long bytes = weightBytes(file);
        if (bytes < LOADED_AHEAD_BYTES) return model;
        int threads = options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
        try (Progress progress = new Progress("Load", bytes)) {
            Loader.load(file.tensors().values(), threads, (done, _) -> progress.at(done));
        }
        return model;
    }

    private static <T> FutureTask<T> start(Supplier<T> read) {
        FutureTask<T> task = new FutureTask<>(read::get);
        Thread thread = new Thread(task, "squall-read");
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    /** Settles the context length and refuses what does not fit, before any weight is touched; told: null to be quiet. */
    private static EngineOptions settle(ModelConfig config, ModelFile file, EngineOptions o, DeviceOptions.Choice told,
                                        Streams streams) {
        long weights = weightBytes(file);
        long available = AvailableMemory.bytes();
        int context = MemoryPlan.contextLength(config, o.contextLength(), weights, o, available);
        EngineOptions settled = new EngineOptions(context, o.slots(), o.batch(), o.threads(), o.keyFormat(), o.valueFormat());
        MemoryPlan plan = MemoryPlan.of(config, weights, settled);
        if (context > config.contextLength())
            streams.note("squall: a context of " + context + " was asked for, " + config.name() + " was made for "
                    + config.contextLength() + "; text beyond that is likely to be poor.");
        if (told != null) Plan.print(streams, config, told, plan, available);
        plan.check(config, available);
        return settled;
    }

    static long weightBytes(ModelFile file) {
        return file.tensors().values().stream().map(RawTensor::data).mapToLong(MemorySegment::byteSize).sum();
    }

    ModelFile file() {
        return file;
    }

    ModelConfig config() {
        return config;
    }

    EngineOptions options() {
        return options;
    }

    Executor executor() {
        return executor;
    }

    Tokenizer tokenizer() {
        try {
            tokenizer.run();   // nothing if it has begun
            return tokenizer.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException reason) throw reason;
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the tokenizer was read", e);
        }
    }

    ChatTemplate template() {
        return ChatTemplate.read(file);
    }

    SamplingDefaults sampling() {
        return SamplingDefaults.read(file);
    }

    Engine engine(Engine.Reuse reuse) {
        return new Engine(executor, options, config.vocab(), reuse);
    }

    @Override public void close() {
        executor.close();
        file.close();
    }
}
