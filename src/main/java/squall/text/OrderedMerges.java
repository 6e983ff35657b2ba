package squall.text;

import java.util.Arrays;
import squall.format.StringList;
import squall.text.TokenizerDefinition.Kind;

/**
 * Merges in the order of the tokens that they make, one for each: merge r makes the token {@code first + r}, as where ranks and ids were
 * one thing when the vocabulary was trained (Qwen's). Then a pair merges if both together are a token and its merge is split where they meet, and
 * no table of all pairs needs to be made, for which a quarter of a million texts would be cut and looked up before the first prompt.
 */
final class OrderedMerges implements Merges {
    private static final byte BLANK = ' ';

    private final StringList merges;
    private final StringList tokens;
    private final Vocabulary vocabulary;
    private final int first;

    private OrderedMerges(StringList merges, StringList tokens, Vocabulary vocabulary, int first) {
        this.merges = merges;
        this.tokens = tokens;
        this.vocabulary = vocabulary;
        this.first = first;
    }

    /** The merges of the definition, or null if they are not of this kind. */
    static OrderedMerges of(TokenizerDefinition definition, Vocabulary vocabulary) {
        StringList merges = definition.merges();
        StringList tokens = definition.tokens();
        if (merges.isEmpty()) return null;
        int first = vocabulary.id(merges.getFirst().replace(" ", "")).orElse(tokens.size());
        if (first + merges.size() > tokens.size()) return null;
        for (int r = 0; r < merges.size(); r++) if (!makes(merges, r, tokens, first + r) || vocabulary.kind(first + r) != Kind.NORMAL) return null;
        return new OrderedMerges(merges, tokens, vocabulary, first);
    }

    /** Whether the merge is the token with a blank in it. */
    private static boolean makes(StringList merges, int merge, StringList tokens, int token) {
        byte[] m = merges.bytes(), t = tokens.bytes();
        int from = merges.begin(merge), to = merges.end(merge);
        int begin = tokens.begin(token), end = tokens.end(token);
        if (to - from != end - begin + 1) return false;
        int blank = Arrays.mismatch(m, from, to, t, begin, end);
        return blank > 0 && blank < end - begin && m[from + blank] == BLANK && Arrays.equals(m, from + blank + 1, to, t, begin + blank, end);
    }

    @Override public int find(int left, int right) {
        int merge = vocabulary.joined(left, right) - first;
        if (merge < 0 || merge >= merges.size()) return -1;
        return merges.bytes()[merges.begin(merge) + tokens.end(left) - tokens.begin(left)] == BLANK ? merge : -1;
    }

    @Override public int rank(int merge) {
        return merge;
    }

    @Override public int merged(int merge) {
        return first + merge;
    }
}
