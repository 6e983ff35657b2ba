package squall.cpu;

import java.util.Arrays;
import squall.quant.Codec;
import squall.quant.Format;
import squall.quant.RowGroups;

/**
 * Rows of activations laid out for the dot products of each format that a call meets: once for all outputs. Written by
 * the thread that runs the step, read by the workers.
 */
final class DotInputs {
    private static final int FORMATS = Format.values().length;

    /** By format, those for groups of rows behind the others. */
    private final float[][][] laid = new float[2 * FORMATS][0][];
    /** The call that a row was laid out in. */
    private final int[][] laidIn = new int[laid.length][0];
    private int call;
    private float[] x;
    private int cols;

    /** Starts with other activations, x: [.., cols]. */
    void begin(float[] x, int cols) {
        this.x = x;
        this.cols = cols;
        call++;
    }

    /** Makes a row ready for a matrix; block-scaled ones take it as it lies. */
    void lay(LaidWeight w, int row) {
        if (!w.weight().scales().isEmpty()) return;
        Codec codec = w.weight().format().codec;
        RowGroups groups = w.groups();
        if (groups == null || w.groupedRows() < w.weight().rows()) {
            int f = w.weight().format().ordinal();
            if (isNew(f, row, codec.preparedSize(cols))) codec.prepare(laid[f][row], x, row * cols, cols);
        }
        if (groups != null) {
            int f = FORMATS + w.weight().format().ordinal();
            if (isNew(f, row, groups.preparedSize(cols))) groups.prepare(laid[f][row], x, row * cols, cols);
        }
    }

    /** Whether a row is still to be laid out in this call; makes room for it. */
    private boolean isNew(int f, int row, int size) {
        if (laid[f].length <= row) {
            laid[f] = Arrays.copyOf(laid[f], Math.max(row + 1, 2 * laid[f].length));
            laidIn[f] = Arrays.copyOf(laidIn[f], laid[f].length);
        }
        if (laidIn[f][row] == call) return false;
        if (laid[f][row] == null || laid[f][row].length < size) laid[f][row] = new float[size];
        laidIn[f][row] = call;
        return true;
    }

    /** A row as it was laid out for rows as they are stored. */
    float[] row(Format format, int row) {
        return laid[format.ordinal()][row];
    }

    /** A row as it was laid out for groups of rows. */
    float[] groupRow(Format format, int row) {
        return laid[FORMATS + format.ordinal()][row];
    }

    /** The activations as they came. */
    float[] plain() {
        return x;
    }
}
