package squall.text;

/**
 * The tokens of words seen before; a later word takes the place of an earlier one in its slot. Entries are immutable and
 * each is published by one reference, so that threads may race: the worst is a word encoded twice.
 */
final class WordCache {
    private static final int SLOTS = 1 << 13;
    private static final int LONGEST = 24;

    private record Entry(String word, int[] ids) {}

    private final Entry[] entries = new Entry[SLOTS];

    static boolean takes(int length) {
        return length <= LONGEST;
    }

    /** The ids of {@code text[from, to)}, not to be changed, or null. */
    int[] get(String text, int from, int to) {
        Entry entry = entries[slot(text, from, to)];
        boolean hit = entry != null && entry.word.length() == to - from && text.startsWith(entry.word, from);
        return hit ? entry.ids : null;
    }

    void put(String word, int[] ids) {
        entries[slot(word, 0, word.length())] = new Entry(word, ids);
    }

    private static int slot(String text, int from, int to) {
        int hash = 0;
        for (int i = from; i < to; i++) hash = 31 * hash + text.charAt(i);
        return (hash ^ hash >>> 15) & SLOTS - 1;
    }
}
