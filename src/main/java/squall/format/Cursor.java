package squall.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads little-endian values one after another. Nothing is read past the end and nothing is allocated that the bytes
 * left cannot hold; either is a {@link ModelFileException} saying what was being read and where.
 */
final class Cursor {
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment data;
    private final String file;
    private long at;
    /** Bytes of a string, kept for the next one. */
    private byte[] text = new byte[256];

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

    /** {@code n} strings, as {@link #string}: an element has a name only where something is to be said about it. */
    List<String> strings(int n, String what, long max) {
        List<String> all = new ArrayList<>(n);
        for (int i = 0; i < n; i++) {
            String s = plainString(max);
            all.add(s != null ? s : string(what + "[" + i + "]", max));
        }
        return all;
    }

    /** The next string, or null and nothing read if there may be something wrong with it. */
    private String plainString(long max) {
        if (left() < Long.BYTES) return null;
        long n = data.get(U64, at);
        if (n < 0 || n > Math.min(max, left() - Long.BYTES)) return null;
        if (text.length < n) text = new byte[(int) Math.max(n, 2L * text.length)];
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at + Long.BYTES, text, 0, (int) n);
        String s = new String(text, 0, (int) n, StandardCharsets.UTF_8);
        if (s.indexOf('\uFFFD') >= 0) return null;
        at += Long.BYTES + n;
        return s;
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
