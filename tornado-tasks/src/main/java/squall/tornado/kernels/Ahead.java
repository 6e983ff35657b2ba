package squall.tornado.kernels;

/**
 * A place in an array from which elements at constant distances are read or written. TornadoVM adds what makes an index as ints and widens
 * the sum for each access, so that the compiler for the device has three instructions of each; from a long that surely stays an int, which the
 * mask says, the distance becomes part of the address.
 */
final class Ahead {
    /** Distances are below this, and so are those of the last place from 2^31: in bytes, what an instruction can add to an address. */
    static final int SPAN = 1 << 20;
    private static final long MASK = Integer.MAX_VALUE;

    private Ahead() {}

    /** Element {@code at} as a place to count from. */
    static long of(int at) {
        return (long) at + SPAN & MASK;
    }

    /** The index of the element {@code distance} after that one. */
    static int index(long place, int distance) {
        return (int) (place + (distance - SPAN));
    }
}
