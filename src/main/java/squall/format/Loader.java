package squall.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Brings mapped tensors into memory ahead of their first use, several stretches at a time, so that the first token does
 * not wait for one page after another. It changes nothing but the speed of what follows.
 */
public final class Loader {
    static final long PAGE_BYTES = 4096;
    private static final long CHUNK_BYTES = 8 << 20;

    /** Told how far loading is; called from several threads, one call at a time. */
    @FunctionalInterface
    public interface Progress {
        void loaded(long bytes, long totalBytes);
    }

    private Loader() {}

    /**
     * Touches every page of what is not in memory yet, in file order. Worth it only for what fits into memory.
     *
     * @param threads how many stretches are read at a time
     */
    public static void load(Collection<RawTensor> tensors, int threads, Progress progress) {
        List<MemorySegment> absent = new ArrayList<>();
        long total = 0, missing = 0;
        for (RawTensor t : tensors) {
            long size = t.data().byteSize();
            total += size;
            for (long at = 0; at < size; at += CHUNK_BYTES) {
                MemorySegment chunk = t.data().asSlice(at, Math.min(CHUNK_BYTES, size - at));
                if (!isAbsent(chunk)) continue;
                absent.add(chunk);
                missing += chunk.byteSize();
            }
        }
        // of a file that was read before a few pages are missing now and then
        if (missing > total / 2) absent.forEach(HugePages::ask);
        if (absent.isEmpty()) progress.loaded(total, total);
        else read(absent, total - missing, total, threads, progress);
    }

    /** Touches every page of the stretches that are not in memory; {@code present} bytes of all are. */
    static void read(List<MemorySegment> absent, long present, long total, int threads, Progress progress) {
        AtomicLong done = new AtomicLong(present);
        Object report = new Object();
        try (ExecutorService pool = Executors.newFixedThreadPool(Math.max(1, threads),
                Thread.ofPlatform().daemon().name("loader-", 0).factory())) {
            for (MemorySegment chunk : absent)
                pool.execute(() -> {
                    touch(chunk);
                    synchronized (report) {
                        progress.loaded(done.addAndGet(chunk.byteSize()), total);
                    }
                });
        }
    }

    /** By its first page: to look for all of them takes as long as to map them. */
    private static boolean isAbsent(MemorySegment data) {
        return data.isMapped() && !data.asSlice(0, Math.min(PAGE_BYTES, data.byteSize())).isLoaded();
    }

    private static int touch(MemorySegment chunk) {
        int sum = 0;
        for (long at = 0; at < chunk.byteSize(); at += PAGE_BYTES) sum += chunk.get(ValueLayout.JAVA_BYTE, at);
        return sum;
    }
}
