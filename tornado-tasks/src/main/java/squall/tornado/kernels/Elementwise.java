package squall.tornado.kernels;

import squall.ops.*;
import squall.tornado.*;
import uk.ac.manchester.tornado.api.types.arrays.*;

/** Operations on each element of rows. */
public final class Elementwise {
    private Elementwise() {}

    /** x += y */
    public static void add(Tape tape, Region x, Region y) {
        throw missing();
    }

    /** h = silu(h) * u */
    public static void siluMul(Tape tape, Region h, Region u) {
        throw missing();
    }

    /** y[head] *= sigmoid(g[head]); y packed, the gate read at shape */
    public static void sigmoidMul(Tape tape, Region y, Region g, HeadShape shape) {
        throw missing();
    }

    /** x += sigmoid(g) * y, g: [rows, 1] */
    public static void addGated(Tape tape, Region x, Region y, Region g) {
        throw missing();
    }

    /** y[i] = x[row i of the outputs]: frame().step holds a count and, from rowsAt on, row numbers */
    public static void gather(Tape tape, Region y, Region x) {
        throw missing();
    }
    private static UnsupportedOperationException missing() {
        return new UnsupportedOperationException("no kernel yet");
    }
}
