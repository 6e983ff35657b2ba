package squall.checker;

import java.util.List;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.TornadoTargetDevice;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoBackendNotFound;
import uk.ac.manchester.tornado.api.exceptions.TornadoDeviceNotFound;

/**
 * The only runtime, backend and device there is when code runs in the checker. Its backend is {@code JAVA}, which no
 * real TornadoVM device has: whoever offers devices to users leaves it out.
 */
public enum CheckerRuntime implements TornadoRuntime, TornadoBackend, TornadoDevice, TornadoTargetDevice {

    INSTANCE;

    /** What CUDA and OpenCL devices alike give a work-group without being asked. */
    static final int LOCAL_MEMORY_BYTES = 48 * 1024;
    static final int MAX_GROUP = 1024;
    private static final long MEMORY_BYTES = 4L << 30;

    @Override
    public TornadoBackend getBackend(int index) {
        if (index != 0) {
            throw new TornadoBackendNotFound("backend " + index + ": the checker is the only one, number 0");
        }
        return this;
    }

    @Override
    public void setDefaultBackend(int index) {
        getBackend(index);
    }

    @Override
    public TornadoVMBackendType getBackendType(int index) {
        return getBackend(index).getBackendType();
    }

    @Override
    public int getNumBackends() {
        return 1;
    }

    @Override
    public TornadoDevice getDefaultDevice() {
        return this;
    }

    @Override
    public boolean isProfilerEnabled() {
        return false;
    }

    @Override
    public boolean isPowerMonitoringEnabled() {
        return false;
    }

    @Override
    public void setDefaultDevice(int index) {
        getDevice(index);
    }

    @Override
    public int getNumDevices() {
        return 1;
    }

    @Override
    public TornadoDevice getDevice(int index) {
        if (index != 0) {
            throw new TornadoDeviceNotFound("device " + index + ": the checker is the only one, number 0");
        }
        return this;
    }

    @Override
    public List<TornadoDevice> getAllDevices() {
        return List.of(this);
    }

    @Override
    public TornadoDeviceType getTypeDefaultDevice() {
        return getDeviceType();
    }

    @Override
    public String getName() {
        return "checker";
    }

    @Override
    public int getNumPlatforms() {
        return 1;
    }

    @Override
    public TornadoVMBackendType getBackendType() {
        return TornadoVMBackendType.JAVA;
    }

    @Override
    public String getDeviceName() {
        return "checker";
    }

    @Override
    public String getDescription() {
        return "runs task graphs on the JVM and checks them";
    }

    @Override
    public String getPlatformName() {
        return "Squall";
    }

    @Override
    public TornadoTargetDevice getPhysicalDevice() {
        return this;
    }

    @Override
    public TornadoDeviceType getDeviceType() {
        return TornadoDeviceType.CUSTOM;
    }

    @Override
    public long getMaxAllocMemory() {
        return MEMORY_BYTES;
    }

    @Override
    public long getMaxGlobalMemory() {
        return MEMORY_BYTES;
    }

    @Override
    public long getDeviceLocalMemorySize() {
        return LOCAL_MEMORY_BYTES;
    }

    @Override
    public long[] getDeviceMaxWorkgroupDimensions() {
        return new long[] {MAX_GROUP, MAX_GROUP, 64};
    }

    @Override
    public String getDeviceOpenCLCVersion() {
        return "none";
    }

    @Override
    public String getDeviceInfo() {
        return getDescription();
    }

    @Override
    public int getBackendIndex() {
        return 0;
    }

    @Override
    public TornadoVMBackendType getTornadoVMBackend() {
        return TornadoVMBackendType.JAVA;
    }

    @Override
    public boolean isSPIRVSupported() {
        return false;
    }

    @Override
    public long getDeviceGlobalMemorySize() {
        return MEMORY_BYTES;
    }

    @Override
    public int getDeviceMaxComputeUnits() {
        return 1;
    }

    @Override
    public long[] getDeviceMaxWorkItemSizes() {
        return getDeviceMaxWorkgroupDimensions();
    }

    @Override
    public long[] getDeviceMaxWorkGroupSize() {
        return new long[] {MAX_GROUP};
    }

    @Override
    public int getMaxThreadsPerBlock() {
        return MAX_GROUP;
    }

    @Override
    public int getDeviceMaxClockFrequency() {
        return 0;
    }

    @Override
    public long getDeviceMaxConstantBufferSize() {
        return 64 * 1024;
    }

    @Override
    public long getDeviceMaxAllocationSize() {
        return MEMORY_BYTES;
    }
}
