package squall.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import picocli.CommandLine.Option;
import squall.engine.ExecutorProvider;

/** Where the model runs. */
final class DeviceOptions {
    private static final String AUTO = "auto";
    private static final String CPU = "cpu";

    @Option(names = "--device", paramLabel = "ID", defaultValue = AUTO,
            description = "auto (default), cpu, or an id that 'squall devices' lists.")
    private String device;

    /**
     * A provider, the device it was chosen for, and why others were passed over.
     *
     * @param device id of the device
     * @param passed a sentence for each kind of device that cannot be used
     */
    record Choice(ExecutorProvider provider, String device, List<String> passed) {}

    /** @throws UnusableException if there is no such device or it cannot be used; the message lists those there are */
    Choice choose() {
        List<String> passed = new ArrayList<>();
        List<String> known = new ArrayList<>(List.of(AUTO));
        Choice cpu = null;
        for (ExecutorProvider provider : ServiceLoader.load(ExecutorProvider.class)) {
            if (provider.name().equals(CPU)) {
                // asking for its devices costs start-up time and could say nothing new
                if (device.equals(CPU)) return new Choice(provider, CPU, passed);
                cpu = new Choice(provider, CPU, passed);
                known.add(CPU);
                continue;
            }
            String why = provider.whyUnavailable();
            if (why != null) {
                passed.add(provider.name() + ": " + why);
                continue;
            }
            for (ExecutorProvider.Device d : provider.devices()) {
                if (device.equals(AUTO) || device.equals(d.id())) return new Choice(provider, d.id(), passed);
                known.add(d.id());
            }
        }
        if (device.equals(AUTO) && cpu != null) return cpu;
        throw new UnusableException("--device " + device + ": no such device, known are " + String.join(", ", known)
                + (passed.isEmpty() ? "" : "; not usable here: " + String.join("; ", passed)));
    }
}
