package squall.text;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import squall.format.ModelFileException;

/** Which pairs of tokens merge into which, and in what order: a hash table with open addressing over packed pairs. */
final class Merges {
    private static final long EMPTY = -1;

    /** Up to this many merges are looked up by one thread. */
    private static final int SMALL = 1 << 14;

    /** left &lt;&lt; 32 | right, or {@link #EMPTY}; a power of two of slots, at most half of them taken. */
    private final long[] pairs;
    private final int[] ranks;
    private final int[] merged;

    /** @param merges left and right of each merge in turn, in order of rank; of a pair given twice the later rank counts */
    Merges(List<String> merges, Vocabulary vocabulary, String where) {
        int count = merges.size() / 2;
        int[] left = new int[count];
        int[] right = new int[count];
        int[] both = new int[count];
        IntConsumer find = rank -> {
            left[rank] = vocabulary.find(merges.get(2 * rank), "");
            right[rank] = vocabulary.find(merges.get(2 * rank + 1), "");
            both[rank] = vocabulary.find(merges.get(2 * rank), merges.get(2 * rank + 1));
        };
        // A real vocabulary has a quarter of a million merges, each with a few cache misses. For a small one the streams
        // would take longer to load (20 ms) than the work.
        if (count > SMALL) IntStream.range(0, count).parallel().forEach(find);
        else for (int rank = 0; rank < count; rank++) find.accept(rank);
        int slots = Integer.highestOneBit(Math.max(2, count)) * 4;
        pairs = new long[slots];
        ranks = new int[slots];
        merged = new int[slots];
        Arrays.fill(pairs, EMPTY);
        for (int rank = 0; rank < count; rank++) {
            if (left[rank] < 0 || right[rank] < 0 || both[rank] < 0) {
                throw unknown(rank, merges.get(2 * rank), merges.get(2 * rank + 1), where);
            }
            int slot = slot(left[rank], right[rank]);
            pairs[slot] = pack(left[rank], right[rank]);
            ranks[slot] = rank;
            merged[slot] = both[rank];
        }
    }

    private static ModelFileException unknown(int rank, String left, String right, String where) {
        return ModelFileException.mismatch(where, "merge " + rank, "\"" + left + "\", \"" + right + "\" and \"" + left + right
                + "\" in the vocabulary", "that not all of them are. Get the file again");
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
