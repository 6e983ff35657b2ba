package squall.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NamesTest {

    @ParameterizedTest @CsvSource({
        "embed_tokens.weight, token_embd.weight", "norm.weight, output_norm.weight",
        "layers.0.input_layernorm.weight, blk.0.attn_norm.weight",
        "layers.12.post_attention_layernorm.weight, blk.12.ffn_norm.weight",
        "layers.3.self_attn.q_proj.weight, blk.3.attn_q.weight", "layers.3.self_attn.k_norm.weight, blk.3.attn_k_norm.weight",
        "layers.3.linear_attn.in_proj_qkvz.weight, blk.3.ssm_in.weight", "layers.3.linear_attn.in_proj_ba.weight, blk.3.ssm_ba.weight",
        "layers.3.linear_attn.in_proj_qkv.weight, blk.3.attn_qkv.weight", "layers.3.linear_attn.in_proj_z.weight, blk.3.attn_gate.weight",
        "layers.3.linear_attn.in_proj_b.weight, blk.3.ssm_beta.weight", "layers.3.linear_attn.in_proj_a.weight, blk.3.ssm_alpha.weight",
        "layers.3.linear_attn.A_log, blk.3.ssm_a_log", "layers.3.linear_attn.dt_bias, blk.3.ssm_dt.bias",
        "layers.3.linear_attn.norm.weight, blk.3.ssm_norm.weight", "layers.3.mlp.gate.weight, blk.3.ffn_gate_inp.weight",
        "layers.3.mlp.gate_proj.weight, blk.3.ffn_gate.weight", "layers.3.mlp.experts.17.up_proj.weight, blk.3.ffn_up.17.weight",
        "layers.3.mlp.experts.gate_up_proj, blk.3.ffn_gate_up_exps.weight", "layers.3.mlp.experts.down_proj, blk.3.ffn_down_exps.weight",
        "layers.3.mlp.shared_expert_gate.weight, blk.3.ffn_gate_inp_shexp.weight",
        "layers.3.mlp.shared_expert.down_proj.weight, blk.3.ffn_down_shexp.weight",
        "layers.3.mlp.experts.17.up_proj.weight_scale_inv, blk.3.ffn_up.17.weight_scale_inv",
        "layers.3.mlp.experts.down_proj_scale_inv, blk.3.ffn_down_exps.weight_scale_inv"})
    void mapsSafetensorsNamesUnderEveryPrefix(String name, String canonical) {
        for (String prefix : new String[] {"", "model.", "model.language_model."})
            assertEquals(canonical, Names.fromSafetensors(prefix + name));
    }

    @Test void mapsTheHead() {
        assertEquals("output.weight", Names.fromSafetensors("lm_head.weight"));
    }

    @ParameterizedTest @ValueSource(strings = {"", "weight", "model.", "layers.0.", "layers.00.input_layernorm.weight",
        "layers.-1.input_layernorm.weight", "layers.9999999999.input_layernorm.weight", "layers.0.self_attn.q_proj.bias",
        "layers.0.mlp.experts.x.up_proj.weight", "layers.0.mlp.gate_proj.qweight", "_scale_inv", "blk.0.attn_q.weight"})
    void knowsNoOtherSafetensorsNames(String name) {
        assertNull(Names.fromSafetensors(name));
    }

    @ParameterizedTest @CsvSource({"token_embd.weight, token_embd.weight", "output.weight, output.weight",
        "blk.7.post_attention_norm.weight, blk.7.ffn_norm.weight", "blk.7.ffn_norm.weight, blk.7.ffn_norm.weight",
        "blk.7.ssm_dt, blk.7.ssm_dt.bias", "blk.7.ssm_dt.bias, blk.7.ssm_dt.bias", "blk.7.ssm_a, blk.7.ssm_a",
        "blk.7.ffn_gate_exps.weight, blk.7.ffn_gate_exps.weight", "blk.7.ffn_gate.3.weight, blk.7.ffn_gate.3.weight",
        "blk.7.ssm_a_log,", "blk.7.attn_q.bias,", "blk.07.attn_q.weight,", "rope_freqs.weight,", "blk.7.,"})
    void mapsGgufNames(String name, String canonical) {
        assertEquals(canonical, Names.fromGguf(name));
    }

    @Test void tellsWhatIsNotRun() {
        for (String vision : new String[] {"model.visual.blocks.0.attn.qkv.weight", "visual.patch_embed.proj.weight", "v.blk.0.attn_q.weight", "mm.0.weight"})
            assertTrue(Names.isVision(vision), vision);
        for (String mtp : new String[] {"mtp.fc.weight", "model.mtp.norm.weight", "mtp.layers.0.mlp.gate.weight"})
            assertTrue(Names.isMtp(mtp), mtp);
        for (String used : new String[] {"model.embed_tokens.weight", "blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight", "output.weight"})
            assertFalse(Names.isIgnored(used), used);
    }
}
