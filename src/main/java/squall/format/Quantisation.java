package squall.format;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import squall.ops.Weight;

/** Refuses, before anything is loaded, quantised safetensors checkpoints that would be read as something they are not. */
final class Quantisation {
    private static final String KEY = "quantization_config";
    private static final String REMEDY = ". Use the BF16 or the FP8 (128x128 blocks) checkpoint, or a GGUF file";

    private Quantisation() {}

    /** @param checkpoint the file whose directory may hold a quantiser's own configuration */
    static void check(Metadata config, Path checkpoint) {
        Metadata text = Safetensors.textConfig(config);
        Metadata holder = text.has(KEY) ? text : config;
        if (!holder.has(KEY)) {
            Path modelOpt = checkpoint.resolveSibling("hf_quant_config.json");
            if (Files.exists(modelOpt))
                throw ModelFileException.mismatch(modelOpt.toString(), "quantisation", "none or fp8", "ModelOpt's, which is not supported" + REMEDY);
            return;
        }
        Metadata q = holder.object(KEY);
        String method = q.string("quant_method");
        if (!method.equals("fp8")) throw q.wrong("quant_method", "fp8", "\"" + method + "\", which is not supported" + REMEDY);
        if (q.has("fmt") && !q.string("fmt").equals("e4m3")) throw q.wrong("fmt", "e4m3", "\"" + q.string("fmt") + "\"" + REMEDY);
        if (!q.has("weight_block_size"))
            throw q.wrong("weight_block_size", "[128, 128]", "no such key, so one scale a tensor, which is not supported" + REMEDY);
        int[] block = q.integers("weight_block_size", 1, Integer.MAX_VALUE);
        if (!Arrays.equals(block, new int[] {Weight.SCALE_BLOCK, Weight.SCALE_BLOCK}))
            throw q.wrong("weight_block_size", "[128, 128]", Arrays.toString(block) + REMEDY);
    }
}
