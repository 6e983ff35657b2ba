package squall.model;

import java.util.List;
import squall.layer.Block;
import squall.layer.Embedding;
import squall.layer.LmHead;

/** A model as a list of layers: what a player plays, in order, for every step. */
public record Model(ModelConfig config, Embedding embedding, List<Layer> layers, LmHead head) {

    /** {@code x += mixer(x); x += feedForward(x)}. */
    public record Layer(Block mixer, Block feedForward) {}
}
