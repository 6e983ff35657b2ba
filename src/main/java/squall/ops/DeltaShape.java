package squall.ops;

/**
 * Heads of a Gated DeltaNet layer. A row of the convolved input is {@code [q: keyHeads*dk | k: keyHeads*dk | v: valueHeads*dv]}.
 *
 * @param order which key head feeds value head h
 */
public record DeltaShape(int keyHeads, int valueHeads, int dk, int dv, HeadOrder order) {

    public enum HeadOrder {
        /** {@code h / (valueHeads / keyHeads)}: safetensors, and GGUF files of qwen3next. */
        GROUPED,
        /** {@code h % keyHeads}: GGUF files of qwen35 and qwen35moe. */
        TILED
    }

    public int keyHead(int valueHead) {
        return order == HeadOrder.TILED ? valueHead % keyHeads : valueHead / (valueHeads / keyHeads);
    }

    /** Channels of the convolution. */
    public int channels() {
        return 2 * keyHeads * dk + valueHeads * dv;
    }
}
