package squall.format;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Pages of 2 MB, with which a core waits less for addresses. Memory is had in them where the system is Linux ({@link #allocate}), and Linux
 * is asked to read what is mapped of a file in them ({@link #ask}), which a file system with large folios does (ext4 since 6.16, XFS, btrfs): a
 * core then waits less (measured on Zen 2, products of one row from memory: 5 to 10 % less time). It matters only before the file is in memory, and
 * asking takes up to a hundred milliseconds at the first time, so that one that is mostly there is left as it is.
 */
public final class HugePages {
    private static final String SYSTEM = "Linux";
    /** MADV_HUGEPAGE. */
    private static final int HUGE = 14;
    /** Size of a page. */
    private static final long BYTES = 2 << 20;
    /** PROT_READ | PROT_WRITE. */
    private static final int READ_WRITE = 3;
    /** MAP_PRIVATE | MAP_ANONYMOUS. */
    private static final int OWN_MEMORY = 0x22;

    /** int madvise(void *, size_t, int); null where there is none. */
    private static final MethodHandle ADVISE = advise();

    private HugePages() {}

    /** void *mmap(void *, size_t, int, int, int, off_t) and int munmap(void *, size_t). */
    private static final class Maps {
        static final MethodHandle MAP = function("mmap", FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
        static final MethodHandle UNMAP = function("munmap",
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    }

    /** Whether the system has such pages. */
    public static boolean areKnown() {
        return ADVISE != null;
    }

    /**
     * Zeros that begin on a line of the cache; where pages are known, on such a page. All are taken from the system at once: what nobody has
     * written to would be read from one page of zeros in the cache, faster than any other memory.
     *
     * @throws OutOfMemoryError if the system has no such room
     */
    public static MemorySegment allocate(Arena arena, long bytes) {
        MemorySegment pages = reserve(arena, bytes);
        if (ADVISE != null) for (long at = 0; at < bytes; at += Loader.PAGE_BYTES) pages.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
        return pages;
    }

    /**
     * As {@link #allocate}, for memory that is written to at once: it is taken from the system with the first byte that is written, and zeroed by the
     * thread that does.
     *
     * @throws OutOfMemoryError if the system has no such room
     */
    public static MemorySegment reserve(Arena arena, long bytes) {
        if (ADVISE == null) return arena.allocate(bytes, 64);
        long mapped = bytes + BYTES;
        try {
            MemorySegment memory = (MemorySegment) Maps.MAP.invokeExact(MemorySegment.NULL, mapped, READ_WRITE, OWN_MEMORY, -1, 0L);
            if (memory.address() == -1) throw new OutOfMemoryError("no room for " + mapped + " bytes");
            MemorySegment pages = memory.reinterpret(mapped, arena, HugePages::unmap)
                    .asSlice((BYTES - memory.address() % BYTES) % BYTES, bytes);
            ask(pages);
            return pages;
        } catch (OutOfMemoryError | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("mmap cannot be called", e);
        }
    }

    private static void unmap(MemorySegment memory) {
        try {
            int _ = (int) Maps.UNMAP.invokeExact(memory, memory.byteSize());
        } catch (Throwable e) {
            throw new IllegalStateException("munmap cannot be called", e);
        }
    }

    private static MethodHandle function(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
    }

    private static MethodHandle advise() {
        if (!System.getProperty("os.name").equals(SYSTEM) || Linker.nativeLinker().defaultLookup().find("madvise").isEmpty()) return null;
        return function("madvise", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
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
