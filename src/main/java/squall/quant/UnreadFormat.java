package squall.quant;

/**
 * Tensor types that a GGUF file may contain and that have no codec: enough to name them in an error and to know how
 * many bytes they take. Block sizes as in ggml.
 */
public enum UnreadFormat {
    Q8_1(9, 32, 36), Q8_K(15, 256, 292),
    IQ2_XXS(16, 256, 66), IQ2_XS(17, 256, 74), IQ3_XXS(18, 256, 98), IQ1_S(19, 256, 50), IQ3_S(21, 256, 110),
    IQ2_S(22, 256, 82), IQ1_M(29, 256, 56),
    I8(24, 1, 1), I16(25, 1, 2), I32(26, 1, 4), I64(27, 1, 8), F64(28, 1, 8),
    TQ1_0(34, 256, 54), TQ2_0(35, 256, 66), NVFP4(40, 64, 36), Q1_0(41, 128, 18);

    /** The type number in a GGUF file. */
    public final int ggmlType;
    public final int blockSize;
    public final int blockBytes;

    UnreadFormat(int ggmlType, int blockSize, int blockBytes) {
        this.ggmlType = ggmlType;
        this.blockSize = blockSize;
        this.blockBytes = blockBytes;
    }

    /** The format of a GGUF type number, or null if it is not one of these. */
    public static UnreadFormat ofGgmlType(int ggmlType) {
        for (UnreadFormat f : values()) if (f.ggmlType == ggmlType) return f;
        return null;
    }
}
