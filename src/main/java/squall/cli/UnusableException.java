package squall.cli;

/** Input that cannot be used, other than a model file: the message says what, expected, found and what to do. Exit code 2. */
final class UnusableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnusableException(String message) {
        super(message);
    }

    UnusableException(String message, Throwable cause) {
        super(message, cause);
    }
}
