package squall.ops;

/**
 * Heads of a full-attention layer; query head h reads key-value head {@code h / (heads / kvHeads)}.
 *
 * @param gated whether q_proj carries an output gate after each head's query
 */
public record AttentionShape(int heads, int kvHeads, int headDim, boolean gated, Rope rope) {}
