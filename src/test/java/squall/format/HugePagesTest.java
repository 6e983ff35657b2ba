package squall.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
class HugePagesTest {
    @TempDir Path directory;

    /** A piece that begins and ends within pages: its pages are marked, and its bytes are those of the file. */
    @Test void pagesOfAPieceAreMarkedAndReadAsBefore() throws IOException {
        Path maps = Path.of("/proc/self/smaps");
        assumeTrue(Files.isReadable(maps) && Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage")));
        byte[] bytes = new byte[100_000];
        new Random(1).nextBytes(bytes);
        Path file = Files.write(directory.resolve("pages"), bytes);
        try (Mapping mapping = new Mapping()) {
            MemorySegment piece = mapping.map(file).asSlice(5000, 50_000);
            HugePages.ask(piece);
            assertEquals(MemorySegment.ofArray(Arrays.copyOfRange(bytes, 5000, 55_000)).mismatch(piece), -1);
            String page = Long.toHexString(piece.address() / 4096 * 4096) + "-" + Long.toHexString((piece.address() + 50_000 + 4095) / 4096 * 4096);
            List<String> lines = Files.readAllLines(maps);
            int at = 0;
            while (at < lines.size() && !lines.get(at).startsWith(page)) at++;
            assertTrue(at < lines.size(), "no mapping " + page);
            while (!lines.get(at).startsWith("VmFlags:")) at++;
            assertTrue(lines.get(at).contains(" hg"), lines.get(at));
        }
    }
}
