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
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import squall.quant.Format;

class GgufTest {
    private static final long HUGE = 0x7fff_ffff_ffff_ffffL;

    @TempDir Path directory;

    private static GgufWriter valid() {
        return new GgufWriter().put("general.architecture", "qwen3").put("list", new int[] {1, 2})
                .tensor("a", Format.F32, new byte[48], 3, 4).tensor("b", Format.Q8_0, new byte[68], 2, 32);
    }

    private Gguf open(byte[] bytes) {
        return Gguf.open(GgufWriter.write(directory.resolve("m.gguf"), bytes));
    }

    private String refusal(byte[] bytes) {
        return assertThrows(ModelFileException.class, () -> open(bytes)).getMessage();
    }

    @Test void readsEveryTypeOfValue() {
        GgufWriter w = new GgufWriter().put("u32", 7).put("u64", 1L << 40).put("f32", 1.5f).put("f64", 0.1).put("yes", true)
                .put("text", "grüße").put("none", "").put("ints", new int[] {-1, 2}).put("floats", new float[] {0.5f})
                .put("flags", new boolean[] {true, false}).put("words", new String[] {"a", "", "ü"})
                .raw("u8", new byte[] {0, 0, 0, 0, (byte) 200}).raw("i8", new byte[] {1, 0, 0, 0, (byte) 200})
                .raw("u16", new byte[] {2, 0, 0, 0, (byte) 0xff, (byte) 0xff}).raw("i16", new byte[] {3, 0, 0, 0, (byte) 0xff, (byte) 0xff})
                .raw("i64", new GgufWriter.Bytes().u32(11).u64(-5).toByteArray());
        try (Gguf f = open(w.bytes())) {
            Object[] expected = {7L, 1L << 40, 1.5, 0.1, true, "grüße", "", List.of(-1L, 2L), List.of(0.5), List.of(true, false),
                List.of("a", "", "ü"), 200L, -56L, 65535L, -1L, -5L};
            assertEquals(Arrays.asList(expected), List.copyOf(f.metadata().values()));
        }
    }

    @Test void readsTensorsWhereTheyLie() {
        byte[] data = new byte[48];
        for (int i = 0; i < data.length; i++) data[i] = (byte) i;
        for (int alignment : new int[] {1, 8, 32, 64, 4096})
            for (int version : new int[] {2, 3}) {
                GgufWriter w = new GgufWriter().version(version).alignment(alignment)
                        .tensor("first", Format.F32, new byte[4], 1).tensor("t", Format.F32, data, 3, 4);
                try (Gguf f = open(w.bytes())) {
                    RawTensor t = f.tensors().get("t");
                    assertArrayEquals(new long[] {3, 4}, t.shape());
                    assertEquals(Format.F32, t.format());
                    assertArrayEquals(data, t.data().toArray(ValueLayout.JAVA_BYTE));
                    assertEquals(List.of("first", "t"), List.copyOf(f.tensors().keySet()));
                }
            }
    }

    @Test void closingUnmaps() {
        Gguf f = open(valid().bytes());
        RawTensor t = f.tensors().get("a");
        f.close();
        assertThrows(IllegalStateException.class, () -> t.data().get(ValueLayout.JAVA_BYTE, 0));
    }

