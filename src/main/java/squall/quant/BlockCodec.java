package squall.quant;

/** A codec of {@code blockSize} values in {@code blockBytes} bytes. */
abstract class BlockCodec implements Codec {
    private final int blockSize;
    private final int blockBytes;

    BlockCodec(int blockSize, int blockBytes) {
        this.blockSize = blockSize;
        this.blockBytes = blockBytes;
    }

    @Override public final int blockSize() {
        return blockSize;
    }

    @Override public final int blockBytes() {
        return blockBytes;
    }
}
