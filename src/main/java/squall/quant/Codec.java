package squall.quant;

import java.lang.foreign.MemorySegment;

/**
 * How the numbers of one storage format are read. A format is a sequence of blocks of {@link #blockSize()} values in
 * {@link #blockBytes()} bytes; offsets are byte offsets of a block and need no alignment.
 *
 * <p>{@link #at} is the definition, plain and slow. The other two are the fast paths, tested against it:
 * {@link #decode} bit for bit, {@link #dot} to the rounding of a sum. Implementations are stateless and thread-safe.
 */
public interface Codec {

    int blockSize();

    int blockBytes();

    /** Value {@code i} (0 <= i < blockSize) of the block at {@code offsetBytes}. */
    float at(MemorySegment w, long offsetBytes, int i);

    /** {@code dst[dstAt + i] = value i}, i < n, starting with the block at {@code offsetBytes}; n is whole blocks. */
    default void decode(MemorySegment w, long offsetBytes, float[] dst, int dstAt, int n) {
        for (int i = 0; i < n; i++) {
            long block = offsetBytes + (long) (i / blockSize()) * blockBytes();
            dst[dstAt + i] = at(w, block, i % blockSize());
        }
    }

    /**
     * {@code sum over i < n of value i * x[xAt + i]}, starting with the block at {@code offsetBytes}; n is whole blocks.
     * Summation order is free: equal to a double sum within 4e-7 * sqrt(n) of the sum of absolute products. NaN if a value
     * is NaN; with infinite values it is infinite, NaN or, where the format scales after summing, finite.
     */
    default float dot(MemorySegment w, long offsetBytes, float[] x, int xAt, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            long block = offsetBytes + (long) (i / blockSize()) * blockBytes();
            sum += (double) at(w, block, i % blockSize()) * x[xAt + i];
        }
        return (float) sum;
    }

    /** Floats that {@link #prepare} writes for {@code n} values. */
    default int preparedSize(int n) {
        return n;
    }

    /**
     * Lays out {@code x[xAt ..]}, n values, as {@link #dots} reads them, from {@code dst[0]}: what every row would
     * compute again (sums of a block for its offset, factors of a nibble's place) is computed once.
     */
    default void prepare(float[] dst, float[] x, int xAt, int n) {
        System.arraycopy(x, xAt, dst, 0, n);
    }

    /** Rows that {@link #dots} takes. */
    default int together() {
        return 2;
    }

    /** Whether {@link #dots} is for numbers that are finite, all of them: what it does with others is not defined. */
    default boolean takesFiniteOnly() {
        return false;
    }

    /** Whether n values are finite, starting with the block at {@code offsetBytes}; n is whole blocks. */
    default boolean isFinite(MemorySegment w, long offsetBytes, int n) {
        for (int i = 0; i < n; i++)
            if (!Float.isFinite(at(w, offsetBytes + (long) (i / blockSize()) * blockBytes(), i % blockSize()))) return false;
        return true;
    }

    /**
     * Some rows at once ({@link #together}), as {@link #dot} and with its tolerance: {@code y[yAt + r * yStep]} of the row
     * {@code r * stepBytes} after {@code offsetBytes}. They are as many streams for the memory, and kernels that take a vector of
     * each in turn wait for all their new pages together and share the loads of x.
     *
     * @param x n values as {@link #prepare} lays them
     */
    default void dots(float[] y, int yAt, int yStep, MemorySegment w, long offsetBytes, long stepBytes, float[] x, int n) {
        for (int r = 0; r < together(); r++) y[yAt + r * yStep] = dot(w, offsetBytes + r * stepBytes, x, 0, n);
    }

    /** How eight rows are laid out side by side, and multiplied; null where the format has no such layout. */
    default RowGroups rowGroups() {
        return null;
    }
}
