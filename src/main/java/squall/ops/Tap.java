package squall.ops;

/** Listens to the residual stream, for checking. */
@FunctionalInterface
public interface Tap {
    /**
     * @param point 0: after the embedding; i: after layer i; the last one is after the final norm
     * @param x     [rows, width], valid during the call only
     */
    void at(int point, float[] x, int rows, int width);
}
