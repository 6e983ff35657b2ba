package squall.text.jinja;

/**
 * A conversation that a chat template cannot render: the template raised an error of its own ({@link #raised()}), used
 * something undefined, or went past a limit. The input is unusable (exit code 2), the program is not broken.
 */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean raised;

    /** An error found by the renderer. */
    public TemplateException(String message) {
        this(message, false);
    }

    private TemplateException(String message, boolean raised) {
        super(message);
        this.raised = raised;
    }

    /** The error of a template's {@code raise_exception(message)}; the message is the template's, unchanged. */
    static TemplateException raisedWith(String message) {
        return new TemplateException(message, true);
    }

    /** Whether the template itself raised this: the message is then its author's. */
    public boolean raised() {
        return raised;
    }
}
