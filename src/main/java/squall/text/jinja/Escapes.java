package squall.text.jinja;

/** The escapes of string literals, as in Python: an unknown one stays as it is, backslash included. */
final class Escapes {
    private Escapes() {
    }

    static String unescape(String text, int line) throws SyntaxException {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i++);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char e = text.charAt(i++);
            switch (e) {
                case '\n' -> { }
                case '\\', '\'', '"' -> out.append(e);
                case 'a' -> out.append('\u0007');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'n' -> out.append('\n');
                case 'r' -> out.append('\r');
                case 't' -> out.append('\t');
                case 'v' -> out.append('\u000b');
                case 'x' -> i = hex(text, i, 2, out, line);
                case 'u' -> i = hex(text, i, 4, out, line);
                case 'U' -> i = hex(text, i, 8, out, line);
                case 'N' -> i = named(text, i, out, line);
                case '0', '1', '2', '3', '4', '5', '6', '7' -> i = octal(text, i - 1, out);
                default -> {
                    if (e >= 128) { // a letter outside ASCII stands for itself, as an escape of its own, behind the backslash
                        throw new SyntaxException(line, "the escape '\\" + e + "' in a string is not supported");
                    }
                    out.append('\\').append(e);
                }
            }
        }
        return out.toString();
    }

    private static int hex(String text, int from, int count, StringBuilder out, int line) throws SyntaxException {
        int code = 0;
        for (int k = 0; k < count; k++) {
            int digit = from + k < text.length() ? Character.digit(text.charAt(from + k), 16) : -1;
            if (digit < 0 || code > 0x10ffff) {
                throw new SyntaxException(line, "an escape in a string needs " + count + " hexadecimal digits");
            }
            code = code * 16 + digit;
        }
        if (!Character.isValidCodePoint(code)) {
            throw new SyntaxException(line, "an escape in a string is no Unicode character");
        }
        out.appendCodePoint(code);
        return from + count;
    }

    private static int octal(String text, int from, StringBuilder out) {
        int i = from;
        int code = 0;
        while (i < from + 3 && i < text.length() && text.charAt(i) >= '0' && text.charAt(i) <= '7') {
            code = code * 8 + text.charAt(i++) - '0';
        }
        out.append((char) code);
        return i;
    }

    private static int named(String text, int from, StringBuilder out, int line) throws SyntaxException {
        int end = text.indexOf('}', from);
        if (from < text.length() && text.charAt(from) == '{' && end > 0) {
            try {
                out.appendCodePoint(Character.codePointOf(text.substring(from + 1, end)));
                return end + 1;
            } catch (IllegalArgumentException unknown) {
                // falls through to the message
            }
        }
        throw new SyntaxException(line, "an unknown character name in a string escape");
    }
}
