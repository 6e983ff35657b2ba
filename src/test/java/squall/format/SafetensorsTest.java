package squall.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import squall.quant.Format;

class SafetensorsTest {
    @TempDir Path directory;

    private static SafetensorsWriter valid() {
        return new SafetensorsWriter().tensor("a", "F32", new byte[24], 2, 3).tensor("b", "BF16", new byte[] {1, 2}, 1)
                .tensor("scalar", "F16", new byte[2]);
    }

    private ModelFile open(byte[] bytes) {
        return ModelFiles.open(GgufWriter.write(directory.resolve("model.safetensors"), bytes));
    }

    private String refusal(byte[] bytes) {
        String message = assertThrows(ModelFileException.class, () -> open(bytes)).getMessage();
        assertTrue(message.contains("model.safetensors"), message);
        return message;
    }

    private void assertRefused(String message, byte[] bytes) {
        String found = refusal(bytes);
        assertTrue(found.contains(message), found);
    }

    @Test void readsTensorsAndTheConfigurationBesideThem() throws Exception {
        Files.writeString(directory.resolve("config.json"), "{\"model_type\":\"x\",\"deep\":{\"n\":[1,2.5]}}");
        try (ModelFile f = open(valid().bytes())) {
            assertEquals("safetensors", f.container());
            assertEquals(List.of("a", "b", "scalar"), List.copyOf(f.tensors().keySet()));
            RawTensor b = f.tensors().get("b");
            assertEquals(Format.BF16, b.format());
            assertArrayEquals(new byte[] {1, 2}, b.data().toArray(ValueLayout.JAVA_BYTE));
            assertArrayEquals(new long[] {2, 3}, f.tensors().get("a").shape());
            assertEquals(1, f.tensors().get("scalar").elements());
            assertEquals(Map.of("n", List.of(1, 2.5)), f.metadata().get("deep"));
        }
    }

    @Test void refusesEveryCutAndAnythingAppended() {
        byte[] whole = valid().bytes();
        for (int n = 0; n < whole.length; n++) refusal(Arrays.copyOf(whole, n));
        assertRefused("more after the last tensor", Arrays.copyOf(whole, whole.length + 1));
    }

    @Test void refusesGapsOverlapsAndWrongSizes() {
        assertRefused("leave a gap", valid().entry("c", "F32", 32, 36, 1).loose(8).bytes());
        assertRefused("overlap", valid().entry("c", "F32", 24, 28, 1).loose(2).bytes());
        assertRefused("overlap", valid().entry("c", "F32", 0, 24, 6).bytes());
        assertRefused("4 bytes for F32 [1], found 8", valid().entry("c", "F32", 28, 36, 1).loose(8).bytes());
        assertRefused("found -4", valid().entry("c", "F32", 32, 28, 1).loose(4).bytes());
        assertRefused("the file is truncated", valid().entry("c", "F32", 28, 32, 1).bytes());
        assertRefused("numbers of at least 0", valid().entry("c", "F32", -4, 0, 1).bytes());
        assertRefused("sizes above 0", valid().entry("c", "F32", 28, 28, 0).bytes());
        assertRefused("fewer than 2^56 elements", valid().entry("c", "F32", 28, 32, 1L << 40, 1L << 40).bytes());
        assertRefused("at most 8 numbers", valid().entry("c", "F32", 28, 32, 1, 1, 1, 1, 1, 1, 1, 1, 1).bytes());
        assertRefused("a dtype of safetensors, found F33", valid().entry("c", "F33", 28, 32, 1).loose(4).bytes());
    }

