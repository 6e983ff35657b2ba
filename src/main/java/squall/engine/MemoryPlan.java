package squall.engine;

import squall.format.ModelFileException;
import squall.model.ModelConfig;
import squall.ops.DeltaShape;

/**
 * What a model needs of a device's memory, computed before a weight is touched.
 *
 * @param weights     bytes of the weights, as they are stored
 * @param kv          bytes of the KV cache with every slot full
 * @param state       bytes of recurrent states and convolution windows of all slots
 * @param checkpoints bytes of the copies of those states that prefix reuse may keep
 * @param scratch     bytes of activations and logits of the largest step
 * @param options     what it was computed for
 */
public record MemoryPlan(long weights, long kv, long state, long checkpoints, long scratch, EngineOptions options) {
    /** Context that is taken if nothing is asked for and the model was made for more. */
    static final int USUAL_CONTEXT = 32_768;
    private static final int LEAST_CONTEXT = 1024;

    /** weightBytes: of the tensors that will be used. */
    public static MemoryPlan of(ModelConfig model, long weightBytes, EngineOptions options) {
        long slotState = stateBytes(model);
        long slots = options.slots();
        return new MemoryPlan(weightBytes, slots * options.contextLength() * kvBytesPerToken(model, options),
                slots * slotState, slots * Executor.KEPT_STATES * slotState, scratchBytes(model, options), options);
    }

    /**
     * The context to use: what was asked for, the model's own for 0, and for {@link #UNASKED} the model's own or
     * {@value #USUAL_CONTEXT}, whichever is less, halved until the KV cache takes no more than half of the memory that the
     * weights leave.
     */
    public static int contextLength(ModelConfig model, int asked, long weightBytes, EngineOptions options, long available) {
        if (asked == 0) return model.contextLength();
        if (asked != UNASKED) return asked;
        int length = Math.min(model.contextLength(), USUAL_CONTEXT);
        long room = Math.max(0, available - weightBytes) / 2 / options.slots();
        while (length / 2 >= LEAST_CONTEXT && length * kvBytesPerToken(model, options) > room) length /= 2;
        return length;
    }

    /** No context length was asked for. */
    public static final int UNASKED = -1;

    /** Bytes of keys and values of one position in all layers. */
    public static long kvBytesPerToken(ModelConfig model, EngineOptions options) {
        if (model.attention() == null) return 0;
        long values = (long) model.attention().kvHeads() * model.attention().headDim();
        return count(model, ModelConfig.Mixer.ATTENTION) * (options.keyFormat().bytes(values) + options.valueFormat().bytes(values));
    }

    /** Bytes of one sequence's recurrent states, float32 [valueHeads, dv, dk] a layer, and convolution windows. */
    public static long stateBytes(ModelConfig model) {
        DeltaShape d = model.delta();
        if (d == null) return 0;
        long memory = 4L * d.valueHeads() * d.dk() * d.dv();
        long window = 4L * (model.convTaps() - 1) * d.channels();
        return count(model, ModelConfig.Mixer.DELTA_NET) * (memory + window);
    }

    private static long count(ModelConfig model, ModelConfig.Mixer mixer) {
        return model.layers().stream().filter(l -> l.mixer() == mixer).count();
    }

    /** The residual stream, the widest block's buffers for each row, and a row of logits for each slot. */
    private static long scratchBytes(ModelConfig m, EngineOptions options) {
        long widest = 0;
        if (m.attention() != null)
            widest = (long) m.attention().headDim() * (4L * m.attention().heads() + 2L * m.attention().kvHeads());
        if (m.delta() != null)
            widest = Math.max(widest, 2L * m.delta().channels() + 2L * m.delta().valueHeads() * m.delta().dv());
        widest = Math.max(widest, 2L * m.ffn());
        if (m.moe() != null)
            widest = Math.max(widest, m.moe().experts() + 2L * m.moe().used() * m.moe().hidden() + 2L * m.moe().sharedHidden());
        return 4 * (options.batch() * (3L * m.dim() + widest) + (long) options.slots() * m.vocab());
    }

    public long total() {
        return weights + kv + state + checkpoints + scratch;
    }

    /**
     * Refuses what cannot fit.
     *
     * @param available bytes of the device that are free
     * @throws ModelFileException that names the flag or file that would fit
     */
    public void check(ModelConfig model, long available) {
        if (total() <= available) return;
        String needs = model.name() + " needs " + gib(total()) + " (weights " + gib(weights) + ", KV cache " + gib(kv)
                + " for a context of " + options.contextLength() + ", other " + gib(total() - weights - kv) + "), "
                + gib(available) + " of memory are available; ";
        long perToken = kvBytesPerToken(model, options) * options.slots();
        long fits = perToken == 0 ? 0 : (available - (total() - kv)) / perToken / 256 * 256;
        throw new ModelFileException(needs + (fits >= LEAST_CONTEXT ? "--ctx-size " + fits + " would fit"
                + (options.keyFormat() == EngineOptions.KvFormat.Q8_0 ? "" : ", and -ctk q8_0 -ctv q8_0 make the KV cache smaller")
                : "take a smaller model or one quantised to fewer bits"));
    }

    private static String gib(long bytes) {
        return bytes < 1L << 30 ? (bytes >> 20) + " MiB" : Math.round(bytes / 1073741824.0 * 10) / 10.0 + " GiB";
    }
}
