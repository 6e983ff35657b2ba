package squall.tornado;

/**
 * What decides how cuBLAS multiplies: {@code y [rows, outs] = x [rows, cols] w [outs, cols]ᵀ}.
 *
 * @param type   of w's and x's numbers, as cuBLAS numbers them; y's are floats
 * @param stride from one row of y to the next
 * @param add    whether y is added to
 */
record ProductShape(int type, int outs, int rows, int cols, int stride, boolean add) {
    long matrixBytes() {
        return (long) Short.BYTES * outs * cols;
    }

    long operandBytes() {
        return (long) Short.BYTES * rows * cols;
    }

    long resultBytes() {
        return (long) Float.BYTES * rows * stride;
    }
}
