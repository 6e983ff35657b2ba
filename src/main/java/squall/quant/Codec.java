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
}
