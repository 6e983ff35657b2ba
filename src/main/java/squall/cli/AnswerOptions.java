package squall.cli;

import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How long an answer gets and what ends it. */
final class AnswerOptions {
    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(names = {"-n", "--predict", "--max-tokens"}, paramLabel = "N", defaultValue = "-1",
            description = "Most tokens of an answer; -1: until it ends or the context is full (default).")
    private int most;

    @Option(names = {"--think"}, negatable = true,
            description = "Let the model think first, or not; without the flag as the model is made.")
    private Boolean thinking;

    @Option(names = "--ignore-eos", description = "Do not let the model end its answer.")
    private boolean endless;

    @Option(names = {"--stop", "-r", "--reverse-prompt"}, paramLabel = "TEXT",
            description = "Text that ends the answer; may be given several times.")
    private List<String> stops = List.of();

    void check() {
        if (most < -1) throw new ParameterException(command.commandLine(), "--predict must be -1 or more, found " + most);
        if (most == 0) throw new ParameterException(command.commandLine(), "--predict 0 asks for no answer; use 1 or more, or -1");
        if (stops.stream().anyMatch(String::isEmpty)) throw new ParameterException(command.commandLine(), "--stop with an empty text");
    }

    int most() {
        return most;
    }

    /** Null: the model's default. */
    Boolean thinking() {
        return thinking;
    }

    boolean endless() {
        return endless;
    }

    List<String> stops() {
        return stops;
    }
}
