package squall.sample;

/**
 * How a token is chosen, in the order in which the parts apply.
 *
 * @param repetition  logits of tokens seen in prompt or answer are divided by it if positive, else multiplied; 1: off
 * @param presence    taken off the logits of tokens the answer already has; 0: off
 * @param frequency   taken off the logits once for each time the answer has the token; 0: off
 * @param temperature logits are divided by it; 0: always the most probable token
 * @param topK        only the k most probable; 0: all
 * @param topP        only the most probable ones that together reach this probability; 1: all
 * @param minP        only those at least this probable relative to the most probable; 0: all
 */
public record Sampling(double repetition, double presence, double frequency, double temperature, int topK, double topP,
                       double minP) {

    /** The most probable token, always. */
    public static final Sampling GREEDY = new Sampling(1, 0, 0, 0, 0, 1, 0);

    public Sampling {
        check(repetition > 0 && repetition <= 10, "repeat-penalty", "above 0 and at most 10", repetition);
        check(Math.abs(presence) <= 10, "presence-penalty", "from -10 to 10", presence);
        check(Math.abs(frequency) <= 10, "frequency-penalty", "from -10 to 10", frequency);
        check(temperature >= 0 && temperature <= 100, "temp", "from 0 to 100", temperature);
        check(topK >= 0, "top-k", "0 (off) or more", topK);
        check(topP >= 0 && topP <= 1, "top-p", "from 0 to 1", topP);
        check(minP >= 0 && minP <= 1, "min-p", "from 0 to 1", minP);
    }

    /** Written so that NaN fails too. */
    private static void check(boolean fits, String name, String range, Number found) {
        if (!fits) throw new IllegalArgumentException(name + " must be " + range + ", found " + found);
    }

    boolean penalises() {
        return repetition != 1 || presence != 0 || frequency != 0;
    }

    public Sampling withTemperature(double value) {
        return new Sampling(repetition, presence, frequency, value, topK, topP, minP);
    }

    @Override public String toString() {
        String penalties = "repeat-penalty " + repetition + ", presence-penalty " + presence + ", frequency-penalty " + frequency;
        if (temperature == 0) return "greedy (temp 0), " + penalties;
        return "temp " + temperature + ", top-k " + topK + ", top-p " + topP + ", min-p " + minP + ", " + penalties;
    }
}
