package squall.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import java.text.Normalizer;
import java.time.Duration;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class NfcTest {

    private static String reference(String text) {
        return Normalizer.normalize(text, Normalizer.Form.NFC);
    }

    @Property
    void shortTexts(@ForAll String text) {
        assertEquals(reference(text), Nfc.of(text));
    }

    /** Marks of every class, some that decompose, some that are never reordered (U+034F, U+20DD), one beyond the basic plane. */
    @Test
    void longRunsOfMarks() {
        int[] marks = {0x300, 0x301, 0x316, 0x327, 0x334, 0x345, 0x344, 0x340, 0x34F, 0x20DD, 0x5B0, 0x64B, 0xE38, 0x3099, 0x93C,
            0x302A, 0x1D165, 0x35C, 0x1DCE};
        Random random = new Random(7);
        for (int n : new int[] {255, 256, 257, 700}) {
            for (int round = 0; round < 20; round++) {
                StringBuilder text = new StringBuilder("a\u0301b");
                for (int i = 0; i < n; i++) text.appendCodePoint(marks[random.nextInt(marks.length)]);
                text.append("e\u0301 \u1100\u1161");
                assertEquals(reference(text.toString()), Nfc.of(text.toString()));
                assertEquals(reference(text.substring(3)), Nfc.of(text.substring(3)));
            }
        }
    }

    /** By insertion, as the JDK does it, this takes minutes. */
    @Test
    void aMillionMarksTakeLinearTime() {
        String text = "a" + "\u0301\u0316".repeat(500_000);
        String normal = assertTimeout(Duration.ofSeconds(10), () -> Nfc.of(text));
        assertEquals(1_000_000, normal.length());
        assertEquals("\u00E1" + "\u0316".repeat(500_000) + "\u0301".repeat(499_999), normal);
    }
}
