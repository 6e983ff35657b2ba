package squall.tornado.kernels;

import squall.ops.*;
import squall.tornado.*;
import uk.ac.manchester.tornado.api.types.arrays.*;

/** Top-k routing. */
public final class Router {
    private Router() {}

    /** softmax over experts, the used largest (ties: the lower index) */
    public static void record(Tape tape, Chosen chosen, Region logits, int experts, Routing.Weights kind) {
        throw missing();
    }
    private static UnsupportedOperationException missing() {
        return new UnsupportedOperationException("no kernel yet");
    }
}
