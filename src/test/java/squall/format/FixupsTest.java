package squall.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import squall.format.Fixups.Rows;
import squall.ops.DeltaShape;
import squall.ops.DeltaShape.HeadOrder;

class FixupsTest {
    /** Two key heads of 2, four value heads of 3: groups of 2 + 2 + 6 + 6 rows. */
    private static final DeltaShape SHAPE = new DeltaShape(2, 4, 2, 3, HeadOrder.GROUPED);

    private static List<Integer> flat(List<Rows> runs) {
        List<Integer> rows = new ArrayList<>();
        for (Rows r : runs) for (int i = 0; i < r.count(); i++) rows.add((int) r.from() + i);
        return rows;
    }

    @Test void unravelsTheFusedProjection() {
        assertEquals(List.of(0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23, 24, 25), flat(Fixups.qkvz(SHAPE).qkv()));
        assertEquals(List.of(10, 11, 12, 13, 14, 15, 26, 27, 28, 29, 30, 31), flat(Fixups.qkvz(SHAPE).z()));
        assertEquals(SHAPE.channels(), Fixups.count(Fixups.qkvz(SHAPE).qkv()));
    }

    @Test void unravelsTheFusedGates() {
        assertEquals(List.of(0, 1, 4, 5), flat(Fixups.betaAlpha(SHAPE).beta()));
        assertEquals(List.of(2, 3, 6, 7), flat(Fixups.betaAlpha(SHAPE).alpha()));
    }

    @Test void gathersRowsAsBytes() {
        byte[] matrix = new byte[5 * 3];
        for (int i = 0; i < matrix.length; i++) matrix[i] = (byte) i;
        try (Arena memory = Arena.ofConfined()) {
            MemorySegment g = Fixups.gather(MemorySegment.ofArray(matrix), 3, List.of(new Rows(3, 2), new Rows(0, 1)), memory);
            assertArrayEquals(new byte[] {9, 10, 11, 12, 13, 14, 0, 1, 2}, g.toArray(ValueLayout.JAVA_BYTE));
        }
    }

    @Test void gathersScalesOnlyWhereBlocksStayWhole() {
        float[] grid = {1, 2, 3, 4, 5, 6}; // three blocks of rows, two across
        assertArrayEquals(new float[] {5, 6, 1, 2}, Fixups.gatherScales(grid, 2, List.of(new Rows(256, 128), new Rows(0, 128))));
        assertArrayEquals(new float[] {3, 4, 5, 6}, Fixups.gatherScales(grid, 2, List.of(new Rows(128, 130))));
        assertNull(Fixups.gatherScales(grid, 2, List.of(new Rows(64, 128))), "begins within a block");
        assertNull(Fixups.gatherScales(grid, 2, List.of(new Rows(0, 64), new Rows(128, 128))), "goes on within a block");
    }

    @Test void shiftsNormsAndDecays() {
        assertArrayEquals(new float[] {1, 0.5f}, Fixups.plusOne(new float[] {0, -0.5f}));
        assertArrayEquals(new float[] {-1, -2.7182817f}, Fixups.decay(new float[] {0, 1}));
    }
}
