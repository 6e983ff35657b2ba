package squall.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Cuts a text into the pieces inside which BPE merges. Each is defined by the regular expression of its tokenizer.json
 * ({@link #piecesByRegex}); {@link #end} does the same by hand, in one pass over the text: a backtracking expression takes
 * quadratic time on a long run of blanks.
 *
 * <p>The two differ in combining marks, which {@link #QWEN35} counts among the letters.
 */
enum PreTokenizer {
    /** Qwen2, Qwen3 and Qwen3-Next. */
    QWEN2("qwen2", "\\p{L}", "\\p{L}\\p{N}"),
    /** Qwen3.5 and later. */
    QWEN35("qwen35", "[\\p{L}\\p{M}]", "\\p{L}\\p{M}\\p{N}");

    private final String key;
    private final String regex;
    private final boolean marksAreLetters;

    PreTokenizer(String key, String letter, String word) {
        this.key = key;
        this.regex = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?" + letter + "+|\\p{N}| ?[^\\s" + word
                + "]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
        this.marksAreLetters = word.contains("M");
    }

    /** The value of {@code tokenizer.ggml.pre}. */
    String key() {
        return key;
    }

    /** All the keys, for messages. */
    static String keys() {
        return Arrays.stream(values()).map(PreTokenizer::key).collect(Collectors.joining(", "));
    }

    /** The expression as tokenizer.json has it. */
    String regex() {
        return regex;
    }

    /** The definition: the matches of {@link #regex}, left to right. */
    List<String> piecesByRegex(String text) {
        List<String> pieces = new ArrayList<>();
        Matcher matcher = Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE).matcher(text);
        while (matcher.find()) pieces.add(matcher.group());
        return pieces;
    }

    List<String> pieces(String text) {
        List<String> pieces = new ArrayList<>();
        for (int from = 0; from < text.length(); ) {
            int to = end(text, from);
            pieces.add(text.substring(from, to));
            from = to;
        }
        return pieces;
    }

    /** Where the piece that begins at {@code from} ends. The alternatives of the expression in their order. */
    int end(String text, int from) {
        int first = text.codePointAt(from);
        if (first == '\'') {
            int to = contraction(text, from + 1);
            if (to > 0) return to;
        }
        int second = from + Character.charCount(first);
        if (isLetter(first)) return afterLetters(text, second);
        int kind = CharClass.of(first);
        if (kind == CharClass.NUMBER) return second;
        if (first != '\r' && first != '\n' && second < text.length() && isLetter(text.codePointAt(second))) {
            return afterLetters(text, second);
        }
        if (isOther(first)) return afterOthers(text, second);
        if (first == ' ' && second < text.length() && isOther(text.codePointAt(second))) return afterOthers(text, second);
        return afterBlanks(text, from);
    }

    /** {@code s t m d re ve ll} in either case behind an apostrophe, and the long s; -1 where there is none. */
    private static int contraction(String text, int at) {
        if (at >= text.length()) return -1;
        char last = at + 1 < text.length() ? lower(text.charAt(at + 1)) : 0;
        return switch (lower(text.charAt(at))) {
            case 's', 't', 'm', 'd', '\u017F' -> at + 1;
            case 'r', 'v' -> last == 'e' ? at + 2 : -1;
            case 'l' -> last == 'l' ? at + 2 : -1;
            default -> -1;
        };
    }

    private static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
    }

    private boolean isLetter(int codePoint) {
        byte kind = CharClass.of(codePoint);
        return kind == CharClass.LETTER || marksAreLetters && kind == CharClass.MARK;
    }

    private boolean isOther(int codePoint) {
        byte kind = CharClass.of(codePoint);
        return kind == CharClass.OTHER || !marksAreLetters && kind == CharClass.MARK;
    }

    private int afterLetters(String text, int at) {
        while (at < text.length()) {
            int c = text.codePointAt(at);
            if (!isLetter(c)) break;
            at += Character.charCount(c);
        }
        return at;
    }

    private int afterOthers(String text, int at) {
        while (at < text.length()) {
            int c = text.codePointAt(at);
            if (!isOther(c)) break;
            at += Character.charCount(c);
        }
        while (at < text.length() && isLineEnd(text.charAt(at))) at++;
        return at;
    }

    /** A run of blanks up to its last line end; without one all of it, or all but the last where something follows. */
    private static int afterBlanks(String text, int from) {
        int at = from;
        int afterLineEnd = -1;
        while (at < text.length() && CharClass.of(text.charAt(at)) == CharClass.SPACE) {
            if (isLineEnd(text.charAt(at++))) afterLineEnd = at;
        }
        if (afterLineEnd > 0) return afterLineEnd;
        return at == text.length() || at == from + 1 ? at : at - 1;
    }

    private static boolean isLineEnd(char c) {
        return c == '\r' || c == '\n';
    }
}
