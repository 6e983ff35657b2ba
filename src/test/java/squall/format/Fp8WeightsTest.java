package squall.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import squall.model.ModelConfig;
import squall.ops.DeltaShape;
import squall.ops.DeltaShape.HeadOrder;
import squall.ops.Weight;
import squall.quant.Format;

/** F8_E4M3 matrices with a scale for each block of 128 x 128. */
class Fp8WeightsTest {
    private static final String LAYER = "model.layers.0.";

    @TempDir Path directory;
    private final Random random = new Random(3);
    private final SafetensorsWriter writer = new SafetensorsWriter().tensor("model.embed_tokens.weight", "F32", new byte[4], 1);
    private ModelFile file;

    @AfterEach void close() {
        if (file != null) file.close();
    }

    private CheckpointWeights load(DeltaShape delta) {
        file = ModelFiles.open(writer.write(directory.resolve("model.safetensors")));
        return CheckpointWeights.of(file, new ModelConfig("qwen3next", "t", 16, 1, 16, 1e-6f, List.of(), null, delta, 4, 0, null, 0));
    }

    private String refusal() {
        return assertThrows(ModelFileException.class, () -> load(null).matrix("blk.0.attn_k.weight", 130, 140)).getMessage();
    }

    private byte[] codes(int n) {
        byte[] b = new byte[n];
        for (int i = 0; i < n; i++) b[i] = (byte) (random.nextInt(127) | random.nextInt(2) << 7); // never NaN
        return b;
    }

    /** Scales that every dtype holds exactly: powers of two. */
    private float[] powers(int n) {
        float[] s = new float[n];
        for (int i = 0; i < n; i++) s[i] = Math.scalb(1f, random.nextInt(12) - 6);
        return s;
    }

    private static byte[] stored(float[] scales, String dtype) {
        GgufWriter.Bytes b = new GgufWriter.Bytes();
        for (float s : scales) {
            int bits = Float.floatToIntBits(s);
            switch (dtype) {
                case "F32" -> b.u32(bits);
                case "BF16" -> b.u8(bits >> 16).u8(bits >> 24);
                case "F16" -> b.u8(Float.floatToFloat16(s)).u8(Float.floatToFloat16(s) >> 8);
                default -> b.u8(bits >> 23);
            }
        }
        return b.toByteArray();
    }

    private static float[] values(byte[] codes, float[] scales, int rows, int cols) {
        float[] v = new float[rows * cols];
        Format.F8_E4M3.codec.decode(MemorySegment.ofArray(codes), 0, v, 0, v.length);
        for (int i = 0; i < v.length; i++) v[i] *= scales[i / cols / 128 * ((cols + 127) / 128) + i % cols / 128];
        return v;
    }

    private static float[] values(Weight w, int expert) {
        byte[] bytes = w.experts().get(expert).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        return values(bytes, w.scales().get(expert), w.rows(), w.cols());
    }

    private static float[] rows(float[] v, int cols, int... fromAndCount) {
        int n = 0;
        for (int i = 1; i < fromAndCount.length; i += 2) n += fromAndCount[i] * cols;
        float[] result = new float[n];
        int at = 0;
        for (int i = 0; i < fromAndCount.length; i += 2) {
            System.arraycopy(v, fromAndCount[i] * cols, result, at, fromAndCount[i + 1] * cols);
            at += fromAndCount[i + 1] * cols;
        }
        return result;
    }

    @ParameterizedTest @ValueSource(strings = {"F32", "BF16", "F16", "F8_E8M0"})
    void scalesOfEveryType(String dtype) {
        byte[] codes = codes(130 * 140);
        float[] scales = powers(4);
        writer.tensor(LAYER + "self_attn.k_proj.weight", "F8_E4M3", codes, 130, 140)
                .tensor(LAYER + "self_attn.k_proj.weight_scale_inv", dtype, stored(scales, dtype), 2, 2);
        Weight w = load(null).matrix("blk.0.attn_k.weight", 130, 140);
        assertEquals(Format.F8_E4M3, w.format());
        assertArrayEquals(scales, w.scales().getFirst());
        assertArrayEquals(values(codes, scales, 130, 140), values(w, 0));
    }

    @Test void expertsBySingleMatrix() {
        byte[][] codes = {codes(8 * 16), codes(8 * 16)};
        float[] scales = powers(2);
        for (int e = 0; e < 2; e++)
            writer.tensor(LAYER + "mlp.experts." + e + ".up_proj.weight", "F8_E4M3", codes[e], 8, 16)
                    .tensor(LAYER + "mlp.experts." + e + ".up_proj.weight_scale_inv", "F32", stored(new float[] {scales[e]}, "F32"), 1, 1);
        Weight w = load(null).experts("blk.0.ffn_up_exps.weight", 2, 8, 16);
        for (int e = 0; e < 2; e++) assertArrayEquals(values(codes[e], new float[] {scales[e]}, 8, 16), values(w, e));
    }

