package squall.text;

import java.util.Arrays;
import java.util.Collection;

/** Finds added tokens in a text: leftmost first, the longest where several begin together. A trie over characters. */
final class AddedTokens {

    /** What a text is made of, in order. */
    interface Parts {
        /** Text between tokens: {@code [from, to)}, never empty. */
        void plain(int from, int to);

        void token(int id);
    }

    private static final class Node {
        private char[] chars = {};
        private Node[] nodes = {};
        private AddedToken token;

        Node next(char c) {
            int i = Arrays.binarySearch(chars, c);
            return i < 0 ? null : nodes[i];
        }

        Node nextOrNew(char c) {
            int i = Arrays.binarySearch(chars, c);
            if (i >= 0) return nodes[i];
            int at = -i - 1;
            char[] moreChars = Arrays.copyOf(chars, chars.length + 1);
            Node[] moreNodes = Arrays.copyOf(nodes, nodes.length + 1);
            System.arraycopy(chars, at, moreChars, at + 1, chars.length - at);
            System.arraycopy(nodes, at, moreNodes, at + 1, nodes.length - at);
            moreChars[at] = c;
            moreNodes[at] = new Node();
            chars = moreChars;
            nodes = moreNodes;
            return nodes[at];
        }
    }

    private final Node root = new Node();

    AddedTokens(Collection<AddedToken> tokens) {
        for (AddedToken token : tokens) {
            if (token.content().isEmpty()) continue;
            Node node = root;
            for (char c : token.content().toCharArray()) node = node.nextOrNew(c);
            node.token = token;
        }
    }

    boolean isEmpty() {
        return root.chars.length == 0;
    }

    /** The longest token that begins at {@code at}, or null. */
    AddedToken at(String text, int at) {
        AddedToken longest = null;
        Node node = root;
        for (int i = at; i < text.length(); i++) {
            node = node.next(text.charAt(i));
            if (node == null) break;
            if (node.token != null) longest = node.token;
        }
        return longest;
    }

    /** Whether a token begins at {@code at}, or would if the text went on after its end. */
    boolean mayBeginAt(String text, int at) {
        Node node = root;
        for (int i = at; i < text.length(); i++) {
            node = node.next(text.charAt(i));
            if (node == null) return false;
            if (node.token != null) return true;
        }
        return at < text.length();
    }

    /** Whether a token begins with this character. */
    boolean startsWith(char c) {
        return root.next(c) != null;
    }

    void split(String text, Parts parts) {
        int done = 0;
        int at = isEmpty() ? text.length() : 0;
        while (at < text.length()) {
            AddedToken token = at(text, at);
            if (token == null) {
                at++;
                continue;
            }
            int from = at;
            int to = at + token.content().length();
            at = to;
            if (token.singleWord() && touchesWord(text, from, to)) continue;
            if (token.lstrip()) while (from > done && isBlank(text.charAt(from - 1))) from--;
            if (token.rstrip()) while (to < text.length() && isBlank(text.charAt(to))) to++;
            if (from > done) parts.plain(done, from);
            parts.token(token.id());
            at = to;
            done = to;
        }
        if (done < text.length()) parts.plain(done, text.length());
    }

    private static boolean isBlank(char c) {
        return CharClass.of(c) == CharClass.SPACE;
    }

    private static boolean touchesWord(String text, int from, int to) {
        return from > 0 && isWord(text.codePointBefore(from)) || to < text.length() && isWord(text.codePointAt(to));
    }

    /** As {@code \w} of Unicode's regular expressions: letters, numerals such as VIII, marks, digits, connectors, joiners. */
    private static boolean isWord(int codePoint) {
        return Character.isAlphabetic(codePoint) || Character.isDigit(codePoint) || CharClass.of(codePoint) == CharClass.MARK
                || Character.getType(codePoint) == Character.CONNECTOR_PUNCTUATION || codePoint == 0x200C || codePoint == 0x200D;
    }
}
