package uk.ac.manchester.tornado.runtime.common;

/** A device as the runtime has it. */
public interface TornadoXPUDevice {
}
