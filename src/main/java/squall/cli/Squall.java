package squall.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import squall.format.ModelFileException;

/**
 * The command line. Only the class of the command that was asked for is loaded, since start-up counts.
 *
 * <p>Exit codes: 0 done, 1 failed while running, 2 wrong use or unusable input.
 */
@Command(name = "squall", version = Squall.VERSION, mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND", sortOptions = false,
        description = "Runs Qwen3 and Qwen3.5 language models.",
        footer = {"", "Every flag has an environment variable: --ctx-size is SQUALL_CTX_SIZE.",
            "Exit codes: 0 done, 1 failed while running, 2 wrong use or unusable input."})
public final class Squall {
    public static final String VERSION = "0.1.0";

    static final int DONE = 0;
    static final int FAILED = 1;
    static final int UNUSABLE = 2;

    /** The one command that needs all others. */
    private static final String COMPLETION = "completion";

    /** Sub-commands in the order of the help. */
    private static final Map<String, Function<Streams, Callable<Integer>>> COMMANDS = commands();

    @Option(names = "--stacktrace", scope = ScopeType.INHERIT, description = "Print the stack trace of an error.")
    private boolean stacktrace;

    private final Streams streams;

    private Squall(Streams streams) {
        this.streams = streams;
    }

    public static void main(String[] args) {
        System.exit(run(Streams.ofProcess(), args));
    }

    private static Map<String, Function<Streams, Callable<Integer>>> commands() {
        Map<String, Function<Streams, Callable<Integer>>> all = new LinkedHashMap<>();
        all.put("run", RunCommand::new);
        all.put("chat", ChatCommand::new);
        all.put("bench", BenchCommand::new);
        all.put("perplexity", PerplexityCommand::new);
        all.put("logits", LogitsCommand::new);
        all.put("inspect", InspectCommand::new);
        all.put("tokenize", TokenizeCommand::new);
        all.put("verify", VerifyCommand::new);
        all.put("profile", ProfileCommand::new);
        all.put("tune", TuneCommand::new);
        all.put("devices", DevicesCommand::new);
        all.put("doctor", DoctorCommand::new);
        all.put(COMPLETION, CompletionCommand::new);
        return all;
    }

    /** Runs one command and returns its exit code; never throws. */
    static int run(Streams streams, String... args) {
        Squall squall = new Squall(streams);
        CommandLine line = new CommandLine(squall);
        String asked = args.length > 0 && COMMANDS.containsKey(args[0]) && !args[0].equals(COMPLETION) ? args[0] : null;
        COMMANDS.forEach((name, create) -> {
            if (asked == null || asked.equals(name)) line.addSubcommand(name, new CommandLine(create.apply(streams)));
        });
        if (line.getSubcommands().get("bench") instanceof CommandLine bench) bench.addSubcommand(new SweepCommand(streams));
        line.setPosixClusteredShortOptionsAllowed(false)
                .setOverwrittenOptionsAllowed(true)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setDefaultValueProvider(new EnvironmentDefaults(streams.environment()))
                .setOut(writer(streams.out()))
                .setErr(writer(streams.err()))
                .setParameterExceptionHandler((e, _) -> squall.wrongUse(e))
                .setExecutionExceptionHandler((e, _, _) -> squall.failed(e));
        try {
            if (args.length == 0) {
                line.usage(line.getErr());
                return UNUSABLE;
            }
            int code = line.execute(args);
            streams.out().flush();
            return code;
        } catch (Streams.ClosedException e) {
            return DONE;
        } catch (Error e) {
            return squall.failed(e);
        } finally {
            streams.err().flush();
        }
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(stream, true, StandardCharsets.UTF_8);
    }

    private int wrongUse(ParameterException e) {
        streams.note(WrongUse.message(e, streams.environment()));
        if (stacktrace) e.printStackTrace(streams.err());
        return UNUSABLE;
    }

    private int failed(Throwable e) {
        if (e instanceof Streams.ClosedException) return DONE;
        if (e instanceof ParameterException wrong) return wrongUse(wrong);
        String message = e instanceof OutOfMemoryError ? "out of memory (" + e.getMessage() + "): a smaller --ctx-size helps"
                : e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        streams.note("squall: " + WrongUse.sentence(message));
        if (stacktrace) e.printStackTrace(streams.err());
        boolean unusable = e instanceof ModelFileException || e instanceof UnusableException;
        return unusable ? UNUSABLE : FAILED;
    }
}
