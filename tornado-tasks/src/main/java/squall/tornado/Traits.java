package squall.tornado;

/**
 * What of a device decides which kernels are recorded for it.
 *
 * @param shape kernel shape for products: see {@link Shape}
 * @param group work-items of a group in kernels that share a row
 * @param fp16  whether HalfFloatArray works
 */
public record Traits(Shape shape, int group, boolean fp16) {

    public enum Shape {
        /** One work-item a matrix row, vectors of eight floats: CPU devices. */
        ROWS,
        /** A work-group a matrix row and a tree in local memory: any GPU. */
        GROUPS,
        /** A warp a matrix row and shuffles: CUDA. */
        WARPS
    }
}
