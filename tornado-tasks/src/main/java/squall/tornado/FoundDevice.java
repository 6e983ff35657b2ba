package squall.tornado;

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
        FoundDevice found = new FoundDevice(new Device(kind + ":" + d, b + ":" + d, name, "TornadoVM " + backend.getName(), type(device),
                device.getMaxGlobalMemory(), device.getPhysicalDevice().getDeviceMaxComputeUnits(), fp16(device), "none"), device);
        return found.withProfile(found.tuning().said());
    }

    private FoundDevice withProfile(String profile) {
        return new FoundDevice(new Device(device.id(), device.alias(), device.name(), device.backend(), device.type(), device.memoryBytes(),
                device.computeUnits(), device.fp16(), profile), tornado);
    }

    /** With the file of tuned settings for such a device, among the profiles that ship. */
    DeviceTuning tuning() {
        String kind = device.id().substring(0, device.id().indexOf(':'));
        String name = (kind + "-" + device.name()).toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
        return new DeviceTuning(this, Path.of(System.getProperty("squall.home", "."), "profiles", name + ".json"));
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

    /** What kernels it gets without a profile. Shuffles are right on CUDA and PTX only: OpenCL compiles them to nothing. */
    Traits usual() {
        Traits.Shape shape = switch (tornado.getTornadoVMBackend()) {
            case CUDA, PTX -> Traits.Shape.WARPS;
            default -> device.type() == Type.CPU ? Traits.Shape.ROWS : Traits.Shape.GROUPS;
        };
        boolean library = tornado.getTornadoVMBackend() == TornadoVMBackendType.CUDA && CuBlasLibrary.whyMissing() == null;
        return new Traits(shape, GROUP, device.fp16(), true, library);
    }
}
