package squall.checker;

import java.nio.BufferOverflowException;

/** The arguments of a graph's tasks do not fit in TornadoVM's buffer, which then throws the same exception without a word. */
public final class GraphFull extends BufferOverflowException {
    private final String message;

    GraphFull(String message) {
        this.message = Fault.LIMIT.title() + ": " + message;
    }

    @Override public String getMessage() {
        return message;
    }
}