    static Stream<Arguments> wrong() {
        byte[] none = {};
        return Stream.of(
                refused("tensor a: expected each tensor once", w -> w.tensor("a", Format.F32, new byte[4], 1)),
                refused("key list: expected each key once", w -> w.put("list", 3)),
                refused("expected an array of numbers, booleans or strings, found an array of arrays",
                        w -> w.raw("nested", new GgufWriter.Bytes().u32(9).u32(9).u64(1).u32(4).u64(0).toByteArray())),
                refused("a value type from 0 to 12, found 13", w -> w.raw("odd", new byte[] {13, 0, 0, 0})),
                refused("0 or 1 for a boolean, found 2", w -> w.raw("maybe", new byte[] {7, 0, 0, 0, 2})),
                refused("expected at most", w -> w.raw("long", new GgufWriter.Bytes().u32(9).u32(4).u64(1L << 40).toByteArray())),
                refused("expected at most", w -> w.raw("many", new GgufWriter.Bytes().u32(9).u32(8).u64(1L << 40).toByteArray())),
                refused("a number below 2^63", w -> w.raw("neg", new GgufWriter.Bytes().u32(9).u32(4).u64(-1).toByteArray())),
                refused("numbers below 2^63", w -> w.raw("neg", new GgufWriter.Bytes().u32(10).u64(-1).toByteArray())),
                refused("expected at most", w -> w.raw("text", new GgufWriter.Bytes().u32(8).u64(1L << 50).toByteArray())),
                refused("value of key text at byte", w -> w.raw("text", new GgufWriter.Bytes().u32(8).u64(1).u8(0xff).toByteArray())),
                refused("expected a name, found an empty one", w -> w.put("", 1)),
                refused("a power of two, found 24", w -> w.put("general.alignment", 24)),
                refused("an integer from 1", w -> w.put("general.alignment", 0)),
                refused("an integer from 1", w -> w.put("general.alignment", "32")),
                refused("dimensions of tensor x at byte", w -> w.rawTensor("x", 0, none, null)),
                refused("1 to 4, found 5", w -> w.rawTensor("x", 0, none, null, 1, 1, 1, 1, 1)),
                refused("sizes above 0, found 0", w -> w.rawTensor("x", 0, none, null, 4, 0)),
                refused("fewer than 2^63 elements", w -> w.rawTensor("x", 0, none, null, 1L << 33, 1L << 33)),
                refused("fewer than 2^63 bytes", w -> w.rawTensor("x", 0, none, null, 1L << 62)),
                refused("a number below 2^63", w -> w.rawTensor("x", 0, none, null, -4)),
                refused("whole Q8_0 blocks of 32, found 33 elements", w -> w.rawTensor("x", 8, none, null, 33)),
                refused("type 16 (IQ2_XXS), which is not supported", w -> w.rawTensor("x", 16, none, null, 256)),
                refused("type 4, which is unknown", w -> w.rawTensor("x", 4, none, null, 32)),
                refused("type 4294967295, which is unknown", w -> w.rawTensor("x", -1, none, null, 32)),
                refused("a multiple of 32, found 4", w -> w.rawTensor("x", 0, new byte[64], 4L, 1)),
                refused("the tensors overlap", w -> w.rawTensor("x", 0, new byte[64], 32L, 1)),
                refused("truncated or damaged", w -> w.rawTensor("x", 0, new byte[4], null, 1 << 20)),
                refused("truncated or damaged", w -> w.rawTensor("x", 0, new byte[4], 1L << 40, 1)),
                refused("a number below 2^63", w -> w.rawTensor("x", 0, new byte[4], -32L, 1)),
                refused("a multiple of 32", w -> w.rawTensor("x", 0, new byte[4], HUGE, 1)));
    }

    private static Arguments refused(String message, Consumer<GgufWriter> change) {
        return Arguments.of(message, change);
    }

    @ParameterizedTest @MethodSource("wrong")
    void refuses(String message, Consumer<GgufWriter> change) {
        GgufWriter w = valid();
        change.accept(w);
        String found = refusal(w.bytes());
        assertTrue(found.contains(message), found);
        assertTrue(found.contains("m.gguf"), found);
    }

    @Test void refusesEveryCut() {
        byte[] whole = valid().bytes();
        int end = whole.length - (32 - 68 % 32); // what follows is padding after the last tensor
        for (int n = 0; n < end; n++) refusal(Arrays.copyOf(whole, n));
        open(Arrays.copyOf(whole, end)).close();
    }

