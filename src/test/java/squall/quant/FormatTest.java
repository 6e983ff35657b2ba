package squall.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FormatTest {

    @Test void isFoundByItsTypeNumber() {
        for (Format f : Format.values()) if (f.ggmlType >= 0) assertSame(f, Format.ofGgmlType(f.ggmlType));
        assertSame(Format.Q4_K, Format.ofGgmlType(12));
        assertNull(Format.ofGgmlType(16));
        assertNull(Format.ofGgmlType(-1));
    }

    @Test void everyTypeNumberHasOneName() {
        assertEquals("Q6_K", Format.nameOfGgmlType(14));
        assertEquals("IQ2_XXS", Format.nameOfGgmlType(16));
        assertEquals("NVFP4", Format.nameOfGgmlType(40));
        assertEquals("type 4", Format.nameOfGgmlType(4));
        assertEquals("type -1", Format.nameOfGgmlType(-1));
        Set<Integer> numbers = new HashSet<>();
        for (Format f : Format.values()) if (f.ggmlType >= 0) assertTrue(numbers.add(f.ggmlType), f.name());
        for (UnreadFormat f : UnreadFormat.values()) assertTrue(numbers.add(f.ggmlType), f.name());
    }

    @Test void rowsAreWholeBlocks() {
        assertEquals(34 * 64, Format.Q8_0.rowBytes(2048));
        assertEquals(0, Format.Q4_K.rowBytes(0));
        assertEquals(3L << 40, Format.F16.rowBytes(3L << 39));
        Exception e = assertThrows(IllegalArgumentException.class, () -> Format.Q4_K.rowBytes(2048 + 32));
        assertEquals("2080 values are not whole Q4_K blocks of 256", e.getMessage());
    }
}
