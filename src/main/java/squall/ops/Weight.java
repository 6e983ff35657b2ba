package squall.ops;

import java.lang.foreign.MemorySegment;
import java.util.List;
import squall.quant.Format;

/**
 * A weight matrix as it is stored, shape [rows, cols] (out, in), or one such matrix per expert. Layers read its shape
 * only; players read its bytes.
 *
 * @param name    GGUF name of the tensor, for messages and device placement
 * @param format  storage format; a row is whole blocks and rows follow each other without gaps
 * @param rows    output features
 * @param cols    input features
 * @param experts one segment for each expert, {@code rows * format.rowBytes(cols)} bytes; a plain matrix has one
 * @param scales  for block-scaled FP8, one grid for each expert, else empty: the stored value at (r, c) is multiplied by
 *                {@code grid[(r / 128) * ceil(cols / 128) + c / 128]}
 */
public record Weight(String name, Format format, int rows, int cols, List<MemorySegment> experts, List<float[]> scales) {

    /** Side of a block of the scale grid, in elements. */
    public static final int SCALE_BLOCK = 128;

    public Weight {
        experts = List.copyOf(experts);
        scales = List.copyOf(scales);
        long bytes = Math.multiplyExact((long) rows, format.rowBytes(cols));
        for (MemorySegment e : experts)
            if (e.byteSize() != bytes)
                throw new IllegalArgumentException(name + ": " + bytes + " bytes expected for [" + rows + ", " + cols
                        + "] " + format + ", found " + e.byteSize());
        int grid = ceil(rows) * ceil(cols);
        if (!scales.isEmpty() && scales.size() != experts.size())
            throw new IllegalArgumentException(name + ": a scale grid for each expert, or none");
        for (float[] s : scales)
            if (s.length != grid)
                throw new IllegalArgumentException(name + ": " + grid + " block scales expected, found " + s.length);
    }

    /** A plain matrix. */
    public Weight(String name, Format format, int rows, int cols, MemorySegment data) {
        this(name, format, rows, cols, List.of(data), List.of());
    }

    /** The bytes of a plain matrix. */
    public MemorySegment data() {
        return experts.getFirst();
    }

    public long byteSize() {
        return experts.size() * rows * format.rowBytes(cols);
    }

    private static int ceil(int n) {
        return (n + SCALE_BLOCK - 1) / SCALE_BLOCK;
    }
}
