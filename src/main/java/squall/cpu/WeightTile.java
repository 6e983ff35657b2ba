package squall.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import squall.ops.Weight;
import squall.quant.Codec;
import squall.quant.RowGroups;

/**
 * A worker's scratch for products with stored weights: the decoded tile of a matrix and the sums of {@link Panels#multiply} or
 * {@link GroupPanels#multiply}.
 */
final class WeightTile {

    /** Outputs of a tile of rows as they are stored; with {@link Panels#DEPTH} columns it takes 124 KB, a quarter of a common second-level cache. */
    static final int OUTPUTS = Panels.OUTPUTS_MULTIPLE;

    private static final int BLOCK = Weight.SCALE_BLOCK;

    private final float[] weights = new float[Math.max(OUTPUTS * Panels.STRIDE, GroupPanels.OUTPUTS * GroupPanels.DEPTH)];
    private final float[] line = new float[GroupPanels.DEPTH];
    private final float[] group = new float[RowGroups.ROWS];
    private final float[] factors = new float[RowGroups.FACTORS];
    private float[] sums = new float[0];

    /**
     * {@code y[yAt + o - first] = W[o] · x[row]} for the outputs first <= o < last: rows in groups, then as many parts of the others side by
     * side as rows are taken together, each a run of bytes of its own.
     *
     * @param together rows that {@link Codec#dots} takes, or 1: it is not to be used
     */
    void dots(float[] y, int yAt, LaidWeight l, int expert, int together, int first, int last, DotInputs x, int row) {
        Weight w = l.weight();
        int grouped = Math.min(last, l.groupedRows());
        if (first < grouped) {
            groupDots(y, yAt, l, expert, first, grouped, x.groupRow(w.format(), row));
            yAt += grouped - first;
            first = grouped;
        }
        int part = together == 1 ? 0 : (last - first) / together;
        if (part > 0) {
            long rowBytes = l.rowBytes();
            Codec codec = w.format().codec;
            MemorySegment data = l.experts().get(expert);
            float[] laid = x.row(w.format(), row);
            for (int o = 0; o < part; o++)
                codec.dots(y, yAt + o, part, data, (first + o) * rowBytes, part * rowBytes, laid, w.cols());
        }
        for (int o = first + together * part; o < last; o++) y[yAt + o - first] = dot(l, expert, o, x.plain(), row * w.cols());
    }

    /** Whole groups where they go, those at the ends by way of a buffer if not all of their rows are wanted. */
    private void groupDots(float[] y, int yAt, LaidWeight l, int expert, int first, int last, float[] x) {
        int cols = l.weight().cols();
        MemorySegment data = l.experts().get(expert);
        long groupBytes = RowGroups.ROWS * l.rowBytes();
        for (int o = first; o < last; ) {
            int g = o / RowGroups.ROWS, from = o % RowGroups.ROWS;
            int whole = from == 0 ? last / RowGroups.ROWS - g : 0;
            int n;
            if (whole > 0) {
                n = whole * RowGroups.ROWS;
                l.groups().multiply(y, yAt + o - first, data, g * groupBytes, whole, groupBytes, x, cols, factors);
            } else {
                n = Math.min(RowGroups.ROWS - from, last - o);
                l.groups().multiply(group, 0, data, g * groupBytes, 1, groupBytes, x, cols, factors);
                System.arraycopy(group, from, y, yAt + o - first, n);
            }
            o += n;
        }
    }

    /** Row {@code o} of an expert's matrix times {@code x[xAt ..]}. */
    static float dot(LaidWeight l, int expert, int o, float[] x, int xAt) {
        Weight w = l.weight();
        Codec codec = w.format().codec;
        MemorySegment data = l.experts().get(expert);
        int cols = w.cols();
        long rowAt = o * w.format().rowBytes(cols);
        if (w.scales().isEmpty()) return codec.dot(data, rowAt, x, xAt, cols);
        float[] grid = w.scales().get(expert);
        int gridAt = o / BLOCK * ((cols + BLOCK - 1) / BLOCK);
        float sum = 0;
        for (int c = 0; c < cols; c += BLOCK) {
            int n = Math.min(BLOCK, cols - c);
            sum += grid[gridAt + c / BLOCK] * codec.dot(data, rowAt + w.format().rowBytes(c), x, xAt + c, n);
        }
        return sum;
    }

