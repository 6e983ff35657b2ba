package squall.format;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * Strings kept as their UTF-8 bytes in one array, those of a GGUF array with the lengths between them as in the file: a vocabulary has
 * hundreds of thousands, and a process that has just started would take longer to make objects of them than for the few lookups of a prompt.
 * Each is decoded, and checked, on access.
 */
public final class StringList extends AbstractList<String> implements RandomAccess {
    private final byte[] bytes;
    /** String i is {@code bytes[begin[i], begin[i + 1] - gap)}. */
    private final int[] begin;
    private final int gap;
    /** Where they come from, for messages. */
    private final String file;
    private final String what;

    StringList(byte[] bytes, int[] begin, int gap, String file, String what) {
        this.bytes = bytes;
        this.begin = begin;
        this.gap = gap;
        this.file = file;
        this.what = what;
    }

    /**
     * The same strings; null becomes empty.
     *
     * @throws ModelFileException if they have 2 GiB or more together
     */
    public static StringList of(List<String> strings, String where) {
        if (strings instanceof StringList those) return those;
        int[] begin = new int[strings.size() + 1];
        byte[][] all = new byte[strings.size()][];
        long end = 0;
        for (int i = 0; i < all.length; i++) {
            all[i] = strings.get(i) == null ? new byte[0] : strings.get(i).getBytes(StandardCharsets.UTF_8);
            end += all[i].length;
            if (end > Integer.MAX_VALUE - 8) throw ModelFileException.mismatch(where, "strings", "less than 2 GiB of text", "more");
            begin[i + 1] = (int) end;
        }
        byte[] bytes = new byte[(int) end];
        for (int i = 0; i < all.length; i++) System.arraycopy(all[i], 0, bytes, begin[i], all[i].length);
        return new StringList(bytes, begin, 0, where, "string ");
    }

    /** The bytes of all, not to be changed. */
    public byte[] bytes() {
        return bytes;
    }

    /** Where string i begins in {@link #bytes}. */
    public int begin(int i) {
        return begin[i];
    }

    /** Where string i ends in {@link #bytes}. */
    public int end(int i) {
        return begin[i + 1] - gap;
    }

    /** Whether string i starts with these characters of ASCII. */
    public boolean startsWith(int i, String ascii) {
        int from = begin(i);
        if (end(i) - from < ascii.length()) return false;
        for (int j = 0; j < ascii.length(); j++) if (bytes[from + j] != ascii.charAt(j)) return false;
        return true;
    }

    /** @throws ModelFileException if it is not valid UTF-8 */
    @Override public String get(int i) {
        Objects.checkIndex(i, size());
        int length = end(i) - begin[i];
        String s = new String(bytes, begin[i], length, StandardCharsets.UTF_8);
        if (s.indexOf('\uFFFD') >= 0) check(i, length);
        return s;
    }

    private void check(int i, int length) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, begin[i], length));
        } catch (CharacterCodingException e) {
            throw ModelFileException.mismatch(file, what + "[" + i + "]", "valid UTF-8", "other bytes");
        }
    }

    @Override public int size() {
        return begin.length - 1;
    }
}
