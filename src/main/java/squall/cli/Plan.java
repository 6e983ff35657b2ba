package squall.cli;

import squall.engine.EngineOptions;
import squall.engine.MemoryPlan;
import squall.model.ModelConfig;

/** What {@code -v} prints before a model is loaded: the device, what runs there, memory by part. */
final class Plan {
    private Plan() {}

    static void print(Streams streams, Layout layout) {
        ModelConfig config = layout.config();
        layout.shares().getFirst().choice().passed().forEach(why -> streams.note("device:      " + why + "."));
        long attention = config.layers().stream().filter(l -> l.mixer() == ModelConfig.Mixer.ATTENTION).count();
        streams.note("model:       " + config.name() + " (" + config.arch() + "), " + config.layers().size() + " layers: "
                + (config.layers().size() - attention) + " Gated DeltaNet, " + attention + " attention");
        for (int i = 0; i < layout.shares().size(); i++) {
            Layout.Share share = layout.shares().get(i);
            streams.note("device:      " + share.choice().device() + " runs " + layout.blocks(i));
            // asking the CPU player for its devices costs start-up time, and it has no profile
            if (!share.choice().provider().name().equals("cpu")) streams.note("profile:     " + share.choice().description().profile());
            memory(share.plan()).lines().forEach(streams::note);
            streams.note("available:   " + Bytes.text(share.available()));
        }
    }

    /** Memory by part, a line each. */
    static String memory(MemoryPlan plan) {
        EngineOptions o = plan.options();
        return "weights:     " + Bytes.text(plan.weights())
                + "\nKV cache:    " + Bytes.text(plan.kv()) + " for " + o.slots() + " x " + o.contextLength() + " positions, keys "
                + o.keyFormat() + ", values " + o.valueFormat()
                + "\nstate:       " + Bytes.text(plan.state()) + ", checkpoints up to " + Bytes.text(plan.checkpoints())
                + "\nscratch:     " + Bytes.text(plan.scratch()) + " for steps of " + o.batch() + " rows"
                + "\ntotal:       " + Bytes.text(plan.total());
    }
}
