package squall.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import squall.engine.Request;
import squall.engine.Sequence;
import squall.format.IoReason;

/** A conversation going on: messages and slash commands in, answers out. */
final class ChatSession {
    private static final String HELP = """
            /clear          forget the conversation, keep the system message
            /think on|off   let the model think before it answers, or not
            /save FILE      write the conversation as JSON
            /help           this list
            /exit, /quit    end, as Ctrl-D does
            Ctrl-C cancels a running answer. A line that ends with \\ goes on in the next one, and so does text between
            two lines of \"""; a message that begins with a blank is never a command.""";

    private static final Set<String> ENDS = Set.of("/exit", "/quit");

    private final Streams streams;
    private final ChatInput input;
    private final Conversation conversation;
    private final Generation generation;
    private final long stateBytes;
    private final Shown shown;
    private Sequence.Timings total = new Sequence.Timings(0, 0, 0, 0, 0, 0);

    /** Whether each answer is followed by its own timing lines; those of the whole session come at its end anyway. */
    enum Shown { EACH_TIMING, TOTAL_TIMING }

    ChatSession(Streams streams, ChatInput input, Conversation conversation, Generation generation, long stateBytes, Shown shown) {
        this.streams = streams;
        this.input = input;
        this.conversation = conversation;
        this.generation = generation;
        this.stateBytes = stateBytes;
        this.shown = shown;
    }

    /** Until the input or the user ends it. */
    void run() {
        try {
            for (String line; (line = input.next()) != null && !ENDS.contains(line.stripTrailing());) {
                if (line.isBlank()) continue;
                if (line.startsWith("/")) command(line.strip());
                else answer(line.strip());
            }
        } finally {
            streams.note(TimingLines.text(total, stateBytes));
        }
    }

    private void command(String line) {
        String[] parts = line.split("\\s+", 2);
        String argument = parts.length > 1 ? parts[1] : "";
        switch (parts[0]) {
            case "/clear" -> {
                conversation.clear();
                streams.note("The conversation starts anew.");
            }
            case "/think" -> think(argument);
            case "/save" -> save(argument);
            case "/help" -> streams.note(HELP);
            default -> streams.note("There is no command " + parts[0] + "; /help lists them. To send this as a message begin it with a blank.");
        }
    }

    private void think(String argument) {
        if (!argument.equals("on") && !argument.equals("off")) {
            streams.note("/think needs on or off, found '" + argument + "'.");
            return;
        }
        try {
            conversation.think(argument.equals("on"));
            streams.note("Thinking is " + argument + ".");
        } catch (UnusableException e) {
            streams.note(e.getMessage() + ".");
        }
    }

    private void save(String file) {
        if (file.isEmpty()) {
            streams.note("/save needs a file name.");
            return;
        }
        try {
            Files.writeString(Path.of(file), Json.write(conversation.messages()) + "\n");
            streams.note("Saved to " + file + ".");
        } catch (IOException e) {
            streams.note(file + " cannot be written: " + IoReason.of(e) + ".");
        }
    }

    private void answer(String message) {
        conversation.user(message);
        StringBuilder text = new StringBuilder();
        Sequence sequence;
        try {
            Conversation.Prompt prompt = conversation.promptOfTurn();
            sequence = generation.submit(prompt.ids(), prompt.stable(), listener(text));
        } catch (UnusableException e) {
            conversation.takeBack();
            streams.note(e.getMessage() + ". /clear starts anew.");
            return;
        }
        input.interruptible(() -> generation.run(sequence), sequence::cancel);
        streams.println("");
        if (text.isEmpty()) conversation.takeBack();
        else conversation.assistant(text.toString());
        if (sequence.end() == Sequence.End.CANCELLED) streams.note("(cancelled)");
        if (sequence.end() == Sequence.End.LENGTH) streams.note("(cut off: the limit of the answer or of the context is reached)");
        total = total.and(sequence.timings());
        if (shown == Shown.EACH_TIMING) streams.note(TimingLines.text(sequence.timings(), stateBytes));
    }

    private Request.Listener listener(StringBuilder whole) {
        return new Request.Listener() {
            @Override public void token(int id, String text) {
                show(text);
            }

            @Override public void end(Sequence.End why, String text) {
                show(text);
            }

            private void show(String text) {
                if (text.isEmpty()) return;
                whole.append(text);
                streams.print(text);
            }
        };
    }
}
