package uk.ac.manchester.tornado.api.exceptions;

/** The API was used wrongly. */
public class TornadoAPIException extends RuntimeException {

    public TornadoAPIException(String message) {
        super(message);
    }

    public TornadoAPIException(String message, Exception cause) {
        super(message, cause);
    }
}
