package squall.format;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import squall.quant.Format;

/**
 * The tensors of a checkpoint's language model under their canonical names ({@link Names}). Vision tensors and layers for
 * multi-token prediction are left out, names that nobody knows are kept aside as warnings; tensors that would be lost
 * silently and change the result (scales, biases) are refused.
 *
 * @param tensors   canonical name to tensor, in file order; no {@code output.weight} where the embedding serves as head
 * @param mtpLayers layers for multi-token prediction found in the file
 * @param warnings  one sentence for each tensor that is not used
 */
public record TensorIndex(Map<String, RawTensor> tensors, int mtpLayers, List<String> warnings) {
    private static final String EMBEDDING = "token_embd.weight";
    private static final String HEAD = "output.weight";

    /** @throws ModelFileException if a tensor is named twice, or scales, biases or a head are not as they must be */
    public static TensorIndex of(ModelFile file) {
        boolean gguf = file.container().equals("GGUF");
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        List<String> warnings = new ArrayList<>();
        Set<Integer> mtp = new HashSet<>();
        for (String name : file.tensors().keySet())
            if (gguf && name.contains(".nextn.")) mtp.add(Names.block(name));
        Set<Integer> mtpBlocks = Set.copyOf(mtp);
        for (RawTensor t : file.tensors().values()) {
            if (Names.isMtp(t.name())) mtp.add(Math.max(0, Names.block(t.name().substring(t.name().indexOf("mtp.") + 4))));
            if (Names.isIgnored(t.name()) || gguf && mtpBlocks.contains(Names.block(t.name()))) continue;
            String canonical = gguf ? Names.fromGguf(t.name()) : Names.fromSafetensors(t.name());
            if (canonical == null) warnings.add(unknown(t));
            else if (tensors.putIfAbsent(canonical, t) != null)
                throw ModelFileException.mismatch(t.file(), "tensor " + t.name(), "one tensor for " + canonical,
                        "also " + tensors.get(canonical).name());
        }
        checkScales(tensors);
        if (!gguf) tie(file, tensors);
        if (!tensors.containsKey(EMBEDDING))
            throw new ModelFileException(file.path() + ": tensor " + EMBEDDING + " (embed_tokens.weight) is missing.");
        return new TensorIndex(Collections.unmodifiableMap(tensors), mtp.size(), List.copyOf(warnings));
    }

    public boolean has(String canonical) {
        return tensors.containsKey(canonical);
    }

    /** @throws ModelFileException if there is none */
    public RawTensor get(String canonical, String file) {
        RawTensor t = tensors.get(canonical);
        if (t == null) throw missing(canonical, file);
        return t;
    }

    ModelFileException missing(String canonical, String file) {
        return new ModelFileException(file + ": tensor " + canonical + " is missing. "
                + "The file is incomplete or of another architecture.");
    }

    /** The largest block number + 1. */
    public int blocks() {
        int n = 0;
        for (String name : tensors.keySet()) n = Math.max(n, Names.block(name) + 1);
        return n;
    }

    /** A tensor that can be left out with a warning; one that cannot is refused. */
    private static String unknown(RawTensor t) {
        String n = t.name();
        if (n.endsWith(".bias") || n.endsWith("_bias"))
            throw ModelFileException.mismatch(t.file(), "tensor " + n, "no bias, as in all Qwen3 and Qwen3.5 models", "one");
        if (n.contains("_scale") || n.endsWith(".scale") || n.endsWith(".scales") || n.endsWith("qweight") || n.endsWith("_packed"))
            throw ModelFileException.mismatch(t.file(), "tensor " + n, "weights, or FP8 weights with their " + Names.SCALE,
                    "another kind of quantisation, which is not supported. Use a BF16 or FP8 checkpoint, or a GGUF file");
        return "tensor " + n + " in " + t.file() + " is not part of any supported architecture and is not used";
    }

    private static void checkScales(Map<String, RawTensor> tensors) {
        for (Map.Entry<String, RawTensor> e : tensors.entrySet()) {
            String name = e.getKey();
            RawTensor t = e.getValue();
            if (name.endsWith(Names.SCALE)) {
                RawTensor of = tensors.get(name.substring(0, name.length() - Names.SCALE.length()));
                if (of == null || of.format() != Format.F8_E4M3)
                    throw ModelFileException.mismatch(t.file(), "tensor " + t.name(), "an F8_E4M3 tensor that it scales",
                            of == null ? "none" : of.name() + " in " + of.format());
            } else if (t.format() == Format.F8_E4M3 && !tensors.containsKey(name + Names.SCALE)) {
                throw ModelFileException.mismatch(t.file(), "tensor " + t.name(), "its block scales in " + t.name() + Names.SCALE,
                        "no such tensor; without them its F8_E4M3 numbers mean nothing");
            }
        }
    }

    /** Drops the head where the embedding serves as one; where it must not, the head has to be there. */
    private static void tie(ModelFile file, Map<String, RawTensor> tensors) {
        String key = "tie_word_embeddings";
        Metadata outer = file.keys();
        Metadata inner = Safetensors.textConfig(outer);
        Metadata holder = inner.has(key) ? inner : outer;
        boolean present = tensors.containsKey(HEAD);
        if (holder.flag(key, !present)) tensors.keySet().removeAll(Set.of(HEAD, HEAD + Names.SCALE));
        else if (!present && !outer.flag(key, false))
            throw holder.wrong(key, "true, since the file has no lm_head.weight", false);
    }
}
