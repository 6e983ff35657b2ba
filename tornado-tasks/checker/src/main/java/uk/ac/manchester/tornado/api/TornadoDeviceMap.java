package uk.ac.manchester.tornado.api;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** The backends of this process and their devices. */
public class TornadoDeviceMap {

    private final List<TornadoBackend> backends;

    public TornadoDeviceMap() {
        TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
        backends = IntStream.range(0, runtime.getNumBackends()).mapToObj(runtime::getBackend).toList();
    }

    public int getNumBackends() {
        return backends.size();
    }

    public List<TornadoBackend> getAllBackends() {
        return backends;
    }

    public List<TornadoBackend> getBackendsWithPredicate(Predicate<? super TornadoBackend> predicate) {
        return backends.stream().filter(predicate).toList();
    }

    public List<TornadoBackend> getBackendsWithDevicePredicate(Predicate<? super TornadoDevice> predicate) {
        return backends.stream().filter(backend -> backend.getAllDevices().stream().anyMatch(predicate)).toList();
    }

    public Stream<TornadoDevice> getDevicesByName(String part) {
        String wanted = part.toLowerCase(java.util.Locale.ROOT);
        return devices().filter(d -> d.getDeviceName().toLowerCase(java.util.Locale.ROOT).contains(wanted));
    }

    public Stream<TornadoDevice> getDevicesByType(TornadoDeviceType type) {
        return devices().filter(device -> device.getDeviceType() == type);
    }

    private Stream<TornadoDevice> devices() {
        return backends.stream().flatMap(backend -> backend.getAllDevices().stream());
    }
}
