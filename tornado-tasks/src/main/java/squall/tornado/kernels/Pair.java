package squall.tornado.kernels;

/**
 * Two ints in one argument of a task, of which there may be twenty and all of a graph take room. As a constant of the compiled
 * task it costs nothing to take apart.
 */
final class Pair {
    private Pair() {}

    static long of(int first, int second) {
        return (long) first << 32 | second;
    }

    static int first(long pair) {
        return (int) (pair >> 32);
    }

    static int second(long pair) {
        return (int) pair;
    }
}
