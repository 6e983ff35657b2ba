package squall.text;

import java.util.Arrays;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import squall.format.ModelFileException;
import squall.format.StringList;

/** Which pairs of tokens merge into which, and in what order: a hash table with open addressing over packed pairs. */
final class MergeTable implements Merges {
    private static final long EMPTY = -1;

    /** Up to this many merges are looked up by one thread. */
    private static final int SMALL = 1 << 14;

    /** left &lt;&lt; 32 | right, or {@link #EMPTY}; a power of two of slots, at most half of them taken. */
    private final long[] pairs;
    private final int[] ranks;
    private final int[] merged;

    /** @param merges as a {@link TokenizerDefinition} has them; of a pair given twice the later rank counts */
    MergeTable(StringList merges, Vocabulary vocabulary, String where) {
        int count = merges.size();
        int[] left = new int[count];
        int[] right = new int[count];
        int[] both = new int[count];
        IntConsumer find = rank -> {
            String merge = merges.get(rank);
            int blank = merge.indexOf(' ', 1);
            if (blank < 0 || blank == merge.length() - 1)
                throw ModelFileException.mismatch(where, "merge " + rank, "two tokens with a blank between", '"' + merge + '"');
            left[rank] = vocabulary.find(merge.substring(0, blank), "");
            right[rank] = vocabulary.find(merge.substring(blank + 1), "");
            both[rank] = vocabulary.find(merge.substring(0, blank), merge.substring(blank + 1));
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
                throw unknown(rank, merges.get(rank), where);
            }
            int slot = slot(left[rank], right[rank]);
            pairs[slot] = pack(left[rank], right[rank]);
            ranks[slot] = rank;
            merged[slot] = both[rank];
        }
    }

    private static ModelFileException unknown(int rank, String merge, String where) {
        int blank = merge.indexOf(' ', 1);
        String left = merge.substring(0, blank), right = merge.substring(blank + 1);
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

    @Override public int find(int left, int right) {
        int slot = slot(left, right);
        return pairs[slot] == EMPTY ? -1 : slot;
    }

    @Override public int rank(int slot) {
        return ranks[slot];
    }

    @Override public int merged(int slot) {
        return merged[slot];
    }
}