    @Test void saysWhatOtherFilesAre() {
        byte[] v1 = valid().version(1).bytes();
        byte[] bigEndian = valid().version(0x03000000).bytes();
        assertTrue(refusal(v1).contains("too old"));
        assertTrue(refusal(bigEndian).contains("big-endian"));
        assertTrue(refusal(valid().version(4).bytes()).contains("GGUF version 2 or 3, found 4"));
        String[][] others = {{"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"}, {"<!DOCTYPE html><html>", "web page"},
            {"\n <html>", "web page"}, {"PK\3\4archive", "PyTorch"}, {"\u0080\2pickle", "pickle"}, {"", "empty file"}, {"GG", "known container"},
            {"{\"a\":1}", "JSON"}, {"\20\0\0\0\0\0\0\0{\"a\":1}", "safetensors"}, {"\u001f\u008b", "gzip"}, {"lmgg....", "GGML"}};
        for (String[] other : others) {
            String found = refusal(other[0].getBytes(StandardCharsets.ISO_8859_1));
            assertTrue(found.contains(other[1]), found);
        }
    }

    @Test void skipsVisionTensorsOfAnyKnownType() {
        GgufWriter w = valid().rawTensor("v.patch", 28, new byte[16], null, 2).rawTensor("mtp.x", 16, new byte[66], null, 256);
        try (Gguf f = open(w.bytes())) {
            assertEquals(List.of("a", "b"), List.copyOf(f.tensors().keySet()));
        }
        assertTrue(refusal(valid().rawTensor("v.patch", 99, new byte[16], null, 2).bytes()).contains("unknown"));
    }

    private static GgufWriter part(int no, int count, String tensor) {
        return new GgufWriter().put("split.no", no).put("split.count", count).put("split.tensors.count", 3)
                .tensor(tensor, Format.F32, new byte[] {(byte) no, 0, 0, 0}, 1);
    }

    private void writeParts() {
        part(0, 3, "a").put("general.name", "whole").write(directory.resolve("m-00001-of-00003.gguf"));
        part(1, 3, "b").put("general.name", "ignored").write(directory.resolve("m-00002-of-00003.gguf"));
        part(2, 3, "c").write(directory.resolve("m-00003-of-00003.gguf"));
    }

    @Test void readsAllPartsWhicheverIsNamed() {
        writeParts();
        for (String name : new String[] {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf", ""})
            try (ModelFile f = ModelFiles.open(directory.resolve(name))) {
                assertEquals(List.of("a", "b", "c"), List.copyOf(f.tensors().keySet()));
                assertEquals("whole", f.metadata().get("general.name"));
                for (int i = 0; i < 3; i++)
                    assertEquals(i, f.tensors().get("" + "abc".charAt(i)).data().get(ValueLayout.JAVA_BYTE, 0));
            }
    }

    @Test void refusesPartsThatDoNotBelongTogether() throws Exception {
        writeParts();
        Path first = directory.resolve("m-00001-of-00003.gguf");
        Path third = directory.resolve("m-00003-of-00003.gguf");
        Files.copy(first, directory.resolve("renamed.gguf"));
        assertRefused("Rename the parts", directory.resolve("renamed.gguf"));
        Files.copy(first, directory.resolve("m-00001-of-00002.gguf"));
        assertRefused("split.count: expected 2", directory.resolve("m-00001-of-00002.gguf"));
        part(1, 3, "c").write(third);
        assertRefused("split.no: expected 2, found 1", first);
        part(2, 4, "c").write(third);
        assertRefused("split.count: expected 3, found 4", first);
        part(2, 3, "a").write(third);
        assertRefused("also in", first);
        part(2, 3, "c").tensor("d", Format.F32, new byte[4], 1).write(third);
        assertRefused("split.tensors.count", first);
        Files.delete(third);
        assertRefused("m-00003-of-00003.gguf: there is no such file", first);
    }

    private static void assertRefused(String message, Path file) {
        String found = assertThrows(ModelFileException.class, () -> ModelFiles.open(file)).getMessage();
        assertTrue(found.contains(message), found);
    }
}
