package squall.tornado;

/**
 * What of a device decides which kernels are recorded for it.
 *
 * @param shape   kernel shape for products: see {@link Shape}
 * @param group   work-items of a group in kernels that share a row
 * @param fp16    whether HalfFloatArray works
 * @param precise whether operands stay in float32; else products may round them to 16 bits, or to 8 for weights that are quantised
 * @param library whether cuBLAS can be called
 */
public record Traits(Shape shape, int group, boolean fp16, boolean precise, boolean library) {

    /** Precise ones. */
    public Traits(Shape shape, int group, boolean fp16) {
        this(shape, group, fp16, true, false);
    }

    Traits withPrecise(boolean wanted) {
        return new Traits(shape, group, fp16, wanted, library);
    }

    public enum Shape {
        /** One work-item a matrix row, vectors of eight floats: CPU devices. */
        ROWS,
        /** A work-group a matrix row and a tree in local memory: any GPU. */
        GROUPS,
        /** A warp a matrix row and shuffles: CUDA. */
        WARPS
    }
}
