package squall.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import squall.engine.AvailableMemory;
import squall.format.HugePages;
import squall.ops.Weight;
import squall.quant.RowGroups;

/**
 * Lays matrices out anew at their first product, where there is memory: in groups of rows ({@link RowGroups}) if the format has them and the
 * processor is faster with them; plain numbers, whose products wait for memory alone, as they are stored but in pages of 2 MB, which a file is rarely
 * read in (a virtual machine's core reads 37 GB/s in such pages and 31 in small ones, Zen 5). What was mapped of the file leaves the process's memory
 * piece by piece: a model takes its size once. Owned by the thread that runs the step.
 *
 * <p>The system property {@value #PROPERTY}, {@code file} or {@code groups}, says that nothing, or whatever memory is free, is laid out anew;
 * without it matrices are as long as they fit half of the memory that is free at the start.
 */
final class WeightLayout implements AutoCloseable {
    static final String PROPERTY = "squall.cpu.layout";

    /** A page: streams begin at the same place of theirs. */
    private static final long ALIGNMENT = 4096;

    /** Memory is reserved by such stretches: matrices share their large pages, and what none of them has used is not taken. */
    private static final long STRETCH_BYTES = 64 << 20;

    /** Bytes of a piece of work, after which the file's pages are given back. */
    private static final long PIECE_BYTES = 1 << 20;

    private final ThreadTeam team;
    private final Map<Weight, LaidWeight> laid = new IdentityHashMap<>();
    private final Arena memory = Arena.ofShared();
    private MemorySegment stretch = MemorySegment.NULL;
    private long used;
    private long room;

    WeightLayout(ThreadTeam team) {
        this(team, room(System.getProperty(PROPERTY)));
    }

    /** @param room bytes that may be laid out anew */
    WeightLayout(ThreadTeam team, long room) {
        this.team = team;
        this.room = room;
    }

    private static long room(String layout) {
        return switch (layout) {
            case null -> AvailableMemory.bytes() / 2;
            case "file" -> 0;
            case "groups" -> Long.MAX_VALUE;
            default -> throw new IllegalArgumentException("-D" + PROPERTY + "=" + layout + ": the layout must be file or groups");
        };
    }

    /** The matrix as products read it. */
    LaidWeight of(Weight w) {
        LaidWeight known = laid.get(w);
        if (known != null) return known;
        LaidWeight made = w.byteSize() > room ? LaidWeight.asStored(w) : layOut(w);
        laid.put(w, made);
        return made;
    }

    private LaidWeight layOut(Weight w) {
        RowGroups groups = w.scales().isEmpty() && w.rows() >= RowGroups.ROWS ? RowGroups.of(w.format()) : null;
        if (groups != null) return layOut(w, groups, RowGroups.ROWS);
        return isPlain(w) && HugePages.areKnown() ? layOut(w, null, 1) : LaidWeight.asStored(w);
    }

    /** Whether it is in a file, each of its numbers by itself. */
    private static boolean isPlain(Weight w) {
        return w.scales().isEmpty() && w.format().codec.blockSize() == 1 && w.experts().getFirst().isMapped();
    }

    /** By so many rows together, or as in the file if not all of its numbers have a place in groups. */
    private LaidWeight layOut(Weight w, RowGroups groups, int together) {
        long groupBytes = together * w.format().rowBytes(w.cols());
        int all = w.rows() / together;
        int piece = (int) Math.clamp(PIECE_BYTES / groupBytes, 1, all);
        int pieces = (all + piece - 1) / piece;
        long bytes = w.byteSize() / w.experts().size();
        release(w); // what is mapped comes back piece by piece
        List<MemorySegment> experts = new ArrayList<>();
        for (MemorySegment _ : w.experts()) experts.add(allocate(bytes));
        AtomicBoolean finite = new AtomicBoolean(true);
        team.forEach(pieces * experts.size(), 1, (_, begin, end) -> {
            for (int i = begin; i < end; i++) {
                MemorySegment to = experts.get(i / pieces), from = w.experts().get(i / pieces);
                long first = i % pieces * piece * groupBytes, last = Math.min(all * groupBytes, first + piece * groupBytes);
                if (groups == null) MemorySegment.copy(from, first, to, first, last - first);
                else for (long at = first; at < last; at += groupBytes)
                    if (!groups.lay(to, at, from, at, groupBytes / together)) finite.set(false);
                if (from.isMapped()) from.asSlice(first, last - first).unload();
            }
        });
        long rest = all * groupBytes;
        for (int e = 0; e < experts.size(); e++) MemorySegment.copy(w.experts().get(e), rest, experts.get(e), rest, bytes - rest);
        release(w); // the system maps pages around one that is read, those of the pieces before too: a tenth of a mixture's experts
        room -= w.byteSize();
        return finite.get() ? new LaidWeight(w, groups, experts) : LaidWeight.asStored(w);
    }

    private MemorySegment allocate(long bytes) {
        long at = (used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (at + bytes > stretch.byteSize()) {
            stretch = HugePages.reserve(memory, Math.max(bytes, STRETCH_BYTES));
            at = 0;
        }
        used = at + bytes;
        return stretch.asSlice(at, bytes);
    }

    private static void release(Weight w) {
        for (MemorySegment e : w.experts()) if (e.isMapped()) e.unload();
    }

    @Override public void close() {
        laid.clear();
        memory.close();
    }
}
