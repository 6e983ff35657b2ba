package squall.tornado.kernels;

import squall.ops.*;
import squall.tornado.*;
import uk.ac.manchester.tornado.api.types.arrays.*;

/** The gated delta rule. */
public final class DeltaRule {
    private DeltaRule() {}

    /** recurrent form, one segment a group */
    public static void record(Tape tape, Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape) {
        throw missing();
    }
    private static UnsupportedOperationException missing() {
        return new UnsupportedOperationException("no kernel yet");
    }
}
