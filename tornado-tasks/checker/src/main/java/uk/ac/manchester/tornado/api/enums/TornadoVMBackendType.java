package uk.ac.manchester.tornado.api.enums;

/** What a device is driven with. The checker is JAVA: never a device to offer to anyone. */
public enum TornadoVMBackendType {
    OPENCL, METAL, PTX, CUDA, SPIRV, JAVA, VIRTUAL
}
