package squall.cli;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import squall.engine.EngineOptions;
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
import squall.quant.Format;

/**
 * A model file that has been opened and understood, and is not yet on a device.
 *
 * @param named the tensors that are used, by canonical name: no vision, no multi-token prediction
 */
record OpenModel(ModelFile file, ModelConfig config, Map<String, RawTensor> named) implements AutoCloseable {
    /** Smaller ones come into memory as they are used, in less time than a thread pool takes to start. */
    private static final long LOADED_AHEAD_BYTES = 64 << 20;

    static OpenModel open(Path path) {
        ModelFile file = ModelFiles.open(path);
        try {
            return new OpenModel(file, ConfigReader.read(file), TensorIndex.of(file).tensors());
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    List<RawTensor> tensors() {
        return List.copyOf(named.values());
    }

    /** The model over its weights, which are brought into memory where that takes long enough to show. */
    Model build(EngineOptions options, Streams streams) {
        CheckpointWeights weights = CheckpointWeights.of(file, config);
        Model model = Qwen.build(config, weights);
        weights.warnings().forEach(w -> streams.note("squall: " + w));
        long bytes = weightBytes();
        if (bytes < LOADED_AHEAD_BYTES) return model;
        int threads = options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
        try (Progress progress = Progress.ofBytes("Load", bytes)) {
            Loader.load(tensors(), threads, (done, _) -> progress.at(done));
        }
        return model;
    }

    /** The bytes of one matrix of each format. */
    Map<Format, MemorySegment> samples() {
        Map<Format, MemorySegment> samples = new EnumMap<>(Format.class);
        for (RawTensor t : named.values()) if (t.shape().length > 1) samples.putIfAbsent(t.format(), t.data());
        return samples;
    }

    long weightBytes() {
        return named.values().stream().map(RawTensor::data).mapToLong(MemorySegment::byteSize).sum();
    }

    @Override public void close() {
        file.close();
    }
}
