package uk.ac.manchester.tornado.api.exceptions;

/** No such backend. */
public class TornadoBackendNotFound extends TornadoRuntimeException {

    public TornadoBackendNotFound(String message) {
        super(message);
    }
}
