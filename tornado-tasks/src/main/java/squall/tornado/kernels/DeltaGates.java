package squall.tornado.kernels;

import squall.ops.*;
import squall.tornado.*;
import uk.ac.manchester.tornado.api.types.arrays.*;

/** Gates and key norms of Gated DeltaNet. */
public final class DeltaGates {
    private DeltaGates() {}

    /** b = sigmoid(b), a = decay * softplus(a + dt) */
    public static void record(Tape tape, Region b, Region a, Small decay, Small dt) {
        throw missing();
    }

    /** q and k heads to unit length, q also by 1 / sqrt(dk) */
    public static void normalise(Tape tape, Region qkv, DeltaShape shape) {
        throw missing();
    }
    private static UnsupportedOperationException missing() {
        return new UnsupportedOperationException("no kernel yet");
    }
}
