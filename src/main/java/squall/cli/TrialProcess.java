package squall.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import squall.engine.Contest;

/**
 * A {@link Trial} in a JVM of its own, started with this one's flags. It says {@link #READY} when it is warm, then the times of a
 * round for each line that it is sent, and ends when nothing more can come.
 */
final class TrialProcess implements TuneCommand.Rival {
    /** Before every line that is meant for the parent: a driver may print others. */
    private static final String MARK = "trial: ";
    static final String READY = MARK + "ready";

    private static final long PATIENCE_SECONDS = 20;
    private static final int MOST_SAID = 300;

    private final Process process;
    private final Path errors;
    private final BufferedReader answers;

    private TrialProcess(Process process, Path errors) {
        this.process = process;
        this.errors = errors;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
    }

    /**
     * @param device flags that choose it
     * @throws IllegalStateException with what the process said if it does not come so far
     */
    static TrialProcess start(Path model, List<String> device, Map<String, String> settings) {
        List<String> line = new ArrayList<>(ManagementFactory.getRuntimeMXBean().getInputArguments());
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), Squall.class.getName(), "tune", "-m", model.toString()));
        line.addAll(device);
        line.addAll(List.of("--trial", settings.entrySet().stream().map(Object::toString).collect(Collectors.joining(","))));
        try {
            Path errors = Files.createTempFile("squall-trial", ".err");
            errors.toFile().deleteOnExit();
            Path arguments = Files.createTempFile("squall-trial", ".args");
            Files.writeString(arguments, line.stream().map(TrialProcess::quoted).collect(Collectors.joining("\n")));
            Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "@" + arguments)
                    .redirectError(errors.toFile()).start();
            TrialProcess trial = new TrialProcess(process, errors);
            try {
                trial.await(READY);
            } finally {
                Files.delete(arguments);
            }
            return trial;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As a file of arguments wants it. */
    private static String quoted(String argument) {
        return '"' + argument.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    static String written(Contest.Times times) {
        return MARK + times.token() + " " + times.prompt();
    }

    @Override public Contest.Times round() {
        try {
            OutputStream asked = process.getOutputStream();
            asked.write('\n');
            asked.flush();
            String[] times = await(MARK).substring(MARK.length()).split(" ");
            return new Contest.Times(Double.parseDouble(times[0]), Double.parseDouble(times[1]));
        } catch (IOException e) {
            throw ended();
        }
    }

    /** The next line that starts so. */
    private String await(String start) {
        try {
            for (String line = answers.readLine(); line != null; line = answers.readLine())
                if (line.startsWith(start)) return line;
        } catch (IOException e) {
            // as if it had ended: nothing more can come
        }
        throw ended();
    }

    /** What it said at last. */
    private IllegalStateException ended() {
        close();
        try {
            // in one line, without the colours that TornadoVM gives its messages
            String said = Files.readString(errors).replaceAll("\\u001B\\[[0-9;]*m", "").strip();
            String why = said.substring(Math.max(0, said.lastIndexOf("squall: "))).replaceFirst("^squall: ", "").replaceAll("\\s+", " ");
            if (why.length() > MOST_SAID) why = why.substring(0, MOST_SAID) + " …";
            return new IllegalStateException((why.isEmpty() ? "it said nothing" : why) + " (exit code " + process.waitFor() + ")");
        } catch (IOException | InterruptedException e) {
            return new IllegalStateException("its process ended", e);
        }
    }

    /** Nothing more to measure: it ends by itself; in a driver that hangs, after a while all the same. */
    @Override public void close() {
        try {
            process.getOutputStream().close();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
        } catch (IOException e) {
            process.destroyForcibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
