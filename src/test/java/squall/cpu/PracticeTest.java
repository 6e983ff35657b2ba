package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;

import org.junit.jupiter.api.Test;

/** What is practised reads and writes nothing but what is there: no reader of a vector is checked for it outside of tests. */
class PracticeTest {

    @Test void playsWithinItsZeros() {
        assertDoesNotThrow(Practice::play);
    }
}
