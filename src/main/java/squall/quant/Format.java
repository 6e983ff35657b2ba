package squall.quant;

/** Number formats, named as in the files. A format is one codec file and one line here. */
public enum Format {
    F32(0, new F32()),
    F16(1, new F16()),
    BF16(30, new BF16()),
    /** Of safetensors only; the scale grid that goes with it is applied by the reader of the tensor. */
    F8_E4M3(-1, new F8_E4M3()),
    /** Of safetensors only, and there of scale grids. */
    F8_E8M0(-1, new F8_E8M0()),
    Q8_0(8, new Q8_0()),
    Q4_0(2, new Q4_0()),
    Q4_1(3, new Q4_1()),
    Q5_0(6, new Q5_0()),
    Q5_1(7, new Q5_1()),
    Q2_K(10, new Q2_K()),
    Q3_K(11, new Q3_K()),
    Q4_K(12, new Q4_K()),
    Q5_K(13, new Q5_K()),
    Q6_K(14, new Q6_K()),
    IQ4_NL(20, new IQ4_NL()),
    IQ4_XS(23, new IQ4_XS()),
    MXFP4(39, new MXFP4());

    /** The type number in a GGUF file; -1 for formats of safetensors only. */
    public final int ggmlType;
    public final Codec codec;

    Format(int ggmlType, Codec codec) {
        this.ggmlType = ggmlType;
        this.codec = codec;
    }

    /** The format of a GGUF type number, or null if there is no codec for it. */
    public static Format ofGgmlType(int ggmlType) {
        if (ggmlType >= 0) for (Format f : values()) if (f.ggmlType == ggmlType) return f;
        return null;
    }

    /** The name of a GGUF type number, whether it has a codec or not: {@code "Q4_K"}, {@code "IQ2_XXS"}, {@code "type 77"}. */
    public static String nameOfGgmlType(int ggmlType) {
        Format read = ofGgmlType(ggmlType);
        if (read != null) return read.name();
        UnreadFormat unread = UnreadFormat.ofGgmlType(ggmlType);
        return unread != null ? unread.name() : "type " + ggmlType;
    }

    /** Bytes of a row of {@code n} values; n must be whole blocks. */
    public long rowBytes(long n) {
        if (n % codec.blockSize() != 0)
            throw new IllegalArgumentException(n + " values are not whole " + name() + " blocks of " + codec.blockSize());
        return n / codec.blockSize() * codec.blockBytes();
    }
}
