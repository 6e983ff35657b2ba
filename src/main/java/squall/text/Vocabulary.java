package squall.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import squall.format.ModelFileException;
import squall.format.StringList;
import squall.text.TokenizerDefinition.Kind;

/**
 * The bytes of every token in one array, and the way back from bytes to ids: a hash table of ids with open addressing.
 * Tokens that are not spelt in the byte alphabet (added ones with blanks, for instance) are found by their text.
 */
final class Vocabulary {
    private final String where;
    private final byte[] bytes;
    /** Token {@code id} is {@code bytes[start[id], start[id + 1])}. */
    private final int[] start;
    private final Kind[] kinds;
    /** Slot to id, -1 where empty; a power of two of slots, at most half of them taken. */
    private final int[] table;
    private final Map<String, Integer> literal = new HashMap<>();
    /** The ids in {@link #literal}. */
    private final BitSet literalIds = new BitSet();

    Vocabulary(TokenizerDefinition from) {
        this.where = from.where();
        this.kinds = from.kinds();
        StringList tokens = from.tokens();
        byte[] all = new byte[tokens.bytes().length];
        start = new int[tokens.size() + 1];
        for (int id = 0; id < tokens.size(); id++) start[id + 1] = write(id, tokens, all, start[id]);
        bytes = Arrays.copyOf(all, start[tokens.size()]);
        table = new int[Integer.highestOneBit(Math.max(2, tokens.size())) * 4];
        Arrays.fill(table, -1);
        for (int id = 0; id < tokens.size(); id++) {
            if (kinds[id] == Kind.UNUSED || literalIds.get(id)) continue;
            int slot = slot(bytes, start[id], start[id + 1]);
            if (table[slot] >= 0) throw duplicate(tokens.get(id), table[slot], id);
            table[slot] = id;
        }
    }

    /** Writes the bytes of a token, no more than it is spelt with, and returns where they end. */
    private int write(int id, StringList tokens, byte[] all, int at) {
        if (kinds[id] == Kind.UNUSED) return at;
        int end = isAdded(id) && !ByteAlphabet.isPlain(tokens.get(id)) ? -1
                : ByteAlphabet.decode(tokens.bytes(), tokens.begin(id), tokens.end(id), all, at);
        if (end >= 0) return end;
        String token = tokens.get(id);
        Integer before = literal.putIfAbsent(token, id);
        if (before != null) throw duplicate(token, before, id);
        literalIds.set(id);
        byte[] text = token.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(text, 0, all, at, text.length);
        return at + text.length;
    }

    private boolean isAdded(int id) {
        return kinds[id] == Kind.CONTROL || kinds[id] == Kind.USER;
    }

    private ModelFileException duplicate(String token, int first, int second) {
        return new ModelFileException(where + ": the tokens " + first + " and " + second + " are both \"" + token
                + "\"; every token must be there once. Get the file again");
    }

    /** Writes the bytes that the text spells; returns where they end, or -1 where it is not spelt in the alphabet. */
    private static int decode(String token, byte[] to, int at) {
        for (int i = 0; i < token.length(); i++) {
            int b = ByteAlphabet.byteOf(token.charAt(i));
            if (b < 0) return -1;
            to[at++] = (byte) b;
        }
        return at;
    }

    /** The slot of the token with these bytes, or the empty one where it would be. */
    private int slot(byte[] word, int from, int to) {
        int slot = home(hash(0, word, from, to));
        while (table[slot] >= 0) {
            int id = table[slot];
            if (Arrays.equals(word, from, to, bytes, start[id], start[id + 1])) return slot;
            slot = slot + 1 & table.length - 1;
        }
        return slot;
    }

    private static int hash(int before, byte[] word, int from, int to) {
        int hash = before;
        for (int i = from; i < to; i++) hash = 31 * hash + word[i];
        return hash;
    }

    private int home(int hash) {
        return (int) (hash * 0x9E3779B97F4A7C15L >>> 32) & table.length - 1;
    }

    /** The id of the token whose bytes are those of one token and then another, or -1. */
    int joined(int left, int right) {
        int l = start[left], r = start[right];
        int n = start[left + 1] - l, m = start[right + 1] - r;
        int slot = home(hash(hash(0, bytes, l, l + n), bytes, r, r + m));
        for (; table[slot] >= 0; slot = slot + 1 & table.length - 1) {
            int id = table[slot];
            int at = start[id];
            if (start[id + 1] - at == n + m && Arrays.equals(bytes, l, l + n, bytes, at, at + n)
                    && Arrays.equals(bytes, r, r + m, bytes, at + n, at + n + m)) return id;
        }
        return -1;
    }

    /** The id of the token with these bytes, or -1. */
    int find(byte[] word, int from, int to) {
        return table[slot(word, from, to)];
    }

    /** The id of the token spelt {@code left + right}, as in the file, or -1. */
    int find(String left, String right) {
        byte[] word = new byte[left.length() + right.length()];
        int end = decode(left, word, 0);
        if (end >= 0) end = decode(right, word, end);
        int id = end < 0 ? -1 : find(word, 0, end);
        return id >= 0 || literal.isEmpty() ? id : literal.getOrDefault(left + right, -1);
    }

    OptionalInt id(String token) {
        int id = find(token, "");
        return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
    }

    int size() {
        return kinds.length;
    }

    Kind kind(int id) {
        return kinds[check(id)];
    }

    byte[] bytes(int id) {
        return Arrays.copyOfRange(bytes, start[check(id)], start[id + 1]);
    }

    /** The token as the file spells it. */
    String token(int id) {
        byte[] word = bytes(id);
        return literalIds.get(id) ? new String(word, StandardCharsets.UTF_8) : ByteAlphabet.text(word);
    }

    private int check(int id) {
        if (id < 0 || id >= kinds.length) {
            throw new IllegalArgumentException("token id " + id + " is not in the vocabulary: expected 0 to " + (kinds.length - 1));
        }
        return id;
    }
}
