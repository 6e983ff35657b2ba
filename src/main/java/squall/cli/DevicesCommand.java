package squall.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import squall.engine.ExecutorProvider;

/** {@code squall devices}: a line for each device, and a sentence for each kind of device that cannot be used here. */
@Command(name = "devices", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Lists the devices that can run a model, and says why others cannot.")
final class DevicesCommand implements Callable<Integer> {
    private final Streams streams;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    DevicesCommand(Streams streams) {
        this.streams = streams;
    }

    @Override public Integer call() {
        List<ExecutorProvider.Device> devices = new ArrayList<>();
        List<String> refused = new ArrayList<>();
        for (ExecutorProvider provider : ServiceLoader.load(ExecutorProvider.class)) {
            String why = provider.whyUnavailable();
            if (why != null) refused.add(provider.name() + ": " + why);
            else devices.addAll(provider.devices());
            refused.addAll(provider.missing());
        }
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("devices", devices);
            all.put("unavailable", refused);
            streams.println(Json.write(all));
            return Squall.DONE;
        }
        int profiles = devices.stream().mapToInt(d -> d.profile().length()).max().orElse(0);
        String layout = "%-10s %-22s %10s %6s %5s  %-" + Math.max(profiles, 10) + "s %s";
        streams.println(layout.formatted("device", "backend", "memory", "units", "fp16", "profile", "name"));
        for (ExecutorProvider.Device d : devices)
            streams.println(layout.formatted(d.id(), d.backend(), Bytes.text(d.memoryBytes()), d.computeUnits(),
                    d.fp16() ? "yes" : "no", d.profile(), d.name()));
        refused.forEach(why -> streams.println(why + "."));
        return Squall.DONE;
    }
}
