package squall.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Where the messages of a chat come from. */
interface ChatInput extends AutoCloseable {

    /** The next message; null at the end. */
    String next();

    /** Runs {@code work}, calling {@code cancel} if the user presses Ctrl-C meanwhile. */
    void interruptible(Runnable work, Runnable cancel);

    @Override void close();

    /** Lines of a pipe or file, one message each. */
    static ChatInput ofLines(Streams streams) {
        BufferedReader lines = new BufferedReader(new InputStreamReader(streams.in(), StandardCharsets.UTF_8));
        return new ChatInput() {
            @Override public String next() {
                try {
                    return lines.readLine();
                } catch (IOException e) {
                    throw new UncheckedIOException("standard input cannot be read: " + e.getMessage(), e);
                }
            }

            @Override public void interruptible(Runnable work, Runnable cancel) {
                work.run();
            }

            @Override public void close() {}
        };
    }
}
