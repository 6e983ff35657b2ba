package squall.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PreTokenizerTest {

    @ParameterizedTest
    @EnumSource(PreTokenizer.class)
    void cutsTheGoldenTextsAsTheReference(PreTokenizer preTokenizer) {
        List<String[]> rows = SquallTiny.rows("pretokenizer.tsv");
        assertEquals(4007, rows.size());
        for (String[] row : rows) {
            List<String> expected = new ArrayList<>();
            for (String piece : row[1 + preTokenizer.ordinal()].split(",")) expected.add(SquallTiny.unhex(piece));
            String text = SquallTiny.unhex(row[0]);
            assertEquals(expected, preTokenizer.pieces(text), () -> "text in hex: " + row[0]);
            assertEquals(expected, preTokenizer.piecesByRegex(text), () -> "text in hex: " + row[0]);
        }
    }

    @Property(tries = 3000)
    void theScannerIsTheExpression(@ForAll PreTokenizer preTokenizer, @ForAll("awkward") String text) {
        assertEquals(preTokenizer.piecesByRegex(text), preTokenizer.pieces(text));
    }

    @Property(tries = 1000)
    void theScannerIsTheExpressionOnAnyText(@ForAll PreTokenizer preTokenizer, @ForAll String text) {
        assertEquals(preTokenizer.piecesByRegex(text), preTokenizer.pieces(text));
    }

    /** Every alternative of the expressions, and what decides between them, is frequent here. */
    @Provide
    Arbitrary<String> awkward() {
        Arbitrary<String> part = Arbitraries.of("'", "s", "S", "\u017F", "t", "l", "L", "r", "e", "v", "m", "D", " ", "  ", "\n",
                "\r", "\t", "\u00A0", "\u3000", "\u0085", "\u001C", "1", "\u0663", "\u00BD", "\u0301", "\u0E31", "\u20DD",
                "\u4E2D", "!", "?", "_", "\u200B", "\u200D", "\uD83D\uDE00", "\uD835\uDD4F", "\uD83C\uDDEB", "\uFFFD");
        return part.list().ofMaxSize(14).map(parts -> String.join("", parts));
    }

    @Test
    void everyCharacterIsClassifiedAsTheExpressionDoes() {
        for (PreTokenizer preTokenizer : PreTokenizer.values()) {
            StringBuilder all = new StringBuilder();
            for (int c = 0; c < 0x20000; c++) {
                if (Character.getType(c) == Character.UNASSIGNED || Character.getType(c) == Character.SURROGATE) continue;
                all.append(' ').appendCodePoint(c).append("a1").appendCodePoint(c).append('!');
            }
            assertEquals(preTokenizer.piecesByRegex(all.toString()), preTokenizer.pieces(all.toString()));
        }
    }

    @ParameterizedTest
    @EnumSource(PreTokenizer.class)
    void longRunsOfBlanksTakeLinearTime(PreTokenizer preTokenizer) {
        String blanks = " ".repeat(2_000_000);
        assertTimeout(Duration.ofSeconds(5), () -> {
            assertEquals(List.of(blanks.substring(1), " x"), preTokenizer.pieces(blanks + "x"));
            assertEquals(List.of(blanks + "\n", blanks.substring(1), " x"), preTokenizer.pieces(blanks + "\n" + blanks + "x"));
            assertEquals(List.of(blanks), preTokenizer.pieces(blanks));
            assertEquals(1, preTokenizer.pieces("\n".repeat(2_000_000)).size());
        });
    }
}
