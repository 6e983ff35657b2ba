package squall.engine;

import java.util.List;
import squall.model.Model;

/** A kind of device that can run a model; found with {@link java.util.ServiceLoader}. */
public interface ExecutorProvider {

    /** One line of {@code squall devices}. */
    record Device(String id, String name, String backend, long memoryBytes, int computeUnits, boolean fp16) {}

    /** Short name of the kind, {@code cpu} or {@code tornado}. */
    String name();

    /** One sentence on why it cannot be used here, or null if it can. Must not touch a broken driver. */
    String whyUnavailable();

    List<Device> devices();

    /** Puts the model on a device. */
    Executor open(Model model, String device, EngineOptions options);
}
