package squall.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Files mapped read-only into one arena that any thread may read. Closing unmaps them all. */
final class Mapping implements AutoCloseable {
    private final Arena arena = Arena.ofShared();

    MemorySegment map(Path file) {
        if (!Files.exists(file)) throw new ModelFileException(file + ": there is no such file.");
        if (!Files.isRegularFile(file)) throw ModelFileException.mismatch(file.toString(), "kind", "a file", "something else");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (NoSuchFileException e) {
            throw new ModelFileException(file + ": there is no such file.", e);
        } catch (IOException e) {
            throw new ModelFileException(file + ": cannot be read: " + IoReason.of(e), e);
        }
    }

    @Override public void close() {
        arena.close();
    }
}
