package squall.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import squall.format.ModelFile;
import squall.format.ModelFiles;
import squall.format.StringList;

/** Merges that are looked for among the tokens are those of the table of all pairs. */
class OrderedMergesTest {

    private static TokenizerDefinition shipped() {
        try (ModelFile file = ModelFiles.open(SquallTiny.directory().resolve("squall-tiny-Q8_0.gguf"))) {
            return GgufTokenizer.read(file).completed();
        }
    }

    private static TokenizerDefinition with(TokenizerDefinition d, List<String> merges) {
        return new TokenizerDefinition(d.where(), d.tokens(), d.kinds(), d.added(), StringList.of(merges, d.where()), d.preTokenizer(), d.nfc(),
                d.stopIds());
    }

    /** Pairs of tokens that text can become. */
    private static void same(Merges table, Merges ordered, int left, int right) {
        int expected = table.find(left, right);
        int found = ordered.find(left, right);
        assertEquals(expected < 0, found < 0, left + " " + right);
        if (expected < 0) return;
        assertEquals(table.rank(expected), ordered.rank(found));
        assertEquals(table.merged(expected), ordered.merged(found));
    }

    @Test
    void asTheTable() {
        TokenizerDefinition d = shipped();
        Vocabulary vocabulary = new Vocabulary(d);
        Merges ordered = OrderedMerges.of(d, vocabulary);
        assertNotNull(ordered);
        Merges table = new MergeTable(d.merges(), vocabulary, d.where());
        Random random = new Random(1);
        int[] ids = IntStream.range(0, d.tokens().size()).filter(id -> vocabulary.kind(id) == TokenizerDefinition.Kind.NORMAL).toArray();
        for (int i = 0; i < 300_000; i++) same(table, ordered, ids[random.nextInt(ids.length)], ids[random.nextInt(ids.length)]);
        for (String merge : d.merges()) {
            String token = merge.replace(" ", "");
            for (int cut = 1; cut < token.length(); cut++) {
                int left = vocabulary.find(token.substring(0, cut), ""), right = vocabulary.find(token.substring(cut), "");
                if (left >= 0 && right >= 0) same(table, ordered, left, right);
            }
        }
    }

    @Test
    void anyOtherOrderNeedsTheTable() {
        TokenizerDefinition d = shipped();
        Vocabulary vocabulary = new Vocabulary(d);
        List<String> swapped = new ArrayList<>(d.merges());
        Collections.swap(swapped, 7, 8);
        assertNull(OrderedMerges.of(with(d, swapped), vocabulary));
        List<String> twice = new ArrayList<>(d.merges());
        twice.add(d.merges().getLast());
        assertNull(OrderedMerges.of(with(d, twice), vocabulary));
        for (String wrong : List.of(" ", "x", "x ", d.merges().getFirst().replace(" ", "  "))) {
            List<String> damaged = new ArrayList<>(d.merges());
            damaged.set(3, wrong);
            assertNull(OrderedMerges.of(with(d, damaged), vocabulary), wrong);
        }
        assertNull(OrderedMerges.of(with(d, List.of()), vocabulary));
    }
}
