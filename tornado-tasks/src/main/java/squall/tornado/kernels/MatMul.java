package squall.tornado.kernels;

import squall.ops.*;
import squall.tornado.*;
import uk.ac.manchester.tornado.api.types.arrays.*;

/** y[r] = W x[r]. */
public final class MatMul {
    private MatMul() {}

    /** y = W x; y: [rows, w.rows], x: [rows, w.cols] */
    public static void record(Tape tape, Region y, Region x, Bank w) {
        throw missing();
    }

    /** y += W x */
    public static void recordAdd(Tape tape, Region y, Region x, Bank w) {
        throw missing();
    }

    /** h = silu(G x) * (U x); gateUp is G stacked on U, h: [rows, gateUp.rows / 2] */
    public static void recordSwiGlu(Tape tape, Region h, Region x, Bank gateUp) {
        throw missing();
    }
    private static UnsupportedOperationException missing() {
        return new UnsupportedOperationException("no kernel yet");
    }
}
