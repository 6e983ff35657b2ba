package squall.tornado.kernels;

/** Fragments of tensor cores, of which there are no arrays: what a loop over some of them takes by its counter. */
final class Fragments {
    private Fragments() {}

    /** Number c of two; c is the counter of a loop that is unrolled. */
    static float[] number(int c, float[] f0, float[] f1) {
        return c == 0 ? f0 : f1;
    }

    /** Number c of four; c is the counter of a loop that is unrolled. */
    static float[] number(int c, float[] f0, float[] f1, float[] f2, float[] f3) {
        return c == 0 ? f0 : c == 1 ? f1 : c == 2 ? f2 : f3;
    }
}
