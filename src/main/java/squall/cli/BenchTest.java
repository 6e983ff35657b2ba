package squall.cli;

import java.util.Arrays;

/**
 * One test: {@code prompt} tokens at once, then {@code generated} one by one, with {@code depth} tokens in the context
 * before. What is timed is the model alone: no tokeniser, no sampling.
 */
record BenchTest(int prompt, int generated, int depth) {

    /** As llama-bench names it: {@code pp512}, {@code tg128}, {@code pp512+tg128}, {@code tg128 @ d4096}. */
    String name() {
        String test = generated == 0 ? "pp" + prompt : prompt == 0 ? "tg" + generated : "pp" + prompt + "+tg" + generated;
        return depth == 0 ? test : test + " @ d" + depth;
    }

    int tokens() {
        return prompt + generated;
    }

    /** Tokens per second of each repetition. */
    double[] speeds(long[] nanos) {
        return Arrays.stream(nanos).mapToDouble(n -> tokens() * 1e9 / n).toArray();
    }

    int contextLength() {
        return depth + prompt + generated;
    }
}
