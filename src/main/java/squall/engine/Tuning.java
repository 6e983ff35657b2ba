package squall.engine;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import squall.model.Model;

/** What of a device can be chosen by measuring. */
public interface Tuning {

    /** Settings with the values that they may have here, the one without a profile first. */
    Map<String, List<String>> choices();

    /** Versions of the driver and of what is above it, by name. */
    Map<String, String> versions();

    /** Where the device's profile is looked for. */
    Path file();

    /** A model on the device with these settings, whatever its profile says. */
    Executor open(Model model, EngineOptions options, Map<String, String> settings);
}