    @ParameterizedTest @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "[]                                                                   | a JSON object",
        "{                                                                    | not valid JSON",
        "{}{}                                                                 | one JSON object",
        "{\"a\":1}                                                            | header entry a",
        "{\"a\":{}}                                                           | dtype, shape and two data_offsets",
        "{\"a\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,4]}}            | expected VALUE_STRING",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}       | expected START_ARRAY",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}   | expected VALUE_NUMBER_INT",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0]}}        | dtype, shape and two data_offsets",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4,4]}}    | at most 2 numbers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,99999999999999999999]}} | not valid JSON",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":1}} | a field x",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]}} | Duplicate"})
    void refusesHeaders(String header, String message) {
        assertRefused(message, new SafetensorsWriter().loose(4).bytes(header));
    }

    @Test void refusesDepthBombsAndImpossibleHeaderLengths() {
        assertRefused("not valid JSON", valid().bytes("{\"__metadata__\":{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}}"));
        byte[] b = valid().bytes();
        for (long n : new long[] {0, 1, b.length - 7, 100_000_001, 1L << 40, -1}) {
            byte[] changed = b.clone();
            for (int i = 0; i < 8; i++) changed[i] = (byte) (n >> 8 * i);
            assertRefused("header length", changed);
            assertRefused("the file is truncated", changed);
        }
        assertRefused("what is there is bytes 6e 6f 20 6d 6f 64 65 6c, which is no known container", "no model at all".getBytes(StandardCharsets.UTF_8));
    }

    @Test void saysWhatOtherFilesAre() {
        assertRefused("git lfs pull", "version https://git-lfs.github.com/spec/v1\noid sha256:0".getBytes());
        assertRefused("a GGUF file", new GgufWriter().bytes());
        assertRefused("web page", "<!DOCTYPE html><html></html>".getBytes());
        assertRefused("an empty file", new byte[0]);
    }

    @Test void refusesNumberTypesItCannotReadUnlessTheyAreNotUsed() {
        assertRefused("F8_E5M2. Use an unquantised", valid().tensor("c", "F8_E5M2", new byte[4], 4).bytes());
        open(valid().tensor("model.visual.x", "F64", new byte[8], 1).tensor("mtp.y", "I64", new byte[8], 1).bytes()).close();
    }

    private void writeShards(String index) throws Exception {
        new SafetensorsWriter().tensor("a", "F32", new byte[4], 1).write(directory.resolve("model-00001-of-00002.safetensors"));
        new SafetensorsWriter().tensor("b", "F32", new byte[4], 1).tensor("c", "F32", new byte[4], 1)
                .write(directory.resolve("model-00002-of-00002.safetensors"));
        Files.writeString(directory.resolve("model.safetensors.index.json"), index);
    }

    private static final String FIRST = "\"model-00001-of-00002.safetensors\"", SECOND = "\"model-00002-of-00002.safetensors\"";

    @Test void readsShardsHoweverTheyAreNamed() throws Exception {
        writeShards("{\"metadata\":{\"total_size\":12},\"weight_map\":{\"a\":" + FIRST + ",\"b\":" + SECOND + ",\"c\":" + SECOND + "}}");
        for (String name : new String[] {"", "model.safetensors.index.json", "model-00002-of-00002.safetensors"})
            try (ModelFile f = ModelFiles.open(directory.resolve(name))) {
                assertEquals(List.of("a", "b", "c"), List.copyOf(new TreeSet<>(f.tensors().keySet())));
            }
    }

    @ParameterizedTest @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"a\":\"../secret.safetensors\"}            | in this directory",
        "{\"a\":\"/tmp/x.safetensors\"}               | in this directory",
        "{\"a\":\"config.json\"}                      | in this directory",
        "{\"a\":\"x\\u0000.safetensors\"}             | in this directory",
        "{\"a\":7}                                    | key weight_map.a: expected a string",
        "{}                                           | 1 to 10000 shards",
        "{\"a\":\"model-00003-of-00002.safetensors\"} | there is no such file",
        "{\"z\":\"model-00001-of-00002.safetensors\"} | none there",
        "{\"a\":\"model-00001-of-00002.safetensors\",\"b\":\"model-00001-of-00002.safetensors\",\"c\":\"model-00002-of-00002.safetensors\"} | key weight_map.b"})
    void refusesIndexes(String map, String message) throws Exception {
        writeShards("{\"weight_map\":" + map + "}");
        String found = assertThrows(ModelFileException.class, () -> ModelFiles.open(directory)).getMessage();
        assertTrue(found.contains(message), found);
    }

    @Test void refusesATensorInTwoShards() throws Exception {
        writeShards("{\"weight_map\":{\"a\":" + FIRST + ",\"b\":" + SECOND + "}}");
        new SafetensorsWriter().tensor("b", "F32", new byte[4], 1).tensor("a", "F32", new byte[4], 1)
                .write(directory.resolve("model-00002-of-00002.safetensors"));
        String found = assertThrows(ModelFileException.class, () -> ModelFiles.open(directory)).getMessage();
        assertTrue(found.contains("it also in"), found);
        Files.delete(directory.resolve("model.safetensors.index.json"));
        found = assertThrows(ModelFileException.class, () -> ModelFiles.open(directory.resolve("model-00001-of-00002.safetensors"))).getMessage();
        assertTrue(found.contains("which names the other shards"), found);
    }

    @ParameterizedTest @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"quant_method\":\"gptq\",\"bits\":4}                                               | \"gptq\"",
        "{\"quant_method\":\"awq\"}                                                           | \"awq\"",
        "{\"quant_method\":\"compressed-tensors\"}                                            | \"compressed-tensors\"",
        "{\"quant_method\":\"modelopt\",\"quant_algo\":\"NVFP4\"}                             | \"modelopt\"",
        "{\"bits\":4}                                                                         | quantization_config.quant_method",
        "{\"quant_method\":\"fp8\",\"fmt\":\"e5m2\",\"weight_block_size\":[128,128]}          | \"e5m2\"",
        "{\"quant_method\":\"fp8\"}                                                           | one scale a tensor",
        "{\"quant_method\":\"fp8\",\"weight_block_size\":[64,128]}                            | [64, 128]"})
    void refusesOtherQuantisationsByNameBeforeLoading(String quantisation, String message) throws Exception {
        for (String config : new String[] {"{\"quantization_config\":" + quantisation + "}",
            "{\"text_config\":{\"quantization_config\":" + quantisation + "}}"}) {
            Files.writeString(directory.resolve("config.json"), config);
            String found = assertThrows(ModelFileException.class, () -> ModelFiles.open(
                    GgufWriter.write(directory.resolve("model.safetensors"), new byte[0]))).getMessage();
            assertTrue(found.contains(message), found);
        }
    }

    @Test void refusesAQuantisersOwnConfiguration() throws Exception {
        Files.writeString(directory.resolve("hf_quant_config.json"), "{}");
        assertTrue(assertThrows(ModelFileException.class, () -> open(valid().bytes())).getMessage().contains("ModelOpt"));
    }

    @Test void refusesDirectoriesWithoutExactlyOneModel() throws Exception {
        assertRefusedDirectory("found none of them");
        new GgufWriter().write(directory.resolve("a.gguf"));
        new GgufWriter().write(directory.resolve("mmproj-a.gguf"));
        ModelFiles.open(directory).close();
        new GgufWriter().write(directory.resolve("b.gguf"));
        assertRefusedDirectory("Name one of them: a.gguf, b.gguf");
        valid().write(directory.resolve("model.safetensors"));
        try (ModelFile f = ModelFiles.open(directory)) {
            assertEquals("safetensors", f.container());
        }
        assertTrue(assertThrows(ModelFileException.class, () -> ModelFiles.open(directory.resolve("none"))).getMessage()
                .contains("no such file"));
    }

    private void assertRefusedDirectory(String message) {
        String found = assertThrows(ModelFileException.class, () -> ModelFiles.open(directory)).getMessage();
        assertTrue(found.contains(message), found);
    }
}
