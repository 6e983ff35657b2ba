package squall.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import picocli.CommandLine.Option;
import squall.engine.ExecutorProvider;
import squall.engine.ExecutorProvider.Device;
import squall.engine.ExecutorProvider.Type;

/** Where the model runs. */
final class DeviceOptions {
    private static final String AUTO = "auto";
    private static final String CPU = "cpu";
    /** Backends of one GPU, the fastest last; any other is taken where none of these is there. */
    private static final List<String> PREFERRED = List.of("opencl", "ptx", "cuda");

    @Option(names = "--device", paramLabel = "ID", defaultValue = AUTO,
            description = "auto (default: a GPU if there is one, else cpu), cpu, or an id that 'squall devices' lists, such as opencl:0.")
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
        Choice best = null;
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
            for (Device d : provider.devices()) {
                if (d.isCalled(device)) return new Choice(provider, d.id(), passed);
                known.add(d.id());
            }
            passed.addAll(provider.missing());
            if (!device.equals(AUTO)) continue;
            Device fastest = provider.devices().stream().filter(d -> isFaster(d, passed))
                    .max(Comparator.comparingInt(d -> PREFERRED.indexOf(backend(d)))).orElse(null);
            if (best == null && fastest != null) best = new Choice(provider, fastest.id(), passed);
        }
        if (device.equals(AUTO) && best != null) return best;
        if (device.equals(AUTO) && cpu != null) return cpu;
        throw new UnusableException("--device " + device + ": no such device, known are " + String.join(", ", known)
                + (passed.isEmpty() ? "" : "; not usable here: " + String.join("; ", passed)));
    }

    /** Whether it beats the processor that Java runs on; if not, the reason is noted. */
    private static boolean isFaster(Device d, List<String> passed) {
        if (d.type() == Type.CPU) passed.add(d.id() + ": a processor, which the CPU player uses better");
        return d.type() != Type.CPU;
    }

    private static String backend(Device d) {
        return d.id().substring(0, d.id().indexOf(':'));
    }
}
