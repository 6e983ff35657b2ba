package squall.cli;

import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import squall.sample.Sampling;
import squall.sample.SamplingDefaults;

/** How tokens are chosen; what no flag says comes from the model. */
final class SamplingOptions {
    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(names = {"-s", "--seed"}, paramLabel = "N", defaultValue = "-1",
            description = "Seed: the same one gives the same text; -1: another one each time (default).")
    private long seed;

    @Option(names = {"--temp", "--temperature"}, paramLabel = "T", description = "Temperature; 0: always the most probable token.")
    private Double temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Only the K most probable tokens; 0 or -1: all.")
    private Integer topK;

    @Option(names = "--top-p", paramLabel = "P", description = "Only the most probable ones that together reach P; 1: all.")
    private Double topP;

    @Option(names = "--min-p", paramLabel = "P", description = "Only those at least P times as probable as the most probable; 0: all.")
    private Double minP;

    @Option(names = {"--repeat-penalty", "--repetition-penalty"}, paramLabel = "X",
            description = "Above 1 makes tokens of the prompt and the answer less probable; 1: off.")
    private Double repetition;

    @Option(names = "--presence-penalty", paramLabel = "X", description = "Taken off the logits of the answer's tokens; 0: off.")
    private Double presence;

    @Option(names = "--frequency-penalty", paramLabel = "X", description = "The same for each time a token occurs; 0: off.")
    private Double frequency;

    /** The model's advice with the flags over it. */
    Sampling over(Sampling advised) {
        try {
            return new Sampling(or(repetition, advised.repetition()), or(presence, advised.presence()),
                    or(frequency, advised.frequency()), or(temperature, advised.temperature()),
                    topK == null ? advised.topK() : topK == -1 ? 0 : topK, or(topP, advised.topP()), or(minP, advised.minP()));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), "--" + e.getMessage());
        }
    }

    /** Complains about a flag out of range; before the model is loaded, since that takes time. */
    void check() {
        over(Sampling.GREEDY);
        if (seed < -1) throw new ParameterException(command.commandLine(), "--seed must be -1 or more, found " + seed);
    }

    /** For {@code -v}. */
    String describe(SamplingDefaults defaults) {
        return over(defaults.sampling()) + " (from " + defaults.source() + (isSet() ? ", flags over it)" : ")");
    }

    private boolean isSet() {
        return temperature != null || topK != null || topP != null || minP != null || repetition != null || presence != null
                || frequency != null;
    }

    long seed() {
        return seed == -1 ? ThreadLocalRandom.current().nextLong(1L << 32) : seed;
    }

    private static double or(Double flag, double advised) {
        return flag == null ? advised : flag;
    }
}
