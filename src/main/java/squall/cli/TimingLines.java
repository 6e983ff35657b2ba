package squall.cli;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import squall.engine.Sequence;

/** What a run took, in llama.cpp's lines and JSON fields. */
final class TimingLines {
    private static final double NANOS_PER_MILLI = 1e6;

    private TimingLines() {}

    /** stateBytes: of one slot; 0 for models without recurrent state, which then have no line for it. */
    static String text(Sequence.Timings t, long stateBytes) {
        String lines = "\n" + line("prompt eval time", t.promptNanos(), t.promptTokens(), "tokens")
                + line("eval time", t.generatedNanos(), t.generatedTokens(), "runs");
        if (stateBytes > 0 || t.cachedTokens() > 0)
            lines += String.format(Locale.ROOT, "%16s = %d cached tokens reused, %d checkpoints held, %d state bytes%n", "state",
                    t.cachedTokens(), t.checkpoints(), stateBytes);
        return lines.stripTrailing();
    }

    private static String line(String name, long nanos, int count, String unit) {
        double millis = nanos / NANOS_PER_MILLI;
        return String.format(Locale.ROOT, "%16s = %11.2f ms / %5d %-6s (%8.2f ms per token, %8.2f tokens per second)%n", name,
                millis, count, unit, count == 0 ? 0 : millis / count, perSecond(nanos, count));
    }

    private static double perSecond(long nanos, int count) {
        return nanos == 0 ? 0 : count * 1e9 / nanos;
    }

    static Map<String, Object> json(Sequence.Timings t) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("cache_n", t.cachedTokens());
        all.put("prompt_n", t.promptTokens());
        all.put("prompt_ms", t.promptNanos() / NANOS_PER_MILLI);
        all.put("prompt_per_second", perSecond(t.promptNanos(), t.promptTokens()));
        all.put("predicted_n", t.generatedTokens());
        all.put("predicted_ms", t.generatedNanos() / NANOS_PER_MILLI);
        all.put("predicted_per_second", perSecond(t.generatedNanos(), t.generatedTokens()));
        return all;
    }
}
