package squall.text.jinja;

import java.util.ArrayList;
import java.util.List;

/** Text by lines, as Python's {@code str.splitlines}. */
final class Lines {
    private Lines() {
    }

    static List<Object> split(String text, boolean keepEnds) {
        List<Object> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            if (Blanks.breaksLine(text.charAt(i))) {
                int next = text.startsWith("\r\n", i) ? i + 2 : i + 1;
                lines.add(text.substring(start, keepEnds ? next : i));
                start = next;
                i = next - 1;
            }
        }
        if (start < text.length()) {
            lines.add(text.substring(start));
        }
        return lines;
    }
}
