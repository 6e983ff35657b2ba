package squall.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * What a command reads and writes: standard output carries the result alone, standard error everything else. UTF-8 both,
 * whatever the locale says.
 *
 * @param in          standard input
 * @param out         standard output
 * @param err         standard error
 * @param environment the environment variables
 */
public record Streams(InputStream in, PrintStream out, PrintStream err, Map<String, String> environment) {

    /** Standard output was closed by its reader, as {@code head} does: the command ends quietly. */
    static final class ClosedException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** Those of this process. */
    static Streams ofProcess() {
        return new Streams(new FileInputStream(FileDescriptor.in), stream(FileDescriptor.out), stream(FileDescriptor.err),
                System.getenv());
    }

    private static PrintStream stream(FileDescriptor file) {
        return new PrintStream(new FileOutputStream(file), false, StandardCharsets.UTF_8);
    }

    /** Prints part of the result at once. */
    void print(String text) {
        out.print(text);
        flush();
    }

    void println(String line) {
        out.print(line);
        out.print('\n');
        flush();
    }

    private void flush() {
        if (out.checkError()) throw new ClosedException();
    }

    /** A line for the user that is not part of the result. */
    void note(String line) {
        err.print(line);
        err.print('\n');
        err.flush();
    }
}
