package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import squall.quant.Format;

/** What is rehearsed reads and writes nothing but what is there: no reader of a vector is checked for it outside of tests. */
class RehearsalTest {

    @ParameterizedTest
    @EnumSource(Format.class)
    void decodesNoMoreThanIsThere(Format format) {
        for (int blocks : new int[] {1, 3, 40})
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment stored = arena.allocate((long) blocks * format.codec.blockBytes());
                assertDoesNotThrow(() -> Rehearsal.decoding(format, stored), blocks + " blocks");
            }
    }

    @Test
    void multipliesWithinItsArrays() {
        assertDoesNotThrow(Rehearsal::strips);
    }
}
