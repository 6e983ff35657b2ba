package squall.tornado;

import java.nio.file.Path;
import java.util.List;
import squall.engine.EngineOptions;
import squall.engine.EngineOptions.KvFormat;
import squall.engine.Executor;
import squall.engine.ExecutorProvider;
import squall.engine.PartExecutor;
import squall.engine.Tuning;
import squall.model.Model;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** Offers the device that the tests run on, the checker included, as commands see devices: test:0. */
public final class DeviceUnderTest implements ExecutorProvider {
    public static final String ID = "test:0";
    private static final long BYTES = 1L << 30;

    private final Path profile;
    private final FoundDevice device;

    /** profile: its tuning profile, which need not be there. */
    public DeviceUnderTest(Path profile) {
        this.profile = profile;
        TornadoDevice tornado = TornadoRuntimeProvider.getTornadoRuntime().getDefaultDevice();
        device = new FoundDevice(new Device(ID, ID, "under test", "TornadoVM", Type.CPU, BYTES, 1, false, "none"), tornado);
    }

    DeviceTuning tuned() {
        return new DeviceTuning(device, profile);
    }

    @Override public String name() {
        return "test";
    }

    @Override public String whyUnavailable() {
        return null;
    }

    @Override public List<Device> devices() {
        return List.of(device.device());
    }

    @Override public long availableBytes(String id) {
        return BYTES;
    }

    @Override public double bandwidth(String id) {
        return 1e9;
    }

    @Override public Tuning tuning(String id) {
        return tuned();
    }

    @Override public KvFormat usualKvFormat(String id) {
        return KvFormat.F32;
    }

    @Override public Executor open(Model model, String id, EngineOptions options) {
        return openPart(model, id, options);
    }

    @Override public PartExecutor openPart(Model part, String id, EngineOptions options) {
        return new TornadoExecutor(part, device.tornado(), options, tuned().traits());
    }
}
