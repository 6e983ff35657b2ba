package squall.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("width")
class LanesTest {

    @Test void speciesHaveTheChosenWidth() {
        String asked = System.getProperty(Lanes.PROPERTY);
        if (asked != null) assertEquals(Integer.parseInt(asked), Lanes.BITS);
        assertEquals(Lanes.BITS, Lanes.FLOATS.vectorBitSize());
        assertEquals(Lanes.BITS, Lanes.INTS.vectorBitSize());
        assertEquals(Lanes.BITS / 32, Lanes.COUNT);
    }

    @ParameterizedTest @ValueSource(strings = {"", "64", "1024", "256 ", "wide"})
    void otherWidthsAreRefused(String bits) {
        Exception e = assertThrows(IllegalArgumentException.class, () -> Lanes.bits(bits));
        assertEquals("-Dsquall.vector.bits=" + bits + ": the vector width must be 128, 256 or 512", e.getMessage());
    }
}
