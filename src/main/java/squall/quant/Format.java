package squall.quant;

/** Number formats, named as in the files. A format is one codec file and one line here. */
public enum Format {
    F32(0, new F32());

    /** The type number in a GGUF file; -1 for formats of safetensors only. */
    public final int ggmlType;
    public final Codec codec;

    Format(int ggmlType, Codec codec) {
        this.ggmlType = ggmlType;
        this.codec = codec;
    }

    /** Bytes of a row of {@code n} values; n must be whole blocks. */
    public long rowBytes(long n) {
        if (n % codec.blockSize() != 0)
            throw new IllegalArgumentException(n + " values are not whole " + name() + " blocks of " + codec.blockSize());
        return n / codec.blockSize() * codec.blockBytes();
    }
}
