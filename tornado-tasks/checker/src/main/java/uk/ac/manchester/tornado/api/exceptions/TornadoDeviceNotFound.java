package uk.ac.manchester.tornado.api.exceptions;

/** No such device. */
public class TornadoDeviceNotFound extends TornadoRuntimeException {

    public TornadoDeviceNotFound(String message) {
        super(message);
    }
}
