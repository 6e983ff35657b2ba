package squall.tornado.kernels;

import squall.ops.*;
import squall.tornado.*;
import uk.ac.manchester.tornado.api.types.arrays.*;

/** Per head: norm, then rotary embedding. */
public final class HeadNormRope {
    private HeadNormRope() {}

    /** angles: [positions, 2 * frequencies], cosines then sines of a position, scale included */
    public static void record(Tape tape, Region y, Region x, HeadShape shape, Small weight, float eps, FloatArray angles, int frequencies) {
        throw missing();
    }
    private static UnsupportedOperationException missing() {
        return new UnsupportedOperationException("no kernel yet");
    }
}
