package squall.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import squall.format.IoReason;

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

    /** A print stream keeps its errors to itself; this one knows what stopped it. */
    static final class Output extends PrintStream {
        private final Watched to;

        Output(OutputStream to) {
            this(new Watched(to));
        }

        private Output(Watched to) {
            super(to, false, StandardCharsets.UTF_8);
            this.to = to;
        }

        /** Null as long as all went well. */
        IOException failure() {
            return to.failure;
        }
    }

    private static final class Watched extends FilterOutputStream {
        private IOException failure;

        Watched(OutputStream to) {
            super(to);
        }

        @Override public void write(byte[] b, int from, int n) throws IOException {
            try {
                out.write(b, from, n);
            } catch (IOException e) {
                failure = e;
                throw e;
            }
        }
    }

    /** Those of this process. */
    static Streams ofProcess() {
        return new Streams(new FileInputStream(FileDescriptor.in), new Output(new FileOutputStream(FileDescriptor.out)),
                new Output(new FileOutputStream(FileDescriptor.err)), System.getenv());
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

    /** @throws UncheckedIOException if what was printed is lost for another reason than that nobody reads it, as on a full disk */
    private void flush() {
        if (!out.checkError()) return;
        IOException failure = out instanceof Output known ? known.failure() : null;
        if (failure == null || String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT).contains("broken pipe"))
            throw new ClosedException();
        throw new UncheckedIOException("standard output cannot be written: " + IoReason.of(failure), failure);
    }

    /** A line for the user that is not part of the result. */
    void note(String line) {
        err.print(line);
        err.print('\n');
        err.flush();
    }
}
