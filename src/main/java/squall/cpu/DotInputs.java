package squall.cpu;

import java.util.Arrays;
import squall.ops.Weight;
import squall.quant.Codec;
import squall.quant.Format;

/**
 * Rows of activations laid out for the dot products of each format that a call meets: once for all outputs. Written by
 * the thread that runs the step, read by the workers.
 */
final class DotInputs {
    private final float[][][] laid = new float[Format.values().length][0][];
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
    void lay(Weight w, int row) {
        if (!w.scales().isEmpty()) return;
        int f = w.format().ordinal();
        if (laid[f].length <= row) {
            laid[f] = Arrays.copyOf(laid[f], Math.max(row + 1, 2 * laid[f].length));
            laidIn[f] = Arrays.copyOf(laidIn[f], laid[f].length);
        }
        if (laidIn[f][row] == call) return;
        Codec codec = w.format().codec;
        int size = codec.preparedSize(cols);
        if (laid[f][row] == null || laid[f][row].length < size) laid[f][row] = new float[size];
        codec.prepare(laid[f][row], x, row * cols, cols);
        laidIn[f][row] = call;
    }

    /** A row as it was laid out. */
    float[] row(Format format, int row) {
        return laid[format.ordinal()][row];
    }

    /** The activations as they came. */
    float[] plain() {
        return x;
    }
}
