package squall.tornado;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import squall.engine.ExecutorProvider.Device;
import squall.engine.ExecutorProvider.Type;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/**
 * A device of TornadoVM's. Its id is the backend's name and its number there, {@code opencl:0}; TornadoVM's own pair of numbers
 * is the alias.
 */
record FoundDevice(Device device, TornadoDevice tornado) {
    /** Work-items that share a row where no profile says better: two warps. */
    private static final int GROUP = 64;

    /** Starts TornadoVM and asks it. The checker is for tests, never a device to run on. */
    static List<FoundDevice> all() {
        List<FoundDevice> all = new ArrayList<>();
        TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
        for (int b = 0; b < runtime.getNumBackends(); b++) {
            TornadoBackend backend = runtime.getBackend(b);
            if (backend.getBackendType() == TornadoVMBackendType.JAVA) continue;
            for (int d = 0; d < backend.getNumDevices(); d++) all.add(of(backend, b, d));
        }
        return all;
    }

    private static FoundDevice of(TornadoBackend backend, int b, int d) {
        TornadoDevice device = backend.getDevice(d);
        String kind = backend.getBackendType().name().toLowerCase(Locale.ROOT);
        String name = device.getPhysicalDevice().getDeviceName().strip();
        return new FoundDevice(new Device(kind + ":" + d, b + ":" + d, name, "TornadoVM " + backend.getName(), type(device),
                device.getMaxGlobalMemory(), device.getPhysicalDevice().getDeviceMaxComputeUnits(), fp16(device), profile(kind, name)), device);
    }

    /** The file of tuned settings for this device among the profiles that ship, or "none". */
    private static String profile(String kind, String name) {
        String file = (kind + "-" + name).toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-") + ".json";
        return Files.exists(Path.of(System.getProperty("squall.home", "."), "profiles", file)) ? file : "none";
    }

    private static Type type(TornadoDevice device) {
        return switch (device.getDeviceType()) {
            case CPU -> Type.CPU;
            case GPU -> Type.GPU;
            default -> Type.OTHER;
        };
    }

    /** OpenCL tells by an extension; the others have it on every device that TornadoVM takes. */
    private static boolean fp16(TornadoDevice device) {
        return device.getTornadoVMBackend() != TornadoVMBackendType.OPENCL
                || device.getPhysicalDevice().getDeviceInfo().contains("cl_khr_fp16");
    }

    /** What kernels it gets. Shuffles are right on CUDA and PTX only: OpenCL compiles them to nothing. */
    Traits traits() {
        Traits.Shape shape = switch (tornado.getTornadoVMBackend()) {
            case CUDA, PTX -> Traits.Shape.WARPS;
            default -> device.type() == Type.CPU ? Traits.Shape.ROWS : Traits.Shape.GROUPS;
        };
        return new Traits(shape, GROUP, device.fp16());
    }
}
