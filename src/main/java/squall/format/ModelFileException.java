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

    /**
     * {@code file: subject: expected X, found Y.}
     *
     * @param subject the tensor, key or part of the file that is wrong
     */
    public static ModelFileException mismatch(String file, String subject, Object expected, Object found) {
        return new ModelFileException(file + ": " + subject + ": expected " + expected + ", found " + found + ".");
    }
}
