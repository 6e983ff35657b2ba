package squall.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
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
    private final Text text;

    /** What turns text into tokens; read from the file at once or when it is first asked for. */
    private record Text(Later<Tokenizer> tokenizer, Later<ChatTemplate> template) {
        static Text begun(ModelFile file) {
            return new Text(Later.begun(() -> Tokenizer.read(file)), Later.begun(() -> ChatTemplate.read(file)));
        }

        static Text onDemand(ModelFile file) {
            return new Text(Later.onDemand(() -> Tokenizer.read(file)), Later.onDemand(() -> ChatTemplate.read(file)));
        }
    }

    private LoadedModel(OpenModel model, EngineOptions options, Executor executor, Text text) {
        this.model = model;
        this.options = options;
        this.executor = executor;
        this.text = text;
    }

    /** Opens for text: tokenizer and template are read in threads of their own while the weights are placed. */
    static LoadedModel open(ModelOptions wanted, DeviceOptions device, Streams streams) {
        return open(wanted.path(), wanted, device, streams, wanted.engine(1), Text::begun);
    }

    /** Opens for token ids; a checkpoint without a tokenizer will do. */
    static LoadedModel openForIds(Path path, ModelOptions wanted, DeviceOptions device, Streams streams, EngineOptions options) {
        return open(path, wanted, device, streams, options, Text::onDemand);
    }

    /** options: with the context as {@link ModelOptions#context} gives it. */
    private static LoadedModel open(Path path, ModelOptions wanted, DeviceOptions device, Streams streams,
                                    EngineOptions options, Function<ModelFile, Text> read) {
        List<DeviceOptions.Choice> chosen = device.choose();
        OpenModel model = OpenModel.open(path);
        try {
            Text text = read.apply(model.file());
            for (DeviceOptions.Choice c : chosen) c.provider().expect(model.config(), model.samples());
            Layout layout = Spread.layout(model, device, chosen, options, streams);
            if (wanted.verbose()) Plan.print(streams, layout);
            layout.check();
            EngineOptions settled = layout.options();
            Executor executor = layout.open(model.build(settled, streams), line -> {
                if (wanted.verbose()) streams.note(line);
            });
            return new LoadedModel(model, settled, executor, text);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
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
        return text.tokenizer().get();
    }

    ChatTemplate template() {
        return text.template().get();
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
