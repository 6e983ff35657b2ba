package squall.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class TokenizerStreamTest {
    private final Tokenizer tokenizer = SquallTiny.gguf();
    /** The token of each single byte. */
    private final int[] singles = new int[256];

    TokenizerStreamTest() {
        for (int id = 0; id < tokenizer.size(); id++) {
            byte[] bytes = tokenizer.bytes(id);
            if (bytes.length == 1) singles[bytes[0] & 0xff] = id;
        }
    }

    private int[] byteByByte(byte[] bytes) {
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) ids[i] = singles[bytes[i] & 0xff];
        return ids;
    }

    private List<String> parts(int[] ids) {
        Tokenizer.Stream stream = tokenizer.stream();
        List<String> parts = new ArrayList<>();
        for (int id : ids) parts.add(stream.next(id));
        parts.add(stream.flush());
        return parts;
    }

    @Test
    void aCharacterComesWithItsLastByte() {
        int[] ids = byteByByte("a\u00E9\u20AC\uD83D\uDE00b".getBytes(StandardCharsets.UTF_8));
        assertEquals(List.of("a", "", "\u00E9", "", "", "\u20AC", "", "", "", "\uD83D\uDE00", "b", ""), parts(ids));
    }

    @Test
    void aBrokenTailIsReplacedAtTheEnd() {
        byte[] smile = "\uD83D\uDE00".getBytes(StandardCharsets.UTF_8);
        for (int cut = 1; cut < 4; cut++) {
            int[] ids = byteByByte(Arrays.copyOf(smile, cut));
            List<String> parts = parts(ids);
            assertEquals("", String.join("", parts.subList(0, cut)));
            assertEquals("\uFFFD", parts.getLast());
            assertEquals("\uFFFD", tokenizer.decode(ids));
        }
    }

    @Test
    void brokenSequencesAreReplacedAsSoonAsTheyAreKnown() {
        assertEquals(List.of("", "\uFFFDx", ""), parts(byteByByte(new byte[] {(byte) 0xE2, 'x'})));
        assertEquals(List.of("\uFFFD", "\uFFFD", ""), parts(byteByByte(new byte[] {(byte) 0x80, (byte) 0xFF})));
        assertEquals(List.of("", "\uFFFD\uFFFD", ""), parts(byteByByte(new byte[] {(byte) 0xE0, (byte) 0x80})));
    }

    @Test
    void aControlTokenEndsABrokenSequence() {
        assertEquals(List.of("", "\uFFFD<|im_end|>", ""), parts(new int[] {singles[0xF0], 4002}));
    }

    @Test
    void aStreamBeginsAnewAfterFlush() {
        Tokenizer.Stream stream = tokenizer.stream();
        assertEquals("", stream.next(singles[0xE2]));
        assertEquals("\uFFFD", stream.flush());
        assertEquals("", stream.flush());
        assertEquals("x", stream.next(singles['x']));
    }

    @Property
    void anyBytesAreDecodedAsAWhole(@ForAll @Size(max = 24) byte[] bytes) {
        String whole = new String(bytes, StandardCharsets.UTF_8);
        assertEquals(whole, String.join("", parts(byteByByte(bytes))));
        assertEquals(whole, tokenizer.decode(byteByByte(bytes)));
    }

    @Property
    void anyIdsAreDecodedAsAWhole(@ForAll @Size(max = 30) List<Short> some) {
        int[] ids = some.stream().mapToInt(s -> s & 4095).toArray();
        byte[] all = new byte[0];
        for (int id : ids) {
            byte[] bytes = tokenizer.bytes(id);
            all = Arrays.copyOf(all, all.length + bytes.length);
            System.arraycopy(bytes, 0, all, all.length - bytes.length, bytes.length);
        }
        String whole = new String(all, StandardCharsets.UTF_8);
        assertEquals(whole, tokenizer.decode(ids));
        assertEquals(whole, String.join("", parts(ids)));
    }
}
