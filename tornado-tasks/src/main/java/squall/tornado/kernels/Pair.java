package squall.tornado.kernels;

import uk.ac.manchester.tornado.api.types.HalfFloat;

/**
 * Two ints in one argument of a task, of which there may be twenty and all of a graph take room. As a constant of the compiled
 * task it costs nothing to take apart.
 */
final class Pair {
    private static final int SHIFT = 16;
    private static final int MASK = (1 << SHIFT) - 1;

    private Pair() {}

    static long of(int first, int second) {
        return (long) first << 32 | second & 0xFFFFFFFFL;
    }

    /** Two numbers below 65536 in one of the ints. */
    static int small(int first, int second) {
        if ((first | second) >> SHIFT != 0) throw new IllegalArgumentException(first + " and " + second + " do not fit into an int together");
        return first << SHIFT | second;
    }

    static int smallFirst(int both) {
        return both >> SHIFT & MASK;
    }

    static int smallSecond(int both) {
        return both & MASK;
    }

    static int first(long pair) {
        return (int) (pair >> 32);
    }

    static int second(long pair) {
        return (int) pair;
    }

    /**
     * Two halves, the first in the lower bits. Never two of these in a long: what the compiler for sm_90 (CUDA 13.0) made of that had lost
     * the upper or the lower ones, in some kernels.
     */
    static int halves(float low, float high) {
        return (new HalfFloat(low).getHalfFloatValue() & 0xFFFF) | (new HalfFloat(high).getHalfFloatValue() & 0xFFFF) << 16;
    }
}
