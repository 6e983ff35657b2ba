package squall.text;

import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Unicode normalisation form C. The JDK brings combining marks into canonical order by insertion, so that one letter with
 * a hundred thousand marks would hold a server up for seconds; long runs of marks are sorted here before.
 */
final class Nfc {
    /** Below it no character composes or is reordered: such a text is in NFC. */
    private static final char FIRST_COMBINING = '\u0300';

    /** Marks in a row from which they are sorted here. No language comes near. */
    private static final int LONG_RUN = 256;

    /** Marks of the lowest and of the highest combining class. */
    private static final String LOWEST = "\u0334";
    private static final String HIGHEST = "\u0345";

    private Nfc() {}

    static String of(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= FIRST_COMBINING) return Normalizer.normalize(longRunsSorted(text), Form.NFC);
        }
        return text;
    }

    private static String longRunsSorted(String text) {
        StringBuilder sorted = null;
        int done = 0;
        for (int from = 0; from < text.length(); ) {
            int marks = 0;
            int to = from;
            while (to < text.length() && CharClass.of(text.codePointAt(to)) == CharClass.MARK) {
                to += Character.charCount(text.codePointAt(to));
                marks++;
            }
            if (marks >= LONG_RUN) {
                if (sorted == null) sorted = new StringBuilder(text.length());
                sorted.append(text, done, from).append(sorted(text.substring(from, to)));
                done = to;
            }
            from = to == text.length() ? to : to + Character.charCount(text.codePointAt(to));
        }
        return sorted == null ? text : sorted.append(text, done, text.length()).toString();
    }

    /** The marks decomposed, and each stretch of them that may be reordered in canonical order. */
    private static String sorted(String run) {
        Map<Integer, String> decomposed = new HashMap<>();
        StringBuilder all = new StringBuilder(run.length());
        run.codePoints().forEach(c -> all.append(decomposed.computeIfAbsent(c, Nfc::decompose)));
        Map<Integer, Integer> ranks = ranks(all);
        StringBuilder sorted = new StringBuilder(all.length());
        List<Integer> stretch = new ArrayList<>();
        for (int i = 0; i < all.length(); i += Character.charCount(all.codePointAt(i))) {
            int c = all.codePointAt(i);
            if (ranks.get(c) > 0) {
                stretch.add(c);
            } else {
                append(sorted, stretch, ranks);
                sorted.appendCodePoint(c);
            }
        }
        append(sorted, stretch, ranks);
        return sorted.toString();
    }

    private static void append(StringBuilder to, List<Integer> stretch, Map<Integer, Integer> ranks) {
        stretch.sort((a, b) -> ranks.get(a) - ranks.get(b));
        stretch.forEach(to::appendCodePoint);
        stretch.clear();
    }

    private static String decompose(int codePoint) {
        return Normalizer.normalize(Character.toString(codePoint), Form.NFD);
    }

    /** Numbers in the order of the combining classes, equal where those are; 0 for what is never reordered. */
    private static Map<Integer, Integer> ranks(CharSequence marks) {
        List<Integer> distinct = new ArrayList<>(marks.codePoints().distinct().boxed().toList());
        distinct.removeIf(c -> !isReordered(c));
        distinct.sort((a, b) -> swap(a, b) ? 1 : swap(b, a) ? -1 : 0);
        Map<Integer, Integer> ranks = new HashMap<>();
        marks.codePoints().forEach(c -> ranks.put(c, 0));
        int rank = 0;
        for (int i = 0; i < distinct.size(); i++) {
            if (i == 0 || swap(distinct.get(i), distinct.get(i - 1))) rank++;
            ranks.put(distinct.get(i), rank);
        }
        return ranks;
    }

    private static boolean isReordered(int codePoint) {
        return swap(HIGHEST.codePointAt(0), codePoint) || swap(codePoint, LOWEST.codePointAt(0));
    }

    /** Whether canonical order puts the second before the first. */
    private static boolean swap(int first, int second) {
        String pair = Character.toString(first) + Character.toString(second);
        return !Normalizer.normalize(pair, Form.NFD).equals(pair);
    }
}
