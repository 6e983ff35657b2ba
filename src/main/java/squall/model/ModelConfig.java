package squall.model;

import java.util.List;
import squall.ops.AttentionShape;
import squall.ops.DeltaShape;
import squall.ops.Routing;

/**
 * What a checkpoint says about its shape, in one form for every architecture and container. Models differ in these
 * fields only, never in classes.
 *
 * @param arch          {@code qwen3, qwen3moe, qwen3next, qwen35, qwen35moe}
 * @param name          the model's own name, or its file's
 * @param dim           width of the residual stream
 * @param vocab         rows of the embedding and of the head
 * @param contextLength positions the model was made for
 * @param eps           epsilon of every RMS norm
 * @param layers        one entry a trunk layer
 * @param attention     full attention, the same in every layer that has it
 * @param delta         Gated DeltaNet heads; null without such layers
 * @param convTaps      taps of the causal convolution; 0 without
 * @param ffn           width of the dense feed-forward part; 0 if no layer has one
 * @param moe           experts; null without
 * @param mtpLayers     multi-token-prediction layers present in the file (recognised, not run)
 */
public record ModelConfig(String arch, String name, int dim, int vocab, int contextLength, float eps, List<Layer> layers,
                          AttentionShape attention, DeltaShape delta, int convTaps, int ffn, Moe moe, int mtpLayers) {

    /** The model with some of its layers only. */
    public ModelConfig withLayers(List<Layer> some) {
        return new ModelConfig(arch, name, dim, vocab, contextLength, eps, some, attention, delta, convTaps, ffn, moe, mtpLayers);
    }

    public enum Mixer { ATTENTION, DELTA_NET }

    public enum FeedForward { DENSE, MOE }

    public record Layer(Mixer mixer, FeedForward feedForward) {}

    /**
     * @param experts      number of routed experts
     * @param used         experts a token goes to
     * @param hidden       width of an expert
     * @param sharedHidden width of the shared expert; 0 without
     */
    public record Moe(int experts, int used, int hidden, int sharedHidden, Routing.Weights weights) {}
}
