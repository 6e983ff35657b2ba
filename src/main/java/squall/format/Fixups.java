package squall.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import squall.ops.DeltaShape;
import squall.ops.Weight;

/** What differs between checkpoints of the same model, as pure functions from one form to the other. */
final class Fixups {

    /** {@code count} consecutive rows starting at {@code from}. */
    record Rows(long from, int count) {}

    /** Rows of a matrix that make up others. */
    record QkvZ(List<Rows> qkv, List<Rows> z) {}

    record BetaAlpha(List<Rows> beta, List<Rows> alpha) {}

    private Fixups() {}

    /**
     * Qwen3-Next's fused projection, in groups of {@code 2 dk + 2 r dv} rows, one a key head:
     * {@code [q: dk | k: dk | v of r value heads: r dv | z of the same: r dv]}, r = valueHeads / keyHeads. Value heads
     * come out grouped.
     */
    static QkvZ qkvz(DeltaShape s) {
        int values = s.valueHeads() / s.keyHeads() * s.dv();
        long group = 2L * s.dk() + 2L * values;
        List<Rows> qkv = new ArrayList<>();
        List<Rows> z = new ArrayList<>();
        for (int g = 0; g < s.keyHeads(); g++) qkv.add(new Rows(g * group, s.dk()));
        for (int g = 0; g < s.keyHeads(); g++) qkv.add(new Rows(g * group + s.dk(), s.dk()));
        for (int g = 0; g < s.keyHeads(); g++) qkv.add(new Rows(g * group + 2L * s.dk(), values));
        for (int g = 0; g < s.keyHeads(); g++) z.add(new Rows(g * group + 2L * s.dk() + values, values));
        return new QkvZ(qkv, z);
    }

    /** Qwen3-Next's fused gates, in groups of 2r rows, one a key head: {@code [b of r value heads | a of the same]}. */
    static BetaAlpha betaAlpha(DeltaShape s) {
        int r = s.valueHeads() / s.keyHeads();
        List<Rows> beta = new ArrayList<>();
        List<Rows> alpha = new ArrayList<>();
        for (int g = 0; g < s.keyHeads(); g++) {
            beta.add(new Rows(2L * r * g, r));
            alpha.add(new Rows(2L * r * g + r, r));
        }
        return new BetaAlpha(beta, alpha);
    }

    static int count(List<Rows> rows) {
        int n = 0;
        for (Rows r : rows) n = Math.addExact(n, r.count);
        return n;
    }

    /** The rows one after another, as bytes in their storage format. */
    static MemorySegment gather(MemorySegment matrix, long rowBytes, List<Rows> rows, SegmentAllocator memory) {
        MemorySegment result = memory.allocate(Math.multiplyExact(count(rows), rowBytes), 64);
        long at = 0;
        for (Rows r : rows) {
            long bytes = r.count * rowBytes;
            MemorySegment.copy(matrix, r.from * rowBytes, result, at, bytes);
            at += bytes;
        }
        return result;
    }

    /**
     * The grid of block scales that belongs to gathered rows, or null if a run of rows does not begin and end at a block
     * and so rows under different scales would share one.
     *
     * @param grid [ceil(rows / 128), across]
     */
    static float[] gatherScales(float[] grid, int across, List<Rows> rows) {
        int block = Weight.SCALE_BLOCK;
        int total = count(rows);
        float[] result = new float[Math.multiplyExact((total + block - 1) / block, across)];
        int at = 0;
        for (Rows r : rows) {
            boolean last = at + r.count == total;
            if (r.from % block != 0 || at % block != 0 || r.count % block != 0 && !last) return null;
            int blocks = (r.count + block - 1) / block;
            System.arraycopy(grid, (int) (r.from / block) * across, result, at / block * across, blocks * across);
            at += r.count;
        }
        return result;
    }

    /** {@code w + 1}: zero-centred norms of the hybrids, as GGUF files hold them. */
    static float[] plusOne(float[] w) {
        float[] result = new float[w.length];
        for (int i = 0; i < w.length; i++) result[i] = w[i] + 1;
        return result;
    }

    /** {@code -exp(A_log)}, as GGUF files hold it. */
    static float[] decay(float[] aLog) {
        float[] result = new float[aLog.length];
        for (int i = 0; i < aLog.length; i++) result[i] = (float) -Math.exp(aLog[i]);
        return result;
    }
}
