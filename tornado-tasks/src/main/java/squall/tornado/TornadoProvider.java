package squall.tornado;

import java.util.List;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.model.Model;

/**
 * The place of the TornadoVM player. It has no kernels yet and says so: {@code squall devices} prints the sentence, and
 * asking for such a device is refused before a model is loaded.
 */
public final class TornadoProvider implements ExecutorProvider {

    @Override public String name() {
        return "tornado";
    }

    @Override public String whyUnavailable() {
        return "the TornadoVM player (OpenCL, CUDA, SPIR-V) is not part of this version; use --device cpu";
    }

    @Override public List<Device> devices() {
        return List.of();
    }

    @Override public Executor open(Model model, String device, EngineOptions options) {
        throw new UnsupportedOperationException(whyUnavailable());
    }
}
