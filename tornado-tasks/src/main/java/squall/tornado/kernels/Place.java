package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Region;

/**
 * Where rows lie, in one argument of a task instead of two: number r starts at element {@code at + r * stride}. As a
 * constant of the compiled task it costs nothing to take apart.
 */
final class Place {
    private Place() {}

    /** Rows of a region. */
    static long of(Region rows) {
        return of(rows.at(), rows.stride());
    }

    /** Layers of a bank. */
    static long of(Bank layers) {
        return of(layers.at(), layers.layerStride());
    }

    /** Rows from element {@code at} on, each {@code stride}. */
    static long of(int at, int stride) {
        return (long) stride << 32 | at;
    }

    /** Where number r starts. */
    static int start(long place, int r) {
        return (int) place + r * (int) (place >> 32);
    }
}
