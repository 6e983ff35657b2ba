package uk.ac.manchester.tornado.api.exceptions;

/** A limit of memory was passed. */
public class TornadoMemoryException extends RuntimeException {

    public TornadoMemoryException(String message) {
        super(message);
    }
}
