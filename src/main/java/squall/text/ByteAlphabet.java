package squall.text;

import java.util.Arrays;

/**
 * The printable alphabet in which byte-level BPE spells bytes: 33-126, 161-172 and 174-255 stand for themselves as code
 * points, the other 68 are U+0100, U+0101 ... in ascending order. A space is U+0120, a newline U+010A.
 */
final class ByteAlphabet {
    private static final char[] CHARS = new char[256];
    private static final short[] BYTES = new short[256 + 68];

    static {
        Arrays.fill(BYTES, (short) -1);
        char next = 256;
        for (int b = 0; b < 256; b++) {
            boolean itself = b >= 33 && b <= 126 || b >= 161 && b <= 172 || b >= 174;
            CHARS[b] = itself ? (char) b : next++;
            BYTES[CHARS[b]] = (short) b;
        }
    }

    private ByteAlphabet() {}

    /** How the byte (0-255) is spelt. */
    static char charOf(int b) {
        return CHARS[b];
    }

    /** The byte (0-255) that the character stands for, or -1. */
    static int byteOf(char c) {
        return c < BYTES.length ? BYTES[c] : -1;
    }

    /** Writes the bytes that the text {@code utf8[from, to)} spells; returns where they end, or -1 where it is not spelt in the alphabet. */
    static int decode(byte[] utf8, int from, int to, byte[] into, int at) {
        for (int i = from; i < to; ) {
            int c = utf8[i++];
            if (c < 0) { // what is not ASCII takes two bytes in this alphabet, the first from 0xC2
                if ((c & 0xE0) != 0xC0 || i == to || (utf8[i] & 0xC0) != 0x80) return -1;
                c = (c & 0x1F) << 6 | utf8[i++] & 0x3F;
                if (c < 0x80) return -1;
            }
            int b = byteOf((char) c);
            if (b < 0) return -1;
            into[at++] = (byte) b;
        }
        return at;
    }

    /** How the bytes are spelt. */
    static String text(byte[] bytes) {
        StringBuilder text = new StringBuilder(bytes.length);
        for (byte b : bytes) text.append(CHARS[b & 0xff]);
        return text.toString();
    }

    /** Whether the text is printable ASCII, which is spelt and written alike. */
    static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < 33 || c > 126) return false;
        }
        return true;
    }
}
