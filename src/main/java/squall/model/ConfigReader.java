package squall.model;

import java.util.ArrayList;
import java.util.List;
import squall.format.Metadata;
import squall.format.ModelFile;
import squall.format.ModelFileException;
import squall.format.RawTensor;
import squall.format.TensorIndex;
import squall.ops.AttentionShape;

/**
 * Reads the configuration of a checkpoint in either dialect. Nothing that matters is ever filled in from a class default:
 * what the keys do not say and the tensors do not show is an error, and what both say must agree.
 */
public final class ConfigReader {
    private final String file;
    private final Draft d;
    private final TensorIndex tensors;

    private ConfigReader(String file, Draft draft, TensorIndex tensors) {
        this.file = file;
        this.d = draft;
        this.tensors = tensors;
    }

    /**
     * @throws ModelFileException if the architecture is not supported, a key is missing or out of range, an option is set
     *     that these models do not have, or keys and tensors disagree
     */
    public static ModelConfig read(ModelFile file) {
        Metadata keys = file.keys();
        if (keys.values().isEmpty())
            throw new ModelFileException(keys.file() + ": there is no such file or it is empty. "
                    + "The configuration must lie beside the safetensors file.");
        boolean gguf = file.container().equals("GGUF");
        Architecture architecture = gguf ? Architecture.ofGguf(keys)
                : Architecture.ofModelType(HfConfig.typed(keys));
        TensorIndex tensors = TensorIndex.of(file);
        Draft draft = gguf ? new GgufConfig(keys, architecture, tensors).read()
                : new HfConfig(keys, architecture, tensors).read();
        if (draft.name == null) draft.name = String.valueOf(file.path().toAbsolutePath().normalize().getFileName());
        return new ConfigReader(keys.file(), draft, tensors).join();
    }

    private ModelConfig join() {
        checkSizes();
        checkLayers();
        checkTensors();
        List<ModelConfig.Layer> layers = new ArrayList<>();
        for (int i = 0; i < d.mixers.length; i++) layers.add(new ModelConfig.Layer(d.mixers[i], d.feedForwards[i]));
        AttentionShape attention = new AttentionShape(d.heads, d.kvHeads, d.headDim, d.gated, d.rope);
        return new ModelConfig(d.architecture.id, d.name, d.dim, d.vocab, d.contextLength, (float) d.eps,
                List.copyOf(layers), attention, d.delta, d.delta == null ? 0 : d.taps, d.ffn, d.moe, tensors.mtpLayers());
    }

    private void checkSizes() {
        require(d.heads % d.kvHeads == 0, "attention heads", "a multiple of the " + d.kvHeads + " key-value heads", d.heads);
        require((long) d.heads * d.headDim <= Limits.PROJECTION / 2, "attention heads times head size",
                "at most " + Limits.PROJECTION / 2, (long) d.heads * d.headDim);
        require(d.rotaryDim % 2 == 0 && d.rotaryDim >= 2 && d.rotaryDim <= d.headDim, "rotary dimensions",
                "an even number from 2 to the head size " + d.headDim, d.rotaryDim);
        require((float) d.eps > 0 && d.eps < 1, "epsilon of the RMS norms", "a number between 0 and 1", d.eps);
        if (d.delta != null) {
            require(d.delta.valueHeads() % d.delta.keyHeads() == 0, "DeltaNet value heads",
                    "a multiple of the " + d.delta.keyHeads() + " key heads", d.delta.valueHeads());
            long channels = 2L * d.delta.keyHeads() * d.delta.dk() + (long) d.delta.valueHeads() * d.delta.dv();
            require(channels <= Limits.PROJECTION, "DeltaNet channels", "at most " + Limits.PROJECTION, channels);
        }
        if (d.moe != null)
            require(d.moe.used() <= d.moe.experts(), "experts used per token", "at most the " + d.moe.experts() + " there are",
                    d.moe.used());
    }

    /** The kind of each layer, as the tensors show it. */
    private void checkLayers() {
        require(tensors.blocks() == d.mixers.length, "layers", d.mixers.length + " as configured",
                tensors.blocks() + " in the tensors");
        for (int i = 0; i < d.mixers.length; i++) {
            boolean attention = has(i, "attn_q.weight");
            boolean delta = has(i, "attn_qkv.weight") || has(i, "ssm_in.weight");
            require(attention != delta, "layer " + i, "either attention or DeltaNet tensors", attention ? "both" : "neither");
            ModelConfig.Mixer shown = attention ? ModelConfig.Mixer.ATTENTION : ModelConfig.Mixer.DELTA_NET;
            require(shown == d.mixers[i], "layer " + i, d.mixers[i] + " as configured", shown + " in the tensors");
            boolean sparse = has(i, "ffn_gate_inp.weight");
            boolean dense = has(i, "ffn_gate.weight");
            require(sparse != dense, "layer " + i, "either a dense MLP or experts with a router", sparse ? "both" : "neither");
            ModelConfig.FeedForward part = sparse ? ModelConfig.FeedForward.MOE : ModelConfig.FeedForward.DENSE;
            require(part == d.feedForwards[i], "layer " + i, d.feedForwards[i] + " as configured", part + " in the tensors");
        }
    }

    /** The sizes that files have been known to get wrong; every other shape is checked when the model is built. */
    private void checkTensors() {
        size("token_embd.weight", 0, d.vocab, "vocabulary");
        size("token_embd.weight", 1, d.dim, "width of the model");
        for (int i = 0; i < d.mixers.length; i++) {
            String b = "blk." + i + ".";
            if (d.mixers[i] == ModelConfig.Mixer.ATTENTION) {
                size(b + "attn_q_norm.weight", 0, d.headDim, "attention head size");
                size(b + "attn_q.weight", 0, (long) d.heads * d.headDim * (d.gated ? 2 : 1),
                        "attention heads times head size" + (d.gated ? ", twice for the output gate" : ""));
            } else {
                size(b + (has(i, "ssm_a") ? "ssm_a" : "ssm_a_log"), 0, d.delta.valueHeads(), "DeltaNet value heads");
                size(b + "ssm_conv1d.weight", 0, d.delta.channels(), "DeltaNet channels (2 key heads * dk + value heads * dv)");
            }
        }
    }

    private void size(String tensor, int axis, long expected, String what) {
        RawTensor t = tensors.get(tensor, file);
        long found = axis < t.shape().length ? t.shape()[axis] : 1;
        if (found != expected)
            throw ModelFileException.mismatch(t.file(), "dimension " + axis + " of tensor " + t.name(),
                    expected + ", the configured " + what, found);
    }

    private boolean has(int layer, String tail) {
        return tensors.has("blk." + layer + "." + tail);
    }

    private void require(boolean right, String what, String expected, Object found) {
        if (!right) throw ModelFileException.mismatch(file, what, expected, found);
    }
}
