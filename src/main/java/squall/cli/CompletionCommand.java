package squall.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code squall completion}: a script that lets bash and zsh complete commands and flags. */
@Command(name = "completion", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Prints a script that completes commands and flags in bash and zsh: source <(squall completion)")
final class CompletionCommand implements Callable<Integer> {
    private final Streams streams;

    @Spec private CommandSpec command;

    CompletionCommand(Streams streams) {
        this.streams = streams;
    }

    @Override public Integer call() {
        CommandSpec all = command.root();
        streams.print(AutoComplete.bash(all.name(), all.commandLine()));
        return Squall.DONE;
    }
}
