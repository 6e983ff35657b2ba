package squall.engine;

import java.util.List;

/**
 * Text on its way out, held back as long as it may be the beginning of a stop string. A stop string may begin in one token
 * and end in a later one; the earliest in the text counts.
 */
final class StopStrings {
    private final List<String> stops;
    private String held = "";
    private boolean stopped;

    StopStrings(List<String> stops) {
        this.stops = stops;
    }

    /** The text that is certain now that {@code more} has come. */
    String add(String more) {
        if (stopped) return "";
        if (stops.isEmpty()) return more;
        held += more;
        int end = held.length();
        for (String stop : stops) {
            int at = held.indexOf(stop);
            if (at < 0) continue;
            stopped = true;
            end = Math.min(end, at);
        }
        if (!stopped) end = held.length() - beginnings();
        String certain = held.substring(0, end);
        held = stopped ? "" : held.substring(end);
        return certain;
    }

    /** Length of the longest tail of what is held that begins a stop string. */
    private int beginnings() {
        int longest = 0;
        for (String stop : stops)
            for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--)
                if (held.endsWith(stop.substring(0, n))) longest = n;
        return longest;
    }

    boolean stopped() {
        return stopped;
    }

    /** What was held back for nothing. */
    String rest() {
        String rest = held;
        held = "";
        return rest;
    }
}
