package squall.model;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import squall.format.Metadata;

/** What sets the supported architectures apart before any number is read. */
enum Architecture {
    QWEN3("qwen3", false, false, false, List.of("qwen3")),
    QWEN3MOE("qwen3moe", false, true, false, List.of("qwen3_moe")),
    QWEN3NEXT("qwen3next", true, true, true, List.of("qwen3_next")),
    QWEN35("qwen35", true, false, false, List.of("qwen3_5_text", "qwen3_5")),
    QWEN35MOE("qwen35moe", true, true, true, List.of("qwen3_5_moe_text", "qwen3_5_moe"));

    /** {@code general.architecture} in GGUF files. */
    final String id;
    /** Gated DeltaNet layers among the attention layers, gated attention, partial RoPE. */
    final boolean hybrid;
    final boolean moe;
    final boolean sharedExpert;
    /** {@code model_type} in config.json. */
    private final List<String> modelTypes;

    Architecture(String id, boolean hybrid, boolean moe, boolean sharedExpert, List<String> modelTypes) {
        this.id = id;
        this.hybrid = hybrid;
        this.moe = moe;
        this.sharedExpert = sharedExpert;
        this.modelTypes = modelTypes;
    }

    /** Whether the top-k weights are divided by their sum whatever the configuration says. */
    boolean alwaysNormalises() {
        return this == QWEN35MOE;
    }

    static Architecture ofGguf(Metadata keys) {
        String key = "general.architecture";
        String id = keys.string(key);
        for (Architecture a : values()) if (a.id.equals(id)) return a;
        throw keys.wrong(key, "one of " + Arrays.stream(values()).map(a -> a.id).collect(Collectors.joining(", ")),
                "\"" + id + "\", which is not supported");
    }

    static Architecture ofModelType(Metadata config) {
        String key = "model_type";
        String type = config.string(key);
        for (Architecture a : values()) if (a.modelTypes.contains(type)) return a;
        throw config.wrong(key, "one of " + Arrays.stream(values()).flatMap(a -> a.modelTypes.stream())
                .collect(Collectors.joining(", ")), "\"" + type + "\", which is not supported");
    }
}
