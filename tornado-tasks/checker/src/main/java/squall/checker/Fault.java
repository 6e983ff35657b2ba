package squall.checker;

/** What kind of mistake a check found. */
public enum Fault {
    RACE("race"),
    OUT_OF_RANGE("index out of range"),
    UNINITIALISED("read of memory nobody wrote"),
    BARRIER("barrier not reached by all"),
    LIMIT("limit of TornadoVM"),
    GRID("grid"),
    TRANSFER("transfer"),
    SCALAR("scalar"),
    FREED("use after free"),
    DIALECT("kernel dialect"),
    BACKEND("not on this backend"),
    EXCEPTION("exception in a kernel");

    private final String title;

    Fault(String title) {
        this.title = title;
    }

    String title() {
        return title;
    }
}
