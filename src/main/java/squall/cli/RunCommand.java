package squall.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import squall.engine.Engine;
import squall.engine.Request;
import squall.engine.Sequence;
import squall.format.IoReason;

/** {@code squall run}: one prompt, one answer. */
@Command(name = "run", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Answers a prompt. The prompt may also come from standard input.")
final class RunCommand implements Callable<Integer> {
    private final Streams streams;

    @Spec private CommandSpec command;

    @Mixin private ModelOptions model;

    @Mixin private DeviceOptions device;

    @Option(names = {"-p", "--prompt"}, paramLabel = "TEXT", description = "The prompt.")
    private String prompt;

    @Option(names = {"-f", "--file"}, paramLabel = "FILE", description = "A file with the prompt.")
    private Path file;

    @Option(names = {"--system", "--system-prompt", "-sys"}, paramLabel = "TEXT", description = "The system message.")
    private String system;

    @Mixin private AnswerOptions answer;

    @Mixin private SamplingOptions sampling;

    @Option(names = {"--raw", "--no-chat-template"}, description = "Continue the prompt as it is, without the chat template.")
    private boolean raw;

    @Option(names = "--json", description = "Print one JSON object with text, token counts and timings.")
    private boolean json;

    RunCommand(Streams streams) {
        this.streams = streams;
    }

    @Override public Integer call() {
        sampling.check();
        answer.check();
        if (raw && (system != null || answer.thinking() != null))
            throw new ParameterException(command.commandLine(), "--raw has no chat template, so --system and --think do not go with it");
        String text = promptText();
        try (LoadedModel loaded = LoadedModel.open(model, device, streams)) {
            Generation generation = new Generation(loaded, sampling, answer, Engine.Reuse.OFF);
            if (model.verbose()) generation.describe(streams);
            run(loaded, generation, raw ? loaded.tokenizer().encode(text) : chat(loaded, text));
        }
        return Squall.DONE;
    }

    private int[] chat(LoadedModel loaded, String text) {
        Conversation conversation = new Conversation(loaded.tokenizer(), loaded.template(), answer.thinking());
        if (system != null) conversation.system(system);
        conversation.user(text);
        return conversation.prompt();
    }

    private void run(LoadedModel loaded, Generation generation, int[] ids) {
        StringBuilder whole = new StringBuilder();
        Sequence sequence = generation.submit(ids, 0, new Request.Listener() {
            @Override public void token(int id, String text) {
                show(text);
            }

            @Override public void end(Sequence.End why, String text) {
                show(text);
            }

            private void show(String text) {
                if (text.isEmpty()) return;
                if (json) whole.append(text);
                else streams.print(text);
            }
        });
        // Ctrl-C: the JVM ends with 130 after this
        Thread interrupted = new Thread(() -> finish(loaded, sequence));
        Runtime.getRuntime().addShutdownHook(interrupted);
        try {
            generation.run(sequence);
        } finally {
            if (!removed(interrupted)) pause();
        }
        if (json) streams.println(Json.write(document(loaded, sequence, whole.toString())));
        else streams.println("");
        finish(loaded, sequence);
    }

    private void finish(LoadedModel loaded, Sequence sequence) {
        streams.note(TimingLines.text(sequence.timings(), loaded.executor().stateBytes()));
    }

    private static boolean removed(Thread hook) {
        try {
            return Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            return false;   // the process is ending
        }
    }

    /** The process ends within a moment; nothing may be printed any more. */
    private static void pause() {
        try {
            Thread.sleep(60_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Map<String, Object> document(LoadedModel loaded, Sequence sequence, String text) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("model", loaded.config().name());
        all.put("text", text);
        all.put("finish_reason", sequence.end() == Sequence.End.STOP ? "stop" : "length");
        Sequence.Timings t = sequence.timings();
        all.put("prompt_tokens", t.cachedTokens() + t.promptTokens());
        all.put("completion_tokens", sequence.answered());
        all.put("timings", TimingLines.json(t));
        return all;
    }

    private String promptText() {
        if (prompt != null && file != null)
            throw new ParameterException(command.commandLine(), "-p and -f both give a prompt; use one");
        if (prompt == null && file == null && Terminal.isInteractive())
            throw new ParameterException(command.commandLine(), "no prompt; use -p TEXT, -f FILE or standard input");
        String text = prompt != null ? prompt : withoutLastNewline(read());
        boolean empty = raw ? text.isEmpty() : text.isBlank();
        if (empty) throw new ParameterException(command.commandLine(), "the prompt is empty; use -p TEXT, -f FILE or standard input");
        return text;
    }

    /** The text of the file, or of standard input. */
    private String read() {
        try {
            return TextFiles.utf8(file != null ? Files.readAllBytes(file) : streams.in().readAllBytes());
        } catch (IOException e) {
            String where = file != null ? "-f " + file : "standard input";
            throw new UnusableException(where + " cannot be read: " + IoReason.of(e));
        }
    }

    private static String withoutLastNewline(String text) {
        return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    }
}
