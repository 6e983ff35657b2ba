package squall.text.jinja;

import java.time.Clock;
import java.util.Map;

/**
 * One rendering: its output, the line it is at, and what it may still spend. A template comes with a file that a stranger
 * made, so every node costs a unit of work, copied text and lists cost with their size, and text, macro calls and work
 * have limits far above what a conversation needs. One thread owns it.
 */
final class Run {
    /** Nested macro calls; templates of released models nest two or three. */
    static final int MAX_DEPTH = 100;
    /** Characters that cost one unit of work. */
    private static final int CHARS_PER_UNIT = 8;

    final Map<String, Object> variables;
    final Clock clock;
    private final Limits limits;
    StringBuilder out = new StringBuilder();
    int line = 1;
    private int depth;
    private long work;

    /**
     * What a rendering may spend.
     *
     * @param work  units; the default is about a second of one core, and some fifty times what a prompt of a million
     *              characters costs
     * @param chars the longest text, the output included: some four million tokens by default
     */
    record Limits(long work, int chars) {
        static final Limits DEFAULT = new Limits(25_000_000, 16 << 20);
    }

    Run(Map<String, Object> variables, Clock clock, Limits limits) {
        this.variables = variables;
        this.clock = clock;
        this.limits = limits;
    }

    void spend(long units) {
        work += units;
        if (work > limits.work) {
            throw new TemplateException("the template takes too long: stopped after " + limits.work + " steps");
        }
    }

    /** Accounts for {@code chars} of text about to be made: before it is, so that it may not exhaust the memory. */
    void spendText(long chars) {
        if (chars > limits.chars) {
            throw new TemplateException("the template makes a text of more than " + limits.chars + " characters");
        }
        spend(1 + chars / CHARS_PER_UNIT);
    }

    /** Accounts for a look at all of a value: the characters of a string, nothing for others. */
    void spendLook(Object value) {
        String text = Types.text(value);
        spend(text == null ? 1 : 1 + text.length() / CHARS_PER_UNIT);
    }

    /** Accounts for arithmetic with integers of so many bits: the square of their words. */
    void spendBits(int bits) {
        long words = bits / 64;
        spend(words * words / 8);
    }

    /** Accounts for a search for {@code needle} characters in {@code hay}, at the worst case of the plain algorithm. */
    void spendSearch(long hay, long needle) {
        spend(1 + hay / CHARS_PER_UNIT + hay * needle / (8 * CHARS_PER_UNIT));
    }

    void print(String text) {
        spendText((long) out.length() + text.length() < limits.chars ? text.length() : Long.MAX_VALUE);
        out.append(text);
    }

    void enterMacro(String name) {
        if (++depth > MAX_DEPTH) {
            throw new TemplateException("macros call each other more than " + MAX_DEPTH + " deep, in '" + name + "'");
        }
    }

    void leaveMacro() {
        depth--;
    }
}
