package squall.cli;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import squall.engine.AvailableMemory;
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

    /** Settles the context length and refuses what does not fit, before any weight is touched. */
    EngineOptions settle(EngineOptions o, Streams streams) {
        return settle(o, streams, null);
    }

    /** The same with the plan told before anything can be refused; told: where it runs, or null to be quiet. */
    EngineOptions settle(EngineOptions o, Streams streams, DeviceOptions.Choice told) {
        long available = AvailableMemory.bytes();
        int context = MemoryPlan.contextLength(config, o.contextLength(), weightBytes(), o, available);
        EngineOptions settled = new EngineOptions(context, o.slots(), o.batch(), o.threads(), o.keyFormat(), o.valueFormat());
        if (context > config.contextLength())
            streams.note("squall: a context of " + context + " was asked for, " + config.name() + " was made for "
                    + config.contextLength() + "; text beyond that is likely to be poor.");
        MemoryPlan plan = MemoryPlan.of(config, weightBytes(), settled);
        if (told != null) Plan.print(streams, config, told, plan, available);
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
