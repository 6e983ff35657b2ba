package squall.text;

import java.util.Arrays;
import java.util.List;
import squall.format.ModelFileException;

/** Which pairs of tokens merge into which, and in what order: a hash table with open addressing over packed pairs. */
final class Merges {
    private static final long EMPTY = -1;

    /** left &lt;&lt; 32 | right, or {@link #EMPTY}; a power of two of slots, at most half of them taken. */
    private final long[] pairs;
    private final int[] ranks;
    private final int[] merged;

    /** @param merges left and right of each merge in turn, in order of rank; of a pair given twice the later rank counts */
    Merges(List<String> merges, Vocabulary vocabulary, String where) {
        int count = merges.size() / 2;
        int slots = Integer.highestOneBit(Math.max(2, count)) * 4;
        pairs = new long[slots];
        ranks = new int[slots];
        merged = new int[slots];
        Arrays.fill(pairs, EMPTY);
        for (int rank = 0; rank < count; rank++) {
            String left = merges.get(2 * rank);
            String right = merges.get(2 * rank + 1);
            int from = known(left, rank, left, right, vocabulary, where);
            int to = known(right, rank, left, right, vocabulary, where);
            int slot = slot(from, to);
            pairs[slot] = pack(from, to);
            ranks[slot] = rank;
            merged[slot] = known(left.concat(right), rank, left, right, vocabulary, where);
        }
    }

    private static int known(String token, int rank, String left, String right, Vocabulary vocabulary, String where) {
        int id = vocabulary.find(token);
        if (id >= 0) return id;
        throw new ModelFileException(where + ": merge " + rank + " (\"" + left + "\" with \"" + right
                + "\") needs the token \"" + token + "\", which the vocabulary does not have. Get the file again");
    }

    private static long pack(int left, int right) {
        return (long) left << 32 | right;
    }

    /** Where the pair is, or the empty slot where it would be. */
    private int slot(int left, int right) {
        long pair = pack(left, right);
        int slot = (int) (pair * 0x9E3779B97F4A7C15L >>> 32) & pairs.length - 1;
        while (pairs[slot] != EMPTY && pairs[slot] != pair) slot = slot + 1 & pairs.length - 1;
        return slot;
    }

    /** The slot of the pair, or -1 where the two do not merge. */
    int find(int left, int right) {
        int slot = slot(left, right);
        return pairs[slot] == EMPTY ? -1 : slot;
    }

    /** Lower merges first. */
    int rank(int slot) {
        return ranks[slot];
    }

    /** The token that the pair becomes. */
    int merged(int slot) {
        return merged[slot];
    }
}
