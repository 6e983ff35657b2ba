package uk.ac.manchester.tornado.api.exceptions;

/** A kernel could not be compiled. */
public class TornadoCompilationException extends RuntimeException {

    public TornadoCompilationException(String message) {
        super(message);
    }
}
