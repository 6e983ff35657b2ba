package squall.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import squall.engine.EngineOptions;
import squall.engine.Evaluation;
import squall.engine.Logits;
import squall.format.IoReason;
import squall.model.ModelConfig;
import squall.ops.Tap;

/** {@code squall logits}: token ids in, logits out, both as plain little-endian numbers: for checking the engine. */
@Command(name = "logits", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Writes the logits of every position of a token sequence, for checking.")
final class LogitsCommand implements Callable<Integer> {
    private final Streams streams;

    @Spec private CommandSpec command;

    @Mixin private ModelOptions model;

    @Option(names = "--ids", paramLabel = "FILE", required = true, description = "Token ids, little-endian int32.")
    private Path ids;

    @Option(names = {"-o", "--out"}, paramLabel = "FILE", required = true,
            description = "Logits, little-endian float32 [tokens, vocab].")
    private Path out;

    @Option(names = "--pieces", paramLabel = "N", description = "Take the prompt in pieces of N tokens; default: at once.")
    private Integer pieces;

    @Option(names = "--hidden", paramLabel = "FILE",
            description = "Also write the residual stream, float32 [layers + 1, tokens, hidden]; the last after the final norm.")
    private Path hidden;

    @Mixin private DeviceOptions device;

    LogitsCommand(Streams streams) {
        this.streams = streams;
    }

    @Override public Integer call() throws IOException {
        if (pieces != null && pieces < 1)
            throw new ParameterException(command.commandLine(), "--pieces must be 1 or more, found " + pieces);
        checkPlaces();
        int[] tokens = tokens();
        EngineOptions asked = model.engine(1, EngineOptions.KvFormat.F32);   // what is checked is the engine, not the cache's rounding
        int batch = pieces == null ? tokens.length : Math.min(pieces, tokens.length);
        EngineOptions options = new EngineOptions(tokens.length, 1, batch, asked.threads(), asked.keyFormat(), asked.valueFormat());
        try (LoadedModel loaded = LoadedModel.openForIds(model.path(), model, device, streams, options)) {
            check(tokens, loaded.config().vocab());
            try (FileChannel logits = create(out); FileChannel stream = hidden == null ? null : create(hidden)) {
                write(loaded, tokens, Math.min(batch, Evaluation.mostRows(loaded.config().vocab())), logits, stream);
            }
        }
        return Squall.DONE;
    }

    /** What is written never goes into a file that is read, nor both parts of it into one: a mapped model that shrinks ends the JVM. */
    private void checkPlaces() throws IOException {
        checkApart("--out", out, "--ids", ids);
        checkApart("--out", out, "--model", model.path());
        if (hidden == null) return;
        checkApart("--hidden", hidden, "--ids", ids);
        checkApart("--hidden", hidden, "--model", model.path());
        checkApart("--hidden", hidden, "--out", out);
    }

    private void checkApart(String flag, Path written, String other, Path path) throws IOException {
        boolean same = written.toAbsolutePath().normalize().equals(path.toAbsolutePath().normalize())
                || Files.exists(written) && Files.exists(path) && Files.isSameFile(written, path);
        if (same)
            throw new ParameterException(command.commandLine(), flag + " " + written + " is the file of " + other + " too; name another one");
    }

    private static void write(LoadedModel loaded, int[] tokens, int rows, FileChannel logits, FileChannel hidden)
            throws IOException {
        Residuals residuals = hidden == null ? null : new Residuals(hidden, loaded.config(), tokens.length);
        Evaluation evaluation = new Evaluation(loaded.executor(), 0, tokens, 0, rows, residuals);
        Floats floats = new Floats();
        while (!evaluation.isDone()) {
            if (residuals != null) residuals.position = evaluation.done();
            long at = (long) evaluation.done() * loaded.config().vocab();
            Logits piece = evaluation.next();
            floats.write(logits, at, piece.values(), piece.rows() * piece.vocab());
            if (residuals != null && residuals.failure != null) throw residuals.failure;
        }
    }

    /** Writes what passes a tap to its place in [layers + 1, tokens, hidden]. */
    private static final class Residuals implements Tap {
        private final FileChannel file;
        private final int last;
        private final int dim;
        private final int tokens;
        private final Floats floats = new Floats();
        private int position;
        private IOException failure;

        Residuals(FileChannel file, ModelConfig config, int tokens) {
            this.file = file;
            this.last = config.layers().size();
            this.dim = config.dim();
            this.tokens = tokens;
        }

        @Override public void at(int point, float[] x, int rows, int width) {
            try {
                long row = (long) Math.min(point, last) * tokens + position;
                floats.write(file, row * dim, x, rows * width);
            } catch (IOException e) {
                failure = e;
            }
        }
    }

    /** Writes floats through one buffer. */
    private static final class Floats {
        private final ByteBuffer bytes = ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN);

        /** {@code values[0, n)} at value {@code at} of the file. */
        void write(FileChannel file, long at, float[] values, int n) throws IOException {
            int most = bytes.capacity() / Float.BYTES;
            for (int i = 0; i < n; i += most) {
                int count = Math.min(most, n - i);
                bytes.clear();
                bytes.asFloatBuffer().put(values, i, count);
                bytes.limit(count * Float.BYTES);
                long place = (at + i) * Float.BYTES;
                while (bytes.hasRemaining()) place += file.write(bytes, place);
            }
        }
    }

    private int[] tokens() {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(ids);
        } catch (IOException e) {
            throw new UnusableException("--ids " + ids + " cannot be read: " + IoReason.of(e));
        }
        if (bytes.length == 0 || bytes.length % Integer.BYTES != 0)
            throw new UnusableException("--ids " + ids + ": whole little-endian int32 ids expected, 1 or more; found " + bytes.length
                    + " bytes");
        int[] tokens = new int[bytes.length / Integer.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(tokens);
        return tokens;
    }

    private void check(int[] tokens, int vocab) {
        for (int i = 0; i < tokens.length; i++)
            if (tokens[i] < 0 || tokens[i] >= vocab)
                throw new UnusableException("--ids " + ids + ": id " + tokens[i] + " at index " + i
                        + " is outside of the model's vocabulary of " + vocab);
    }

    private static FileChannel create(Path file) {
        try {
            return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new UnusableException(file + " cannot be written: " + IoReason.of(e));
        }
    }
}
