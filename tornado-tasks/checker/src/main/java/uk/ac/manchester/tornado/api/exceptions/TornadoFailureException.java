package uk.ac.manchester.tornado.api.exceptions;

/** The driver failed. */
public class TornadoFailureException extends RuntimeException {

    public TornadoFailureException(String message) {
        super(message);
    }

    public TornadoFailureException(Exception cause) {
        super(cause);
    }
}
