package squall.checker.lint;

/** What a kernel does with an array. */
public enum Access {
    NONE, READ, WRITE, READ_WRITE;

    public Access and(Access other) {
        return values()[ordinal() | other.ordinal()];
    }

    public boolean writes() {
        return (ordinal() & WRITE.ordinal()) != 0;
    }

    public boolean reads() {
        return (ordinal() & READ.ordinal()) != 0;
    }
}
