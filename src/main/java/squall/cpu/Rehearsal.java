package squall.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import squall.quant.Codec;
import squall.quant.Format;

/**
 * Has the kernels of {@link FirstStepOps} compiled beside what a process does before its first step: plays them, in a thread of its own, as
 * often as it takes. Rows are short, so that a kernel is compiled when it is called and not once more while it runs.
 */
final class Rehearsal {
    /** Where nothing was rehearsed. */
    static final Rehearsal NONE = new Rehearsal(null);

    /** More calls than those after which the launcher has these kernels compiled by the optimising compiler. */
    private static final int CALLS = 100;
    private static final int COLUMNS = 32;
    private static final int BLOCKED_COLUMNS = 256;
    /** One group and one row: both kinds of strips. */
    private static final int ROWS = Panels.GROUP + 1;

    private final Thread thread;

    private Rehearsal(Thread thread) {
        this.thread = thread;
    }

    /** @param stored some numbers of each format of the model, where it is mapped: with memory of another kind the kernel would be another */
    static Rehearsal begin(Map<Format, MemorySegment> stored) {
        return new Rehearsal(Thread.ofPlatform().daemon().name("squall-rehearsal").start(() -> {
            strips();
            try {
                stored.forEach(Rehearsal::decoding);
            } catch (IllegalStateException closed) {
                // the file, before its first step
            }
        }));
    }

    /** Until it is over; an interrupt ends the waiting. */
    void await() {
        if (thread == null) return;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The two kernels that multiply. */
    static void strips() {
        float[] sums = new float[Panels.padded(ROWS) * Panels.OUTPUTS_MULTIPLE];
        float[] packed = new float[Panels.padded(ROWS) * COLUMNS];
        float[] weights = new float[Panels.OUTPUTS_MULTIPLE * Panels.STRIDE];
        for (int i = 0; i < CALLS; i++)
            Panels.multiply(sums, Panels.OUTPUTS_MULTIPLE, packed, COLUMNS, 0, weights, COLUMNS, ROWS, Panels.STRIP);
    }

    /** The kernel that decodes a format. */
    static void decoding(Format format, MemorySegment stored) {
        Codec codec = format.codec;
        int block = codec.blockSize();
        int n = (int) Math.min(block == 1 ? COLUMNS : Math.max(BLOCKED_COLUMNS, block), stored.byteSize() / codec.blockBytes() * block);
        float[] decoded = new float[n];
        for (int i = 0; i < CALLS; i++) codec.decode(stored, 0, decoded, 0, n);
    }
}