    @Test void fusedExperts() {
        byte[] codes = codes(2 * 256 * 16);
        float[] scales = powers(4);
        writer.tensor(LAYER + "mlp.experts.gate_up_proj", "F8_E4M3", codes, 2, 256, 16)
                .tensor(LAYER + "mlp.experts.gate_up_proj_scale_inv", "F32", stored(scales, "F32"), 2, 2, 1);
        CheckpointWeights w = load(null);
        float[] all = new float[codes.length];
        for (int e = 0; e < 2; e++) {
            byte[] one = java.util.Arrays.copyOfRange(codes, e * 4096, e * 4096 + 4096);
            System.arraycopy(values(one, new float[] {scales[2 * e], scales[2 * e + 1]}, 256, 16), 0, all, e * 4096, 4096);
        }
        Weight gate = w.experts("blk.0.ffn_gate_exps.weight", 2, 128, 16), up = w.experts("blk.0.ffn_up_exps.weight", 2, 128, 16);
        for (int e = 0; e < 2; e++) {
            assertArrayEquals(rows(all, 16, 256 * e, 128), values(gate, e));
            assertArrayEquals(rows(all, 16, 256 * e + 128, 128), values(up, e));
        }
    }

    @Test void fusedExpertsThatShareABlockAreRefused() {
        writer.tensor(LAYER + "mlp.experts.gate_up_proj", "F8_E4M3", codes(128 * 16), 1, 128, 16)
                .tensor(LAYER + "mlp.experts.gate_up_proj_scale_inv", "F32", new byte[4], 1, 1, 1);
        CheckpointWeights w = load(null);
        String found = assertThrows(ModelFileException.class, () -> w.experts("blk.0.ffn_up_exps.weight", 1, 64, 16)).getMessage();
        assertTrue(found.contains("a multiple of 128"), found);
    }

    @Test void gatheredRowsKeepTheirScalesWhereBlocksStayWhole() {
        // groups of 128 + 128 + 256 + 256 rows
        byte[] codes = codes(1536 * 16);
        float[] scales = powers(12);
        writer.tensor(LAYER + "linear_attn.in_proj_qkvz.weight", "F8_E4M3", codes, 1536, 16)
                .tensor(LAYER + "linear_attn.in_proj_qkvz.weight_scale_inv", "F32", stored(scales, "F32"), 12, 1);
        CheckpointWeights w = load(new DeltaShape(2, 4, 128, 128, HeadOrder.GROUPED));
        float[] all = values(codes, scales, 1536, 16);
        Weight qkv = w.matrix("blk.0.attn_qkv.weight", 1024, 16);
        assertEquals(Format.F8_E4M3, qkv.format());
        assertArrayEquals(rows(all, 16, 0, 128, 768, 128, 128, 128, 896, 128, 256, 256, 1024, 256), values(qkv, 0));
        assertArrayEquals(rows(all, 16, 512, 256, 1280, 256), values(w.matrix("blk.0.attn_gate.weight", 512, 16), 0));
    }

    @Test void gatheredRowsUnderMixedScalesBecomeF32() {
        // groups of 64 + 64 + 128 + 128 rows
        byte[] codes = codes(768 * 16);
        float[] scales = powers(6);
        writer.tensor(LAYER + "linear_attn.in_proj_qkvz.weight", "F8_E4M3", codes, 768, 16)
                .tensor(LAYER + "linear_attn.in_proj_qkvz.weight_scale_inv", "F32", stored(scales, "F32"), 6, 1);
        Weight qkv = load(new DeltaShape(2, 4, 64, 64, HeadOrder.GROUPED)).matrix("blk.0.attn_qkv.weight", 512, 16);
        assertEquals(Format.F32, qkv.format());
        float[] found = new float[512 * 16];
        qkv.format().codec.decode(qkv.data(), 0, found, 0, found.length);
        assertArrayEquals(rows(values(codes, scales, 768, 16), 16, 0, 64, 384, 64, 64, 64, 448, 64, 128, 128, 512, 128), found);
    }

    @Test void scalesThatAreMissingUnusedOrMisshapenAreRefused() {
        writer.tensor(LAYER + "self_attn.k_proj.weight", "F8_E4M3", codes(130 * 140), 130, 140);
        assertTrue(refusal().contains("its block scales"));
        writer.tensor(LAYER + "self_attn.k_proj.weight_scale_inv", "F32", new byte[8], 2, 1);
        assertTrue(refusal().contains("expected [2, 2], found [2, 1]"));
        writer.tensor(LAYER + "self_attn.v_proj.weight_scale_inv", "F32", new byte[16], 2, 2);
        assertTrue(refusal().contains("an F8_E4M3 tensor that it scales, found none"));
        writer.tensor(LAYER + "self_attn.v_proj.weight", "F32", new byte[4], 1, 1);
        assertTrue(refusal().contains("found model.layers.0.self_attn.v_proj.weight in F32"));
    }

    @Test void scalesOfPartsThatAreNotRunDoNotMatter() {
        writer.tensor("mtp.layers.0.self_attn.k_proj.weight_scale_inv", "F32", new byte[4], 1, 1);
        assertEquals(List.of(), load(null).warnings());
    }
}
