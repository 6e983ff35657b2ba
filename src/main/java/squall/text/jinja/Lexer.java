package squall.text.jinja;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import squall.text.jinja.Token.Kind;

/**
 * Splits a template into tokens, and settles white space while doing so:
 * <ul>
 * <li>{@code -} beside a mark removes all white space on that side, {@code +} keeps it;</li>
 * <li>otherwise the first newline after a block or comment is dropped ({@code trim_blocks}), and the blanks between the
 *     start of a line and a block or comment are ({@code lstrip_blocks});</li>
 * <li>line ends become {@code \n}, and one at the end of the template is dropped.</li>
 * </ul>
 */
final class Lexer {
    /** Those of two characters, which win over those of one. */
    private static final String[] LONG_OPERATORS = {"//", "**", "==", "!=", ">=", "<="};
    private static final String OPERATORS = "+-/*%~[](){}><=.:|,;";

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private boolean lineStarting = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String source) throws SyntaxException {
        String text = source.indexOf('\r') < 0 ? source : source.replace("\r\n", "\n").replace('\r', '\n');
        Lexer lexer = new Lexer(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
        lexer.template();
        return lexer.tokens;
    }

    private void template() throws SyntaxException {
        while (true) {
            int mark = nextMark();
            if (mark < 0) {
                data(source.substring(at));
                moveTo(source.length());
                tokens.add(new Token(Kind.END, "", null, line));
                return;
            }
            char kind = source.charAt(mark + 1);
            String text = source.substring(at, mark);
            char sign = signAt(mark + 2);
            data(stripped(text, sign, kind != '{'));
            int inside = mark + (sign == 0 ? 2 : 3);
            moveTo(inside);
            switch (kind) {
                case '#' -> comment();
                case '{' -> expressions(Kind.VARIABLE_BEGIN, Kind.VARIABLE_END);
                default -> {
                    int raw = rawBodyStart(inside);
                    if (raw >= 0) {
                        raw(raw);
                    } else {
                        expressions(Kind.BLOCK_BEGIN, Kind.BLOCK_END);
                    }
                }
            }
        }
    }

    /** Where the next <code>{{</code>, <code>{%</code> or <code>{#</code> stands, or -1. */
    private int nextMark() {
        for (int i = source.indexOf('{', at); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            char c = source.charAt(i + 1);
            if (c == '{' || c == '%' || c == '#') {
                return i;
            }
        }
        return -1;
    }

    private char signAt(int position) {
        char c = position < source.length() ? source.charAt(position) : 0;
        return c == '-' || c == '+' ? c : 0;
    }

    /** Text before a mark, without the white space that the mark takes away. */
    private String stripped(String text, char sign, boolean block) {
        if (sign == '-') {
            return Blanks.stripEnd(text);
        }
        if (sign == 0 && block) {
            int lineStart = text.lastIndexOf('\n') + 1;
            if ((lineStart > 0 || lineStarting) && Blanks.skip(text, lineStart) == text.length()) {
                return text.substring(0, lineStart);
            }
        }
        return text;
    }

    private void data(String text) {
        if (!text.isEmpty()) {
            tokens.add(new Token(Kind.DATA, text, null, line));
        }
    }

    private void moveTo(int end) {
        for (int i = source.indexOf('\n', at, end); i >= 0; i = source.indexOf('\n', i + 1, end)) {
            line++;
        }
        if (end > at) {
            lineStarting = source.charAt(end - 1) == '\n';
        }
        at = end;
    }

    /** Past an end mark at {@code end} and the white space that it takes away. */
    private void closeBlock(int end, char sign) {
        int after = end + 2;
        if (sign == '-') {
            after = Blanks.skip(source, after);
        } else if (sign == 0 && after < source.length() && source.charAt(after) == '\n') {
            after++;
        }
        moveTo(after);
    }

    private void comment() throws SyntaxException {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw new SyntaxException(line, "a comment is not closed: expected '#}'");
        }
        closeBlock(end, end > at ? signAt(end - 1) : 0);
    }

    /** After the mark of a block: where the text of a raw block begins, or -1 for any other block. */
    private int rawBodyStart(int inside) {
        int i = Blanks.skip(source, inside);
        if (!source.startsWith("raw", i)) {
            return -1;
        }
        i = Blanks.skip(source, i + 3);
        if (source.startsWith("-%}", i)) {
            return Blanks.skip(source, i + 3);
        }
        return source.startsWith("%}", i) ? i + 2 : -1;
    }

    private void raw(int body) throws SyntaxException {
        int begun = line;
        moveTo(body);
        for (int mark = source.indexOf("{%", at); mark >= 0; mark = source.indexOf("{%", mark + 1)) {
            char sign = signAt(mark + 2);
            int i = Blanks.skip(source, mark + (sign == 0 ? 2 : 3));
            if (!source.startsWith("endraw", i)) {
                continue;
            }
            i = Blanks.skip(source, i + 6);
            char closing = signAt(i);
            int end = closing == 0 ? i : i + 1;
            if (source.startsWith("%}", end)) {
                data(stripped(source.substring(at, mark), sign, true));
                closeBlock(end, closing);
                return;
            }
        }
        throw new SyntaxException(begun, "a raw block is not closed: expected '{% endraw %}'");
    }

    private void expressions(Kind begin, Kind end) throws SyntaxException {
        tokens.add(new Token(begin, begin == Kind.VARIABLE_BEGIN ? "{{" : "{%", null, line));
        ArrayDeque<Character> open = new ArrayDeque<>();
        while (true) {
            moveTo(Blanks.skip(source, at));
            if (at >= source.length()) {
                return; // the parser meets the end of the template inside the expression and says so
            }
            if (open.isEmpty() && closed(end)) {
                return;
            }
            char c = source.charAt(at);
            if (c == '\'' || c == '"') {
                string(c);
            } else if (c >= '0' && c <= '9') {
                number();
            } else if (inName(source.codePointAt(at))) {
                name();
            } else {
                operator(open);
            }
        }
    }

    private boolean closed(Kind end) {
        String mark = end == Kind.VARIABLE_END ? "}}" : "%}";
        char sign = signAt(at);
        if (sign == '+' && end == Kind.VARIABLE_END) {
            return false;
        }
        int position = sign == 0 ? at : at + 1;
        if (!source.startsWith(mark, position)) {
            return false;
        }
        tokens.add(new Token(end, mark, null, line));
        if (end == Kind.VARIABLE_END) {
            moveTo(sign == '-' ? Blanks.skip(source, position + 2) : position + 2);
        } else {
            closeBlock(position, sign);
        }
        return true;
    }

    private void operator(ArrayDeque<Character> open) throws SyntaxException {
        char c = source.charAt(at);
        String operator = OPERATORS.indexOf(c) < 0 ? null : String.valueOf(c);
        char second = at + 1 < source.length() ? source.charAt(at + 1) : 0;
        if (second == '=' || second == c) {
            for (String two : LONG_OPERATORS) {
                operator = source.startsWith(two, at) ? two : operator;
            }
        }
        if (operator == null) {
            throw new SyntaxException(line, "unexpected character '" + Character.toString(source.codePointAt(at)) + "'");
        }
        balance(c, open);
        tokens.add(new Token(Kind.OPERATOR, operator, null, line));
        moveTo(at + operator.length());
    }

    private void balance(char c, ArrayDeque<Character> open) throws SyntaxException {
        switch (c) {
            case '(' -> open.push(')');
            case '[' -> open.push(']');
            case '{' -> open.push('}');
            case ')', ']', '}' -> {
                if (open.isEmpty()) {
                    throw new SyntaxException(line, "unexpected '" + c + "'");
                }
                char expected = open.pop();
                if (expected != c) {
                    throw new SyntaxException(line, "unexpected '" + c + "', expected '" + expected + "'");
                }
            }
            default -> { }
        }
    }

    private void name() throws SyntaxException {
        int end = at;
        while (end < source.length()) {
            int c = source.codePointAt(end);
            if (!inName(c)) {
                break;
            }
            end += Character.charCount(c);
        }
        int first = source.codePointAt(at);
        if (first != '_' && !Character.isUnicodeIdentifierStart(first)) {
            throw new SyntaxException(line, "invalid character in the name '" + source.substring(at, end) + "'");
        }
        // interned: scopes find names by identity
        tokens.add(new Token(Kind.NAME, source.substring(at, end).intern(), null, line));
        moveTo(end);
    }

    private static boolean inName(int c) {
        if (c < 128) { // nearly always, and start-up counts
            return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_';
        }
        return Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c);
    }

    private void string(char quote) throws SyntaxException {
        int i = source.indexOf(quote, at + 1);
        for (int escape = source.indexOf('\\', at + 1); escape >= 0 && escape < i; escape = source.indexOf('\\', escape + 2)) {
            i = i == escape + 1 ? source.indexOf(quote, i + 1) : i;
        }
        if (i < 0) {
            throw new SyntaxException(line, "a string is not closed: expected " + quote);
        }
        String value = Escapes.unescape(source.substring(at + 1, i), line);
        tokens.add(new Token(Kind.STRING, source.substring(at, i + 1), value, line));
        moveTo(i + 1);
    }

    private void number() throws SyntaxException {
        int whole = at > 0 && source.charAt(at - 1) == '.' ? -1 : digits(at, 10);
        int end = whole < 0 ? -1 : floatEnd(whole);
        if (end > 0) {
            String text = source.substring(at, end);
            tokens.add(new Token(Kind.FLOAT, text, Double.valueOf(text.replace("_", "")), line));
            moveTo(end);
            return;
        }
        int base = source.startsWith("0", at) && at + 1 < source.length() ? switch (source.charAt(at + 1)) {
            case 'x', 'X' -> 16;
            case 'o', 'O' -> 8;
            case 'b', 'B' -> 2;
            default -> 10;
        } : 10;
        int start = base == 10 ? at : at + 2;
        if (base != 10 && start < source.length() && source.charAt(start) == '_') {
            start++;
        }
        end = source.charAt(at) == '0' && base == 10 ? zeros(at) : digits(start, base);
        if (end < 0) {
            throw new SyntaxException(line, "a number in base " + base + " without digits");
        }
        String text = source.substring(at, end);
        if (end - start > Numbers.MAX_DIGITS) {
            throw new SyntaxException(line, "a number of more than " + Numbers.MAX_DIGITS + " digits");
        }
        Object value = Numbers.narrow(new BigInteger(source.substring(start, end).replace("_", ""), base));
        tokens.add(new Token(Kind.INTEGER, text, value, line));
        moveTo(end);
    }

    /** After the whole part of a number: the end of its fraction and exponent, or -1 if it has neither. */
    private int floatEnd(int whole) {
        int end = whole;
        boolean real = false;
        if (end < source.length() && source.charAt(end) == '.') {
            int fraction = digits(end + 1, 10);
            if (fraction > 0) {
                end = fraction;
                real = true;
            }
        }
        if (end < source.length() && (source.charAt(end) | 0x20) == 'e') {
            int exponent = digits(signAt(end + 1) == 0 ? end + 1 : end + 2, 10);
            if (exponent > 0) {
                end = exponent;
                real = true;
            }
        }
        return real ? end : -1;
    }

    /** The end of digits with single underscores between them, or -1 if there is no digit. */
    private int digits(int from, int base) {
        int i = from;
        if (!digitAt(i, base)) {
            return -1;
        }
        while (digitAt(i, base) || i < source.length() && source.charAt(i) == '_' && digitAt(i + 1, base)) {
            i++;
        }
        return i;
    }

    private int zeros(int from) {
        int i = from + 1;
        while (i < source.length() && source.charAt(i) == '0' || source.startsWith("_0", i)) {
            i++;
        }
        return i;
    }

    private boolean digitAt(int i, int base) {
        return i < source.length() && source.charAt(i) < 128 && Character.digit(source.charAt(i), base) >= 0;
    }
}
