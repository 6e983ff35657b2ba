package squall.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads little-endian values one after another. Nothing is read past the end and nothing is allocated that the bytes
 * left cannot hold; either is a {@link ModelFileException} saying what was being read and where.
 */
final class Cursor {
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Copied at a time to look for lengths. */
    private static final long WINDOW_BYTES = 1 << 16;

    private final MemorySegment data;
    private final String file;
    private long at;

    Cursor(MemorySegment data, String file) {
        this.data = data;
        this.file = file;
    }

    long position() {
        return at;
    }

    long left() {
        return data.byteSize() - at;
    }

    int i32(String what) {
        return data.get(U32, take(4, what));
    }

    long u32(String what) {
        return Integer.toUnsignedLong(i32(what));
    }

    long i64(String what) {
        return data.get(U64, take(8, what));
    }

    /** An unsigned number that must fit a long. */
    long u64(String what) {
        long at0 = at;
        long v = i64(what);
        if (v < 0) throw wrong(what, at0, "a number below 2^63", Long.toUnsignedString(v));
        return v;
    }

    /** A count of things of at least {@code minBytes} each: no more than the rest of the file can hold. */
    long count(String what, long minBytes) {
        long at0 = at;
        long n = u64(what);
        if (n > left() / minBytes)
            throw wrong(what, at0, "at most " + left() / minBytes + " in the " + left() + " bytes left", n);
        return n;
    }

    /** A string of valid UTF-8 after its length, of at most {@code max} bytes. */
    String string(String what, long max) {
        long at0 = at;
        long n = count("length of " + what, 1);
        if (n > max) throw wrong("length of " + what, at0, "at most " + max + " bytes", n);
        if (n == 0) return "";
        byte[] bytes = data.asSlice(take(n, what), n).toArray(ValueLayout.JAVA_BYTE);
        String s = new String(bytes, StandardCharsets.UTF_8);
        if (s.indexOf('\uFFFD') >= 0) checkUtf8(bytes, what, at0);
        return s;
    }

    /** {@code n} strings, as {@link #string}, but for UTF-8, which is checked when one is asked for. Only the lengths are looked at. */
    StringList strings(int n, String what, long max) {
        long first = at;
        long end = data.byteSize();
        int[] begin = new int[n + 1];
        int most = (int) Math.min(max, Integer.MAX_VALUE);
        byte[] window = new byte[(int) Math.min(WINDOW_BYTES, end - at)];
        long windowEnd = at;
        for (int i = 0; i < n; i++) {
            if (at + Long.BYTES > windowEnd) {
                int size = (int) Math.min(window.length, end - at);
                MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, window, window.length - size, size);
                windowEnd = at + size;
            }
            int w = window.length - (int) (windowEnd - at);
            boolean isShort = at + Long.BYTES <= windowEnd && (window[w + 4] | window[w + 5] | window[w + 6] | window[w + 7]) == 0;
            int length = isShort ? window[w] & 0xFF | (window[w + 1] & 0xFF) << 8 | (window[w + 2] & 0xFF) << 16 | window[w + 3] << 24 : -1;
            if (length < 0 || length > most || length > end - at - Long.BYTES) string(what + "[" + i + "]", max); // says what is wrong
            if (at + Long.BYTES + length - first > Integer.MAX_VALUE - 16) throw wrong("strings of key " + what, first, "less than 2 GiB", "more");
            begin[i] = (int) (at + Long.BYTES - first);
            at += Long.BYTES + length;
        }
        begin[n] = (int) (at + Long.BYTES - first);
        return new StringList(data.asSlice(first, at - first).toArray(ValueLayout.JAVA_BYTE), begin, Long.BYTES, file, what);
    }

    byte[] bytes(long n, String what) {
        return data.asSlice(take(n, what), n).toArray(ValueLayout.JAVA_BYTE);
    }

    ModelFileException wrong(String what, long offset, Object expected, Object found) {
        return ModelFileException.mismatch(file, what + " at byte " + offset, expected, found);
    }

    private void checkUtf8(byte[] bytes, String what, long offset) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
        } catch (CharacterCodingException e) {
            throw wrong(what, offset, "valid UTF-8", "other bytes");
        }
    }

    private long take(long n, String what) {
        if (n > left())
            throw wrong(what, at, n + " bytes", left() + " before the end of the file; it is truncated or damaged");
        long from = at;
        at += n;
        return from;
    }
}
