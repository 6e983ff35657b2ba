package squall.model;

import java.util.Arrays;
import squall.format.Metadata;
import squall.format.TensorIndex;
import squall.ops.DeltaShape;
import squall.ops.Rope;

/**
 * What one dialect's keys say, filled in by {@link GgufConfig} or {@link HfConfig}; {@link ConfigReader} checks it against
 * the tensors and makes the configuration of it.
 */
final class Draft {
    final Architecture architecture;
    String name;
    int dim;
    int vocab;
    int contextLength;
    double eps;
    /** One entry a trunk layer. */
    ModelConfig.Mixer[] mixers;
    ModelConfig.FeedForward[] feedForwards;
    int heads;
    int kvHeads;
    int headDim;
    boolean gated;
    int rotaryDim;
    Rope rope;
    /** Null without DeltaNet layers. */
    DeltaShape delta;
    int taps;
    int ffn;
    /** Null without MoE layers. */
    ModelConfig.Moe moe;

    Draft(Architecture architecture) {
        this.architecture = architecture;
    }

    boolean anyLayer(ModelConfig.Mixer kind) {
        for (ModelConfig.Mixer m : mixers) if (m == kind) return true;
        return false;
    }

    boolean anyLayer(ModelConfig.FeedForward kind) {
        for (ModelConfig.FeedForward f : feedForwards) if (f == kind) return true;
        return false;
    }

    /** The head size that the query norm of the first attention layer shows, for files whose keys do not say it. */
    int shownHeadDim(TensorIndex tensors, Metadata keys, String key) {
        int layer = Math.max(0, Arrays.asList(mixers).indexOf(ModelConfig.Mixer.ATTENTION));
        long n = tensors.get("blk." + layer + ".attn_q_norm.weight", keys.file()).elements();
        if (n > Limits.HEAD_DIM) throw keys.wrong(key, "at most " + Limits.HEAD_DIM, n);
        return (int) n;
    }
}