    /** Outputs that {@link #multiply} is best asked for at a time; where a matrix lies in groups it starts with a multiple of them. */
    static int outputs(LaidWeight l) {
        return l.groups() == null ? OUTPUTS : GroupPanels.OUTPUTS;
    }

    /** {@code y[yAt + r * stride + o - first] = W[o] · x[r]} for the outputs first <= o < last. */
    void multiply(float[] y, int yAt, int stride, LaidWeight l, int expert, int first, int last, PackedRows x) {
        int most = outputs(l);
        for (int o = first; o < last; o += most) {
            int end = Math.min(last, o + most);
            if (l.groups() == null) multiplyStored(y, yAt + o - first, stride, l, expert, o, end, x);
            else multiplyGroups(y, yAt + o - first, stride, l, expert, o, end, x);
        }
    }

    private void multiplyStored(float[] y, int yAt, int stride, LaidWeight l, int expert, int first, int last, PackedRows x) {
        int cols = l.weight().cols();
        clearSums(Panels.padded(x.rows) * OUTPUTS);
        for (int c = 0; c < cols; c += Panels.DEPTH) {
            int depth = Math.min(Panels.DEPTH, cols - c);
            decode(l, expert, first, last, c, depth);
            Panels.multiply(sums, OUTPUTS, x.panels, cols, c, weights, depth, x.rows, last - first);
        }
        Panels.unpack(y, yAt, stride, sums, OUTPUTS, x.rows, last - first);
    }

    private void multiplyGroups(float[] y, int yAt, int stride, LaidWeight l, int expert, int first, int last, PackedRows x) {
        int cols = l.weight().cols();
        clearSums(GroupPanels.padded(x.rows) * GroupPanels.OUTPUTS);
        for (int c = 0; c < cols; c += GroupPanels.DEPTH) {
            int depth = Math.min(GroupPanels.DEPTH, cols - c);
            decodeGroups(l, expert, first, last, c, depth);
            GroupPanels.multiply(sums, x.lines, cols, c, weights, depth, x.rows, last - first);
        }
        GroupPanels.unpack(y, yAt, stride, sums, x.rows, last - first);
    }

    private void clearSums(int size) {
        if (sums.length < size) sums = new float[size];
        Arrays.fill(sums, 0, size, 0);
    }

    /** Fills {@link #weights} with W[first .. last, c .. c + depth]. */
    private void decode(LaidWeight l, int expert, int first, int last, int c, int depth) {
        Weight w = l.weight();
        Codec codec = w.format().codec;
        MemorySegment data = l.experts().get(expert);
        long rowBytes = w.format().rowBytes(w.cols());
        long start = w.format().rowBytes(c);
        for (int o = first; o < last; o++) {
            int at = (o - first) * Panels.STRIDE;
            codec.decode(data, o * rowBytes + start, weights, at, depth);
            if (!w.scales().isEmpty()) scale(w, expert, o, c, at, depth);
        }
    }

    /** The same of a matrix in groups; rows that fill none are put side by side here. */
    private void decodeGroups(LaidWeight l, int expert, int first, int last, int c, int depth) {
        Codec codec = l.weight().format().codec;
        MemorySegment data = l.experts().get(expert);
        long rowBytes = l.rowBytes();
        long start = l.weight().format().rowBytes(c);
        int grouped = Math.min(last, l.groupedRows());
        for (int o = first; o < grouped; o += RowGroups.ROWS)
            l.groups().decode(data, o * rowBytes, c / codec.blockSize(), weights, GroupPanels.at(o - first), GroupPanels.WIDTH, depth, factors);
        for (int o = Math.max(first, grouped); o < last; o++) {
            codec.decode(data, o * rowBytes + start, line, 0, depth);
            int at = GroupPanels.at(o - first);
            for (int i = 0; i < depth; i++) weights[at + i * GroupPanels.WIDTH] = line[i];
        }
    }

    private void scale(Weight w, int expert, int o, int c, int at, int depth) {
        float[] grid = w.scales().get(expert);
        int gridAt = o / BLOCK * ((w.cols() + BLOCK - 1) / BLOCK) + c / BLOCK;
        for (int k = 0; k < depth; k++) weights[at + k] *= grid[gridAt + k / BLOCK];
    }
}
