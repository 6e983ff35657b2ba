package squall.tornado.kernels;

import squall.ops.*;
import squall.tornado.*;
import uk.ac.manchester.tornado.api.types.arrays.*;

/** Paged attention. */
public final class Attention {
    private Attention() {}

    /** writes k and v of each row at its position */
    public static void append(Tape tape, Region k, Region v, Pages pages) {
        throw missing();
    }

    /** y[h] = softmax(q[h] K / sqrt(headDim)) V, causal; partial: see partialWidth */
    public static void record(Tape tape, Region y, Region q, Pages pages, int heads, Region partial) {
        throw missing();
    }
    private static UnsupportedOperationException missing() {
        return new UnsupportedOperationException("no kernel yet");
    }
}
