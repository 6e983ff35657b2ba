package squall.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import squall.engine.Engine;

/** {@code squall chat}: a conversation at the terminal, or one message a line from a pipe. */
@Command(name = "chat", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Talks with a model. /help inside lists what can be done.")
final class ChatCommand implements Callable<Integer> {
    private final Streams streams;

    @Mixin private ModelOptions model;

    @Mixin private DeviceOptions device;

    @Option(names = {"--system", "--system-prompt", "-sys"}, paramLabel = "TEXT", description = "The system message.")
    private String system;

    @Mixin private AnswerOptions answer;

    @Mixin private SamplingOptions sampling;

    @Option(names = "--no-prefix-reuse", description = "Read the whole conversation again at every turn.")
    private boolean fresh;

    ChatCommand(Streams streams) {
        this.streams = streams;
    }

    @Override public Integer call() {
        sampling.check();
        answer.check();
        try (LoadedModel loaded = LoadedModel.open(model, device, streams);
             ChatInput input = Terminal.isInteractive() ? ChatTerminal.open(streams) : ChatInput.ofLines(streams)) {
            Conversation conversation = new Conversation(loaded.tokenizer(), loaded.template(), answer.thinking());
            if (system != null) conversation.system(system);
            Generation generation = new Generation(loaded, sampling, answer, fresh ? Engine.Reuse.OFF : Engine.Reuse.ON);
            if (model.verbose()) generation.describe(streams);
            if (Terminal.isInteractive()) streams.note(loaded.config().name() + ", /help for help, Ctrl-D to end.");
            new ChatSession(streams, input, conversation, generation, loaded.executor().stateBytes(),
                    model.verbose() ? ChatSession.Shown.EACH_TIMING : ChatSession.Shown.TOTAL_TIMING).run();
        }
        return Squall.DONE;
    }
}
