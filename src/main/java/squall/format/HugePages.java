package squall.format;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Asks Linux to read what is mapped of a file in pages of 2 MB, which a file system with large folios does (ext4 since 6.16, XFS, btrfs): a
 * core then waits less for addresses (measured on Zen 2, products of one row from memory: 5 to 10 % less time). It matters only before the file is in memory, and
 * asking takes tens of milliseconds at the first time, so that one that is there is left as it is.
 */
final class HugePages {
    private static final String SYSTEM = "Linux";
    /** MADV_HUGEPAGE. */
    private static final int HUGE = 14;

    /** int madvise(void *, size_t, int); null where there is none. */
    private static final MethodHandle ADVISE = advise();

    private HugePages() {}

    private static MethodHandle advise() {
        if (!System.getProperty("os.name").equals(SYSTEM)) return null;
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find("madvise").map(f -> linker.downcallHandle(f, FunctionDescriptor.of(ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT))).orElse(null);
    }

    /** Changes nothing but the speed of what follows, and nothing where the system knows no such pages. */
    static void ask(MemorySegment mapped) {
        if (ADVISE == null) return;
        long begin = mapped.address() / Loader.PAGE_BYTES * Loader.PAGE_BYTES;
        long end = (mapped.address() + mapped.byteSize() + Loader.PAGE_BYTES - 1) / Loader.PAGE_BYTES * Loader.PAGE_BYTES;
        try {
            int _ = (int) ADVISE.invokeExact(MemorySegment.ofAddress(begin), end - begin, HUGE);
        } catch (Throwable e) {
            throw new IllegalStateException("madvise cannot be called", e);
        }
    }
}
