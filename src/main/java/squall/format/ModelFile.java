package squall.format;

import java.nio.file.Path;
import java.util.Map;

/** An open checkpoint in either container: its metadata and its named tensors. Closing unmaps it. */
public interface ModelFile extends AutoCloseable {

    /** The file or directory the user named. */
    Path path();

    /**
     * GGUF: the key-value pairs (numbers as Long, Double or Boolean, strings, List for arrays).
     * safetensors: the parsed config.json, nested maps as they are.
     */
    Map<String, Object> metadata();

    /** By name in the file, in file order. */
    Map<String, RawTensor> tensors();

    /** {@code GGUF} or {@code safetensors}, for messages. */
    String container();

    /** The metadata through getters that check types and name the key when they refuse. */
    default Metadata keys() {
        return new Metadata(path().toString(), "", metadata());
    }

    @Override void close();
}
