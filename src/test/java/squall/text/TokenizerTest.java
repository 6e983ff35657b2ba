package squall.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** Against ids that Hugging Face's tokenizers 0.23.2 gave for squall-tiny's tokenizer.json. */
class TokenizerTest {

    @TempDir static Path scratch;

    private static int[] ids(String commas) {
        return commas.isEmpty() ? new int[0] : Arrays.stream(commas.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    @Test
    void promptsOfTheShippedModel() throws IOException {
        Map<?, ?> expected = JsonMapper.shared().readValue(
                Files.readString(SquallTiny.directory().resolve("expected.json")), Map.class);
        List<?> prompts = (List<?>) expected.get("prompts");
        assertEquals(60, prompts.size());
        for (Object each : prompts) {
            Map<?, ?> prompt = (Map<?, ?>) each;
            String text = (String) prompt.get("text");
            int[] ids = ((List<?>) prompt.get("ids")).stream().mapToInt(id -> (Integer) id).toArray();
            for (Tokenizer tokenizer : List.of(SquallTiny.gguf(), SquallTiny.json())) {
                assertArrayEquals(ids, tokenizer.encode(text), text);
                assertEquals(text, tokenizer.decode(ids));
            }
        }
    }

    /** Columns: text, ids with added tokens, without; the same two with Qwen3's pre-tokeniser; = where as in the second. */
    @Test
    void awkwardTexts() {
        Tokenizer qwen2 = SquallTiny.qwen2(scratch);
        for (String[] row : SquallTiny.rows("tokens.tsv")) {
            String text = SquallTiny.unhex(row[0]);
            for (int i = 2; i < 5; i++) if (row[i].equals("=")) row[i] = row[1];
            assertArrayEquals(ids(row[1]), SquallTiny.gguf().encode(text), row[0]);
            assertArrayEquals(ids(row[1]), SquallTiny.json().encode(text), row[0]);
            assertArrayEquals(ids(row[2]), SquallTiny.gguf().encodeText(text), row[0]);
            assertArrayEquals(ids(row[2]), SquallTiny.json().encodeText(text), row[0]);
            assertArrayEquals(ids(row[3]), qwen2.encode(text), row[0]);
            assertArrayEquals(ids(row[4]), qwen2.encodeText(text), row[0]);
        }
    }

    @Test
    void everyCharacterOfTheBasicPlaneComesBack() {
        Tokenizer tokenizer = SquallTiny.gguf();
        for (int c = 0; c < 0x10000; c++) {
            String text = "x" + (char) c + "y";
            String expected = Character.isSurrogate((char) c) ? "x\uFFFDy" : Normalizer.normalize(text, Normalizer.Form.NFC);
            assertEquals(expected, tokenizer.decode(tokenizer.encodeText(text)), () -> "of " + text.codePointAt(1));
            assertEquals(expected, tokenizer.decode(tokenizer.encode(text)), () -> "of " + text.codePointAt(1));
        }
    }

    @Property
    void anyTextComesBackInNfc(@ForAll String text) {
        Tokenizer tokenizer = SquallTiny.json();
        String valid = text.codePoints().map(c -> Character.getType(c) == Character.SURROGATE ? 0xFFFD : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
        String expected = Normalizer.normalize(valid, Normalizer.Form.NFC);
        assertEquals(expected, tokenizer.decode(tokenizer.encodeText(text)));
        assertArrayEquals(tokenizer.encodeText(text), SquallTiny.gguf().encodeText(text));
    }

    @Test
    void bothContainersDescribeOneTokenizer() {
        Tokenizer gguf = SquallTiny.gguf();
        Tokenizer json = SquallTiny.json();
        assertEquals(4096, gguf.size());
        assertEquals(4026, json.size());
        for (int id = 0; id < 4026; id++) {
            assertEquals(json.token(id), gguf.token(id));
            assertArrayEquals(json.bytes(id), gguf.bytes(id));
            assertEquals(json.isSpecial(id), gguf.isSpecial(id));
            assertTrue(gguf.isUsable(id) && json.isUsable(id));
            assertEquals(OptionalInt.of(id), gguf.id(gguf.token(id)));
            assertEquals(OptionalInt.of(id), json.id(json.token(id)));
        }
        for (int id = 4026; id < 4096; id++) assertFalse(gguf.isUsable(id) || json.isUsable(id));
        assertFalse(gguf.isUsable(-1) || gguf.isUsable(Integer.MAX_VALUE));
        assertEquals(Set.of(4000, 4002, 4019, 4020, 4021), gguf.stopIds());
        assertEquals(gguf.stopIds(), json.stopIds());
    }

    @Test
    void specialTokensAndTags() {
        Tokenizer tokenizer = SquallTiny.gguf();
        assertEquals(OptionalInt.of(4001), tokenizer.id("<|im_start|>"));
        assertEquals(OptionalInt.empty(), tokenizer.id("<|im_start|"));
        assertEquals(OptionalInt.empty(), tokenizer.id("two words"));
        assertTrue(tokenizer.isSpecial(4001));
        assertFalse(tokenizer.isSpecial(4024));
        assertEquals("<think>", tokenizer.decode(new int[] {4024}));
        assertEquals("a<|im_end|>", tokenizer.decode(tokenizer.encode("a<|im_end|>")));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> tokenizer.decode(new int[] {4096})).getMessage()
                .contains("4096"));
    }

    @Test
    void halvesOfSurrogatePairsAreReplaced() {
        Tokenizer tokenizer = SquallTiny.gguf();
        int[] replaced = tokenizer.encodeText("a\uFFFDb");
        for (String text : List.of("a\uD800b", "a\uDFFFb", "a\uDC00b")) {
            assertArrayEquals(replaced, tokenizer.encodeText(text));
            assertArrayEquals(replaced, tokenizer.encode(text));
        }
    }

    @Test
    void addedTokensWithConditions() {
        Tokenizer tokenizer = SquallTiny.changed(scratch, json -> json.replaceFirst("\"added_tokens\": *\\[", """
                "added_tokens": [
                {"id":5000,"content":"qzj","single_word":true,"lstrip":false,"rstrip":false,"normalized":false,"special":false},
                {"id":5001,"content":"<l>","single_word":false,"lstrip":true,"rstrip":false,"normalized":false,"special":false},
                {"id":5002,"content":"<r>","single_word":false,"lstrip":false,"rstrip":true,"normalized":false,"special":false},
                {"id":5003,"content":"\\\\u00e9\\\\u00e9","single_word":false,"lstrip":false,"rstrip":false,"normalized":true,"special":false},
                {"id":5004,"content":"\\\\u00e9\\\\u00e9\\\\u00e9\\\\u00e9","single_word":false,"lstrip":false,"rstrip":false,"normalized":true,"special":false},
                """));
        assertArrayEquals(joined(tokenizer.encodeText("a "), 5000, tokenizer.encodeText(" b")), tokenizer.encode("a qzj b"));
        for (String touched : List.of("aqzj qzjs", "\u2167qzj qzj\u0301", "_qzj qzj\u200D"))
            assertArrayEquals(tokenizer.encodeText(touched), tokenizer.encode(touched));
        assertArrayEquals(joined(tokenizer.encodeText("a"), 5001, tokenizer.encodeText(" b")), tokenizer.encode("a \n <l> b"));
        assertArrayEquals(joined(tokenizer.encodeText("a "), 5002, tokenizer.encodeText("b")), tokenizer.encode("a <r>  b"));
        assertArrayEquals(new int[] {5003}, tokenizer.encode("e\u0301\u00E9"));
        assertArrayEquals(new int[] {5004}, tokenizer.encode("e\u0301".repeat(4)));
        assertEquals("\u00E9\u00E9", tokenizer.decode(new int[] {5003}));
        assertEquals("\u00E9\u00E9", tokenizer.token(5003));
        assertFalse(tokenizer.isUsable(4999));
        assertEquals("", tokenizer.decode(new int[] {4999}));
    }

    private static int[] joined(int[] before, int id, int[] after) {
        int[] all = Arrays.copyOf(before, before.length + 1 + after.length);
        all[before.length] = id;
        System.arraycopy(after, 0, all, before.length + 1, after.length);
        return all;
    }
}
