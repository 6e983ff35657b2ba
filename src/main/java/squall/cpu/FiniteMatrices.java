package squall.cpu;

import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import squall.ops.Weight;
import squall.quant.Codec;

/**
 * Which matrices have finite numbers only, found out once, before their first product: kernels that need not look for others are
 * faster by a third (F16). A matrix that has others is multiplied row by row, so that they show. Written by the thread that runs
 * the step, read by the workers.
 */
final class FiniteMatrices {
    /** Values of one piece of work: some 10 µs. */
    private static final int PIECE = 64 << 10;

    private static final byte FINITE = 1;
    private static final byte OTHER = 2;

    private final ThreadTeam team;
    /** What each expert's matrix is; 0: not yet known. */
    private final Map<Weight, byte[]> kinds = new IdentityHashMap<>();
    private final AtomicBoolean finite = new AtomicBoolean();

    FiniteMatrices(ThreadTeam team) {
        this.team = team;
    }

    /** Reads an expert's matrix if that matters and has not been done. */
    void look(LaidWeight l, int expert) {
        Weight w = l.weight();
        if (!w.format().codec.takesFiniteOnly() || kind(w, expert) != 0) return;
        int cols = w.cols();
        long rowBytes = w.format().rowBytes(cols);
        finite.set(true);
        team.forEach(w.rows(), Math.max(1, PIECE / cols), (_, from, to) -> {
            for (int o = from; o < to; o++)
                if (!w.format().codec.isFinite(l.experts().get(expert), o * rowBytes, cols)) finite.set(false);
        });
        kinds.computeIfAbsent(w, k -> new byte[k.experts().size()])[expert] = finite.get() ? FINITE : OTHER;
    }

    /** Rows of an expert's matrix, {@link #look}ed at before, that a dot product takes together; 1: row by row. */
    int together(Weight w, int expert) {
        Codec codec = w.format().codec;
        if (!w.scales().isEmpty() || codec.takesFiniteOnly() && kind(w, expert) != FINITE) return 1;
        return codec.together();
    }

    private byte kind(Weight w, int expert) {
        byte[] known = kinds.get(w);
        return known == null ? 0 : known[expert];
    }
}
