package squall.checker;

import uk.ac.manchester.tornado.api.exceptions.TornadoRuntimeException;

/**
 * A check failed. The message names the kernel, the line and the element; the same facts can be asked for one by one.
 */
public final class CheckFailure extends TornadoRuntimeException {

    private static final long serialVersionUID = 1L;

    private final Fault fault;
    private final String kernel;
    private final int line;
    private final long index;

    CheckFailure(Fault fault, String message) {
        this(fault, "", 0, -1, message);
    }

    CheckFailure(Fault fault, String kernel, int line, long index, String message) {
        super(fault.title() + ": " + message);
        this.fault = fault;
        this.kernel = kernel;
        this.line = line;
        this.index = index;
    }

    public Fault fault() {
        return fault;
    }

    /** The kernel's method name, or nothing where the mistake lies in a graph. */
    public String kernel() {
        return kernel;
    }

    /** Line of the kernel's source, or zero. */
    public int line() {
        return line;
    }

    /** The element concerned, or -1. */
    public long index() {
        return index;
    }
}
