package squall.tornado;

import java.util.EnumSet;
import java.util.Set;

/**
 * What of a device decides which kernels are recorded for it.
 *
 * @param shape   kernel shape for products: see {@link Shape}
 * @param group   work-items of a group in kernels that share a row
 * @param fp16    whether HalfFloatArray works
 * @param precise whether operands stay in float32; else products may round them to 16 bits, or to 8 for weights that are quantised
 * @param library whether cuBLAS can be called
 * @param brains  whether all products of a model with several rows are cuBLAS's, with matrices of BF16 in their banks
 * @param choices what can be one way or the other
 */
public record Traits(Shape shape, int group, boolean fp16, boolean precise, boolean library, boolean brains, Choices choices) {

    /**
     * What every device can do in more than one way; its profile says in which.
     *
     * @param split work-items (of a CPU device) or groups that attention over a few rows is split into; 0: what suits the shape
     * @param delta how the delta rule goes over the rows of a prompt
     * @param fused operations that are one task, where their parts could be tasks of their own
     */
    public record Choices(int split, Delta delta, Set<Fusion> fused) {
        static final Choices USUAL = new Choices(0, Delta.USUAL, EnumSet.allOf(Fusion.class));

        public Choices {
            fused = Set.copyOf(fused);
        }
    }

    public enum Shape {
        /** One work-item a matrix row, vectors of eight floats: CPU devices. */
        ROWS,
        /** A work-group a matrix row and a tree in local memory: any GPU. */
        GROUPS,
        /** A warp a matrix row and shuffles: CUDA. */
        WARPS
    }

    public enum Delta {
        /** What suits the device. */
        USUAL,
        /** Row after row. */
        ROWS,
        /** Chunks of rows at a time, exact; for keys that they have room for. */
        CHUNKS
    }

    /** Named after what they fuse. */
    public enum Fusion {
        /** The norm of a row with the products that read it, where they can. */
        NORM,
        /** Gate and up with the activation between them. */
        SWIGLU,
        /** A product with the addition to the residual stream. */
        RESIDUAL,
        /** Norm and rotation of queries and keys, and the append. */
        ROPE_APPEND,
        /** Attention's merge with its output gate. */
        ATTENTION_GATE,
        /** What a DeltaNet layer has between its projections, as far as the device has one task for it. */
        DELTA_NET
    }

    /** For any model. */
    public Traits(Shape shape, int group, boolean fp16, boolean precise, boolean library, Choices choices) {
        this(shape, group, fp16, precise, library, false, choices);
    }

    /** With the usual choices. */
    public Traits(Shape shape, int group, boolean fp16, boolean precise, boolean library) {
        this(shape, group, fp16, precise, library, Choices.USUAL);
    }

    /** Precise ones without a library. */
    public Traits(Shape shape, int group, boolean fp16) {
        this(shape, group, fp16, true, false);
    }

    Traits withPrecise(boolean wanted) {
        return new Traits(shape, group, fp16, wanted, library, brains, choices);
    }

    /** Whether products of several rows are cuBLAS's, or those of them that no kernel here is faster for. */
    public boolean multipliesInLibrary() {
        return library && !precise && shape == Shape.WARPS;
    }

    /** For a model whose matrices are all in BF16, where they can be multiplied as they are. */
    Traits withBrains() {
        return new Traits(shape, group, fp16, precise, library, multipliesInLibrary(), choices);
    }

    public boolean fuses(Fusion fusion) {
        return choices.fused.contains(fusion);
    }
}
