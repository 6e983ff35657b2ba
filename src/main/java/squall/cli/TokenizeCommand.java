package squall.cli;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import squall.format.IoReason;
import squall.format.ModelFile;
import squall.format.ModelFiles;
import squall.text.Tokenizer;

/** {@code squall tokenize}: the tokens of a text, or the text of tokens. */
@Command(name = "tokenize", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Prints the tokens of a text, or the text of tokens. The text may also come from standard input.")
final class TokenizeCommand implements Callable<Integer> {
    private final Streams streams;

    @Spec private CommandSpec command;

    @Option(names = {"-m", "--model"}, paramLabel = "PATH",
            description = "GGUF file, safetensors file or directory. Default: the small model that ships with Squall.")
    private Path model;

    @Option(names = {"-p", "--prompt"}, paramLabel = "TEXT", description = "The text.")
    private String prompt;

    @Option(names = {"-f", "--file"}, paramLabel = "FILE", description = "A file with the text.")
    private Path file;

    @Option(names = "--no-parse-special", description = "Take added tokens such as <|im_start|> as plain text.")
    private boolean plain;

    @Option(names = "--ids", description = "Print only the ids: [1, 2, 3].")
    private boolean idsOnly;

    @Option(names = "--show-count", description = "Print the number of tokens at the end.")
    private boolean count;

    @Option(names = "--decode", paramLabel = "IDS", description = "Print the text of these ids (\"1 2 3\" or \"[1, 2, 3]\").")
    private String decode;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    TokenizeCommand(Streams streams) {
        this.streams = streams;
    }

    @Override public Integer call() {
        if (decode != null && (prompt != null || file != null || plain))
            throw new ParameterException(command.commandLine(), "--decode takes ids, so -p, -f and --no-parse-special do not go with it");
        String text = decode == null ? text() : null;
        int[] given = decode == null ? null : ids();
        Tokenizer tokenizer;
        try (ModelFile opened = ModelFiles.open(ModelOptions.orShipped(model))) {
            tokenizer = Tokenizer.read(opened);
        }
        if (decode != null) check(given, tokenizer);
        int[] ids = decode != null ? given : plain ? tokenizer.encodeText(text) : tokenizer.encode(text);
        if (json) streams.println(Json.write(document(ids, tokenizer)));
        else if (decode != null && !idsOnly) streams.println(tokenizer.decode(ids));
        else if (idsOnly) streams.println(Arrays.toString(ids));
        else streams.print(lines(ids, tokenizer));
        if (count && !json) streams.println("Total number of tokens: " + ids.length);
        return Squall.DONE;
    }

    private String text() {
        if (prompt != null && file != null)
            throw new ParameterException(command.commandLine(), "-p and -f both give a text; use one");
        if (prompt != null) return prompt;
        if (file == null && Terminal.isInteractive())
            throw new ParameterException(command.commandLine(), "no text; use -p TEXT, -f FILE or standard input");
        try {
            byte[] bytes = file != null ? Files.readAllBytes(file) : streams.in().readAllBytes();
            return TextFiles.utf8(bytes);
        } catch (IOException e) {
            String where = file != null ? file.toString() : "standard input";
            throw new UnusableException(where + " cannot be tokenized: " + IoReason.of(e));
        }
    }

    private int[] ids() {
        List<Integer> ids = new ArrayList<>();
        for (String id : decode.split("[\\s,\\[\\]]+")) {
            if (id.isEmpty()) continue;
            try {
                ids.add(Integer.valueOf(id));
            } catch (NumberFormatException e) {
                throw new ParameterException(command.commandLine(), "--decode: expected ids such as \"1 2 3\", found \"" + id + '"');
            }
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    private void check(int[] ids, Tokenizer tokenizer) {
        for (int id : ids) {
            if (id < 0 || id >= tokenizer.size())
                throw new ParameterException(command.commandLine(),
                        "--decode: the ids of this model are 0 to " + (tokenizer.size() - 1) + ", found " + id);
        }
    }

    private Map<String, Object> document(int[] ids, Tokenizer tokenizer) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("count", ids.length);
        if (decode != null) all.put("text", tokenizer.decode(ids));
        if (idsOnly) {
            all.put("ids", ids);
            return all;
        }
        List<Map<String, Object>> tokens = new ArrayList<>();
        for (int id : ids) {
            Map<String, Object> token = new LinkedHashMap<>();
            token.put("id", id);
            token.put("piece", textOrBytes(tokenizer.bytes(id)));
            token.put("special", tokenizer.isSpecial(id));
            tokens.add(token);
        }
        all.put("tokens", tokens);
        return all;
    }

    private static String lines(int[] ids, Tokenizer tokenizer) {
        StringBuilder lines = new StringBuilder();
        for (int id : ids) lines.append("%6d -> '%s'\n".formatted(id, piece(tokenizer.bytes(id))));
        return lines.toString();
    }

    /** Null for part of a character, as a token may be. */
    private static String text(byte[] bytes) {
        try {
            return TextFiles.utf8(bytes);
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    /** As llama.cpp's server gives it: a string, or an array of bytes where the token is part of a character. */
    private static Object textOrBytes(byte[] bytes) {
        String text = text(bytes);
        return text != null ? text : IntStream.range(0, bytes.length).map(i -> bytes[i] & 0xff).toArray();
    }

    /** The token's text on one line; part of a character in hex. */
    private static String piece(byte[] bytes) {
        StringBuilder piece = new StringBuilder();
        String text = text(bytes);
        if (text == null) {
            for (byte b : bytes) piece.append("\\x%02x".formatted(b & 0xff));
            return piece.toString();
        }
        for (char c : text.toCharArray()) {
            switch (c) {
                case '\n' -> piece.append("\\n");
                case '\r' -> piece.append("\\r");
                case '\t' -> piece.append("\\t");
                default -> piece.append(Character.isISOControl(c) ? "\\x%02x".formatted((int) c) : c);
            }
        }
        return piece.toString();
    }
}
