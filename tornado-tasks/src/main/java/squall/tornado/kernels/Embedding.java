package squall.tornado.kernels;

import squall.ops.*;
import squall.tornado.*;
import uk.ac.manchester.tornado.api.types.arrays.*;

/** x[r] = table[token[r]]. */
public final class Embedding {
    private Embedding() {}

    /** x: [rows, cols] */
    public static void record(Tape tape, Region x, Bank table) {
        throw missing();
    }
    private static UnsupportedOperationException missing() {
        return new UnsupportedOperationException("no kernel yet");
    }
}
