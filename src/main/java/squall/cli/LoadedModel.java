package squall.cli;

import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
import java.util.function.Supplier;
import squall.engine.Engine;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.format.ModelFile;
import squall.model.ModelConfig;
import squall.sample.SamplingDefaults;
import squall.text.ChatTemplate;
import squall.text.Tokenizer;

/** A model opened for a command: file, configuration, executor, and its text parts, which are read meanwhile. */
final class LoadedModel implements AutoCloseable {
    private final OpenModel model;
    private final EngineOptions options;
    private final Executor executor;
    private final FutureTask<Tokenizer> tokenizer;

    private LoadedModel(OpenModel model, EngineOptions options, Executor executor, FutureTask<Tokenizer> tokenizer) {
        this.model = model;
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
        OpenModel model = OpenModel.open(path);
        try {
            FutureTask<Tokenizer> tokenizer = read.apply(model.file());
            EngineOptions settled = model.settle(options, streams, wanted.verbose() ? choice : null);
            Executor executor = choice.provider().open(model.build(settled, streams), choice.device(), settled);
            return new LoadedModel(model, settled, executor, tokenizer);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private static <T> FutureTask<T> start(Supplier<T> read) {
        FutureTask<T> task = new FutureTask<>(read::get);
        Thread thread = new Thread(task, "squall-read");
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    ModelFile file() {
        return model.file();
    }

    ModelConfig config() {
        return model.config();
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
        return ChatTemplate.read(file());
    }

    SamplingDefaults sampling() {
        return SamplingDefaults.read(file());
    }

    Engine engine(Engine.Reuse reuse) {
        return new Engine(executor, options, config().vocab(), reuse);
    }

    @Override public void close() {
        executor.close();
        model.close();
    }
}
