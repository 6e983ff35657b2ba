package squall.cpu;

import squall.ops.Buf;

/** A float32 activation [rows, width] in a heap array, row after row. The array may be longer than it needs to be. */
final class Activation implements Buf {
    float[] data;
    int rows;
    final int width;

    Activation(int width) {
        this.width = width;
        this.data = new float[0];
    }

    @Override public int width() {
        return width;
    }

    int elements() {
        return rows * width;
    }

    static Activation of(Buf buf) {
        return (Activation) buf;
    }
}
