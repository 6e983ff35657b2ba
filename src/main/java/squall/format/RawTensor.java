package squall.format;

import java.lang.foreign.MemorySegment;
import squall.quant.Format;

/**
 * A tensor as it lies in a file.
 *
 * @param name   its name in the file
 * @param format how its numbers are stored
 * @param shape  outermost dimension first (row-major, as in torch; GGUF's ne reversed)
 * @param data   exactly the tensor's bytes, little-endian, no alignment promised
 * @param file   the file it came from, for messages
 */
public record RawTensor(String name, Format format, long[] shape, MemorySegment data, String file) {

    /** Product of the dimensions; 1 for a scalar. */
    public long elements() {
        long n = 1;
        for (long d : shape) n = Math.multiplyExact(n, d);
        return n;
    }
}
