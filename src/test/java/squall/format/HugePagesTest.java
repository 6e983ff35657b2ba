package squall.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
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
    private static final Path MAPS = Path.of("/proc/self/smaps"), PAGES = Path.of("/sys/kernel/mm/transparent_hugepage");

    @TempDir Path directory;

    /** A piece that begins and ends within pages: its pages are marked, and its bytes are those of the file. */
    @Test void pagesOfAPieceAreMarkedAndReadAsBefore() throws IOException {
        assumeTrue(Files.isReadable(MAPS) && Files.exists(PAGES));
        byte[] bytes = new byte[100_000];
        new Random(1).nextBytes(bytes);
        Path file = Files.write(directory.resolve("pages"), bytes);
        try (Mapping mapping = new Mapping()) {
            MemorySegment piece = mapping.map(file).asSlice(5000, 50_000);
            HugePages.ask(piece);
            assertEquals(MemorySegment.ofArray(Arrays.copyOfRange(bytes, 5000, 55_000)).mismatch(piece), -1);
            assertMarked(Long.toHexString(piece.address() / 4096 * 4096) + "-" + Long.toHexString((piece.address() + 50_000 + 4095) / 4096 * 4096));
        }
    }

    /** Memory of one's own: zeros, at the beginning of a page, and gone with its arena. */
    @Test void memoryIsHadInPages() throws IOException {
        assumeTrue(Files.isReadable(MAPS) && Files.exists(PAGES));
        assertTrue(HugePages.areKnown());
        MemorySegment memory;
        try (Arena arena = Arena.ofShared()) {
            memory = HugePages.allocate(arena, 3 << 20);
            assertEquals(3 << 20, memory.byteSize());
            assertEquals(0, memory.address() % (2 << 20));
            assertMarked(Long.toHexString(memory.address()) + "-");
            assertEquals(-1, memory.mismatch(MemorySegment.ofArray(new byte[3 << 20])));
            memory.fill((byte) 1);
        }
        assertFalse(memory.scope().isAlive());
        String begin = Long.toHexString(memory.address());
        assertTrue(Files.readAllLines(MAPS).stream().noneMatch(l -> l.startsWith(begin + "-")));
    }

    private static void assertMarked(String mapping) throws IOException {
        List<String> lines = Files.readAllLines(MAPS);
        int at = 0;
        while (at < lines.size() && !lines.get(at).startsWith(mapping)) at++;
        assertTrue(at < lines.size(), "no mapping " + mapping);
        while (!lines.get(at).startsWith("VmFlags:")) at++;
        assertTrue(lines.get(at).contains(" hg"), lines.get(at));
    }
}
