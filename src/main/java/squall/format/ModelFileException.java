package squall.format;

/**
 * A model file that cannot be used. The message says what (file, tensor or key), what was expected, what was found
 * and what to do; commands print it without a stack trace and exit with code 2.
 */
public final class ModelFileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ModelFileException(String message) {
        super(message);
    }

    public ModelFileException(String message, Throwable cause) {
        super(message, cause);
    }
}
