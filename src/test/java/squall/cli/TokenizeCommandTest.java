package squall.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizeCommandTest {
    private static final String MODEL = Path.of("../models/squall-tiny/squall-tiny-Q8_0.gguf").toString();

    @TempDir Path scratch;

    private static Cli tokenize(String in, String... args) {
        String[] all = new String[args.length + 3];
        all[0] = "tokenize";
        all[1] = "-m";
        all[2] = MODEL;
        System.arraycopy(args, 0, all, 3, args.length);
        return Cli.run(in, Map.of(), all);
    }

    @Test
    void aLineForEachToken() {
        Cli cli = tokenize("", "-p", "<|im_start|>user\n\u00A0<think>");
        assertEquals("  4001 -> '<|im_start|>'\n   285 -> 'user'\n   198 -> '\\n'\n", cli.out().lines().limit(3)
                .reduce("", (a, b) -> a + b + "\n"));
        assertTrue(cli.out().endsWith("  4024 -> '<think>'\n"), cli.out());
        assertEquals(0, cli.code());
        assertEquals("", cli.err());
    }

    @Test
    void idsAloneAndBack() {
        assertEquals("[4001, 285, 198]\n", tokenize("", "-p", "<|im_start|>user\n", "--ids").out());
        assertEquals("[4001, 285, 198]\nTotal number of tokens: 3\n",
                tokenize("<|im_start|>user\n", "--ids", "--show-count").out());
        assertEquals("<|im_start|>user\n\n", tokenize("", "--decode", "[4001, 285,198]").out());
        assertTrue(tokenize("", "-p", "<|im_start|>", "--no-parse-special").out().lines().count() > 1);
    }

    @Test
    void json() {
        String out = tokenize("", "-p", "<|im_start|>user", "--json").out().replaceAll("\\s", "");
        assertEquals("{\"count\":2,\"tokens\":[{\"id\":4001,\"piece\":\"<|im_start|>\",\"special\":true},"
                + "{\"id\":285,\"piece\":\"user\",\"special\":false}]}", out);
        assertTrue(tokenize("", "-p", "\u4E36", "--json").out().replaceAll("\\s", "").contains("\"piece\":[228"));
        assertTrue(tokenize("", "-p", "\u4E36").out().contains("'\\xe4"));
        assertTrue(tokenize("", "-p", "\u0001\t\r").out().contains("'\\x01'"));
        assertEquals("{\"count\":1,\"text\":\"user\",\"ids\":[285]}",
                tokenize("", "--decode", "285", "--ids", "--json").out().replaceAll("\\s", ""));
    }

    @Test
    void filesAreTakenWholeAndMustBeText() throws IOException {
        Path file = scratch.resolve("text");
        Files.writeString(file, "user\n");
        assertEquals("[285, 198]\n", tokenize("", "-f", file.toString(), "--ids").out());
        Files.write(file, new byte[] {'a', (byte) 0xff});
        Cli broken = tokenize("", "-f", file.toString());
        assertEquals(2, broken.code());
        assertTrue(broken.err().contains("it is not UTF-8 text"), broken.err());
        assertEquals(2, tokenize("", "-f", scratch.resolve("none").toString()).code());
    }

    @Test
    void wrongUse() {
        assertEquals(2, tokenize("", "-p", "a", "--decode", "1").code());
        assertEquals(2, tokenize("", "-p", "a", "-f", "b").code());
        assertTrue(tokenize("", "--decode", "1 two").err().contains("found \"two\""));
        Cli beyond = tokenize("", "--decode", "4096");
        assertEquals(2, beyond.code());
        assertTrue(beyond.err().contains("0 to 4095, found 4096"), beyond.err());
    }
}
