package squall.cli;

import java.util.Arrays;

/**
 * One test: {@code prompt} tokens at once, then {@code generated} one by one, with {@code depth} tokens in the context
 * before, in {@code sequences} at a time. What is timed is the model alone: no tokeniser, and no sampling but where the
 * device itself takes the most probable token.
 */
record BenchTest(int prompt, int generated, int depth, int sequences) {

    /** Of one sequence. */
    BenchTest(int prompt, int generated, int depth) {
        this(prompt, generated, depth, 1);
    }

    /** As llama-bench names it: {@code pp512}, {@code tg128}, {@code pp512+tg128}, {@code tg128 @ d4096}; {@code tg128 x 16} for several sequences. */
    String name() {
        String test = generated == 0 ? "pp" + prompt : prompt == 0 ? "tg" + generated : "pp" + prompt + "+tg" + generated;
        if (sequences > 1) test += " x " + sequences;
        return depth == 0 ? test : test + " @ d" + depth;
    }

    /** Of all sequences. */
    int tokens() {
        return sequences * (prompt + generated);
    }

    /** Tokens per second of each repetition. */
    double[] speeds(long[] nanos) {
        return Arrays.stream(nanos).mapToDouble(n -> tokens() * 1e9 / n).toArray();
    }

    int contextLength() {
        return depth + prompt + generated;
    }
}
