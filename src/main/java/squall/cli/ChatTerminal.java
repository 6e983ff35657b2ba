package squall.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jline.reader.CompletingParsedLine;
import org.jline.reader.EOFError;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.Terminal.SignalHandler;
import org.jline.terminal.TerminalBuilder;

/**
 * Messages typed at a terminal, with JLine: line editing, a history that is kept, and several lines where a line ends with a
 * backslash or three quotes are open.
 */
final class ChatTerminal implements ChatInput {
    private static final String QUOTES = "\"\"\"";

    private final org.jline.terminal.Terminal terminal;
    private final LineReader reader;

    private ChatTerminal(org.jline.terminal.Terminal terminal, LineReader reader) {
        this.terminal = terminal;
        this.reader = reader;
    }

    static ChatTerminal open(Streams streams) {
        try {
            org.jline.terminal.Terminal terminal = TerminalBuilder.builder().system(true).build();
            LineReaderBuilder builder = LineReaderBuilder.builder().terminal(terminal).parser(ChatTerminal::parse)
                    .variable(LineReader.SECONDARY_PROMPT_PATTERN, ". ")
                    .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true);
            Path history = history(streams);
            if (history != null) builder.variable(LineReader.HISTORY_FILE, history);
            return new ChatTerminal(terminal, builder.build());
        } catch (IOException e) {
            throw new UncheckedIOException("the terminal cannot be opened: " + e.getMessage(), e);
        }
    }

    /** Where the XDG base directories put it; null if no place can be made. */
    private static Path history(Streams streams) {
        String state = streams.environment().get("XDG_STATE_HOME");
        Path directory = state == null || state.isBlank()
                ? Path.of(System.getProperty("user.home"), ".local", "state", "squall") : Path.of(state, "squall");
        try {
            return Files.createDirectories(directory).resolve("chat-history");
        } catch (IOException e) {
            return null;
        }
    }

    @Override public String next() {
        while (true) {
            try {
                return joined(reader.readLine("> "));
            } catch (UserInterruptException e) {
                // Ctrl-C with nothing running drops the line
            } catch (EndOfFileException e) {
                return null;
            }
        }
    }

    /** The message that the lines make. */
    static String joined(String lines) {
        String text = lines.replace("\\\n", "\n");
        String stripped = text.strip();
        boolean quoted = stripped.length() >= 2 * QUOTES.length() && stripped.startsWith(QUOTES) && stripped.endsWith(QUOTES);
        return quoted ? stripped.substring(QUOTES.length(), stripped.length() - QUOTES.length()).strip() : text;
    }

    /** Whether another line must follow. */
    static boolean isOpen(String lines) {
        return lines.endsWith("\\") || (lines.split(QUOTES, -1).length - 1) % 2 == 1;
    }

    private static ParsedLine parse(String line, int cursor, Parser.ParseContext context) {
        if (context == Parser.ParseContext.ACCEPT_LINE && isOpen(line)) throw new EOFError(-1, -1, "more lines");
        return new Whole(line, cursor);
    }

    /** A message has no words to complete: it is one. */
    private record Whole(String line, int cursor) implements CompletingParsedLine {
        @Override public String word() {
            return line;
        }

        @Override public int wordCursor() {
            return cursor;
        }

        @Override public int wordIndex() {
            return 0;
        }

        @Override public List<String> words() {
            return List.of(line);
        }

        @Override public CharSequence escape(CharSequence candidate, boolean complete) {
            return candidate;
        }

        @Override public int rawWordCursor() {
            return cursor;
        }

        @Override public int rawWordLength() {
            return line.length();
        }
    }

    @Override public void interruptible(Runnable work, Runnable cancel) {
        SignalHandler before = terminal.handle(Signal.INT, _ -> cancel.run());
        try {
            work.run();
        } finally {
            terminal.handle(Signal.INT, before);
        }
    }

    @Override public void close() {
        try {
            reader.getHistory().save();
            terminal.close();
        } catch (IOException e) {
            throw new UncheckedIOException("the history cannot be saved: " + e.getMessage(), e);
        }
    }
}
