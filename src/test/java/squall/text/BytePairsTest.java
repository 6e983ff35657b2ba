package squall.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class BytePairsTest {

    /** The definition: look at all neighbours, merge the leftmost pair of the lowest rank, again until there is none. */
    private static List<String> slowly(byte[] piece, Map<String, Integer> ranks) {
        List<String> symbols = new ArrayList<>();
        for (byte b : piece) symbols.add(String.valueOf(ByteAlphabet.charOf(b & 0xff)));
        while (true) {
            int best = -1;
            int lowest = Integer.MAX_VALUE;
            for (int i = 0; i + 1 < symbols.size(); i++) {
                int rank = ranks.getOrDefault(symbols.get(i) + " " + symbols.get(i + 1), Integer.MAX_VALUE);
                if (rank < lowest) {
                    lowest = rank;
                    best = i;
                }
            }
            if (best < 0) return symbols;
            symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
        }
    }

    @Test
    void mergesAsTheDefinition() throws IOException {
        Map<?, ?> model = (Map<?, ?>) JsonMapper.shared().readValue(SquallTiny.tokenizerJson(), Map.class).get("model");
        Map<String, Integer> ranks = new HashMap<>();
        for (Object merge : (List<?>) model.get("merges")) {
            ranks.put(((List<?>) merge).get(0) + " " + ((List<?>) merge).get(1), ranks.size());
        }
        Tokenizer tokenizer = SquallTiny.json();
        Random random = new Random(3);
        String[] parts = {"a", "e", "th", "he", "the", "in", "er", "an", "ing", "tion", "s", "l", "o", "\u00E9", "\u4E2D", "ea", "x"};
        for (int round = 0; round < 3000; round++) {
            StringBuilder word = new StringBuilder();
            for (int i = random.nextInt(14); i >= 0; i--) word.append(parts[random.nextInt(parts.length)]);
            List<String> expected = slowly(word.toString().getBytes(StandardCharsets.UTF_8), ranks);
            int[] ids = tokenizer.encodeText(word.toString());
            List<String> tokens = new ArrayList<>();
            for (int id : ids) tokens.add(tokenizer.token(id));
            assertEquals(expected, tokens, word.toString());
        }
    }

    @Test
    void aWordOfAMegabyteTakesNoTime() {
        Tokenizer tokenizer = SquallTiny.json();
        for (String part : new String[] {"abcdefghij", "a", "the", "\u00E9\u4E2D"}) {
            String word = part.repeat(1_000_000 / part.length());
            int[] ids = assertTimeout(Duration.ofSeconds(10), () -> tokenizer.encode(word));
            assertTrue(ids.length < 3_000_000);
            assertEquals(word, tokenizer.decode(ids));
        }
    }

    @Test
    void repeatedLettersMergeFromTheLeft() {
        Tokenizer tokenizer = SquallTiny.json();
        int[] ll = tokenizer.encodeText("ll");
        assertEquals(1, ll.length);
        int[] lll = tokenizer.encodeText("lll");
        assertArrayEquals(new int[] {ll[0], tokenizer.id("l").orElseThrow()}, lll);
    }
}
