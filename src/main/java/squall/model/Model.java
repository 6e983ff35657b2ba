package squall.model;

import java.util.List;
import squall.layer.Block;
import squall.layer.Embedding;
import squall.layer.LmHead;

/**
 * A model as a list of layers: what a player plays, in order, for every step. In a part of a model the embedding and the head
 * may be null, and blocks {@link Block#ELSEWHERE}.
 */
public record Model(ModelConfig config, Embedding embedding, List<Layer> layers, LmHead head) {

    /** {@code x += mixer(x); x += feedForward(x)}. */
    public record Layer(Block mixer, Block feedForward) {}

    /** Every block of the layers, mixers and feed-forward parts in turn. */
    public Block block(int i) {
        Layer layer = layers.get(i / 2);
        return i % 2 == 0 ? layer.mixer : layer.feedForward;
    }
}
