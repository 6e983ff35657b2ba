package uk.ac.manchester.tornado.runtime.library.spi;

/** A call with its arguments: primitive ones boxed, arrays as the host's, with where they are on the device. */
public final class LibraryInvocation {

    private final Object[] arguments;
    private final long[] pointers;
    private final LibraryContext context;
    private final Object tuning;

    LibraryInvocation(Object[] arguments, long[] pointers, LibraryContext context, Object tuning) {
        this.arguments = arguments;
        this.pointers = pointers;
        this.context = context;
        this.tuning = tuning;
    }

    public Object getArg(int index) {
        return arguments[index];
    }

    /** Of an array's first element. */
    public long getDevicePointer(int index) {
        return pointers[index];
    }

    public LibraryContext getContext() {
        return context;
    }

    public Object getTuning() {
        return tuning;
    }
}
