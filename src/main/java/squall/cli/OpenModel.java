package squall.cli;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import squall.engine.EngineOptions;
import squall.engine.MemoryPlan;
import squall.format.CheckpointWeights;
import squall.format.Loader;
import squall.format.ModelFile;
import squall.format.ModelFiles;
import squall.format.RawTensor;
import squall.format.TensorIndex;
import squall.model.ConfigReader;
import squall.model.Model;
import squall.model.ModelConfig;
import squall.model.Qwen;

/**
 * A model file that has been opened and understood, and is not yet on a device.
 *
 * @param tensors the ones that are used: no vision, no multi-token prediction
 */
record OpenModel(ModelFile file, ModelConfig config, List<RawTensor> tensors) implements AutoCloseable {
    /** Smaller ones come into memory as they are used, in less time than a thread pool takes to start. */
    private static final long LOADED_AHEAD_BYTES = 64 << 20;

    static OpenModel open(Path path) {
        ModelFile file = ModelFiles.open(path);
        try {
            return new OpenModel(file, ConfigReader.read(file), List.copyOf(TensorIndex.of(file).tensors().values()));
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /**
     * Settles the context length and the KV formats, and refuses what cannot run there or does not fit, before any weight is
     * touched.
     *
     * @param told gets the plan before anything can be refused
     */
    EngineOptions settle(EngineOptions asked, DeviceOptions.Choice choice, Streams streams, BiConsumer<MemoryPlan, Long> told) {
        EngineOptions o = asked.orUsual(choice.provider().usualKvFormat(choice.device()));
        String why = choice.provider().whyRefused(config, choice.device(), o);
        if (why != null) throw new UnusableException("--device " + choice.device() + ": " + why);
        long available = choice.provider().availableBytes(choice.device());
        int context = MemoryPlan.contextLength(config, o.contextLength(), weightBytes(), o, available);
        EngineOptions settled = o.withContext(context);
        if (context > config.contextLength())
            streams.note("squall: a context of " + context + " was asked for, " + config.name() + " was made for "
                    + config.contextLength() + "; text beyond that is likely to be poor.");
        MemoryPlan plan = MemoryPlan.of(config, weightBytes(), settled);
        told.accept(plan, available);
        plan.check(config, available);
        return settled;
    }

    /** The model over its weights, which are brought into memory where that takes long enough to show. */
    Model build(EngineOptions options, Streams streams) {
        CheckpointWeights weights = CheckpointWeights.of(file, config);
        Model model = Qwen.build(config, weights);
        weights.warnings().forEach(w -> streams.note("squall: " + w));
        long bytes = weightBytes();
        if (bytes < LOADED_AHEAD_BYTES) return model;
        int threads = options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
        try (Progress progress = new Progress("Load", bytes)) {
            Loader.load(tensors, threads, (done, _) -> progress.at(done));
        }
        return model;
    }

    long weightBytes() {
        return tensors.stream().map(RawTensor::data).mapToLong(MemorySegment::byteSize).sum();
    }

    @Override public void close() {
        file.close();
    }
}
