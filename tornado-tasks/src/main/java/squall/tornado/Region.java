package squall.tornado;

import squall.ops.Buf;

/**
 * A buffer on the device: a part of the arena. Row r is the {@code width} floats from {@code at + r * stride}. Where it
 * lies is settled when it is first written, so that products of one input can be neighbours in one row.
 */
public final class Region implements Buf {
    private final int width;
    private int at = -1;
    private int stride;

    Region(int width) {
        this.width = width;
    }

    Region(int width, int at, int stride) {
        this.width = width;
        place(at, stride);
    }

    void place(int at, int stride) {
        this.at = at;
        this.stride = stride;
    }

    boolean placed() {
        return at >= 0;
    }

    @Override public int width() {
        return width;
    }

    /** Element of the arena where row 0 starts. */
    public int at() {
        if (at < 0) throw new IllegalStateException("a buffer of width " + width + " is read before anything was written to it");
        return at;
    }

    /** Elements from one row to the next. */
    public int stride() {
        at();
        return stride;
    }

    static Region of(Buf b) {
        return (Region) b;
    }
}
