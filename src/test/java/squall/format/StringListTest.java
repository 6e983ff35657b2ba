package squall.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StringListTest {

    private static byte[] stored(List<byte[]> strings) {
        ByteBuffer all = ByteBuffer.allocate(strings.stream().mapToInt(s -> 8 + s.length).sum()).order(ByteOrder.LITTLE_ENDIAN);
        for (byte[] s : strings) all.putLong(s.length).put(s);
        return all.array();
    }

    private static Cursor cursor(byte[] bytes) {
        return new Cursor(MemorySegment.ofArray(bytes), "m.gguf");
    }

    private static String refusal(byte[] bytes, int n, long max) {
        return assertThrows(ModelFileException.class, () -> cursor(bytes).strings(n, "words", max)).getMessage();
    }

    @Test
    void stringsOfAllLengthsAreFound() {
        Random random = new Random(1);
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 30_000; i++) expected.add("\u00E9a\u4E2D".repeat(random.nextInt(6)));
        for (int length : new int[] {65_520, 65_528, 65_536, 200_000}) expected.add(random.nextInt(expected.size()), "x".repeat(length));
        byte[] bytes = stored(expected.stream().map(s -> s.getBytes(StandardCharsets.UTF_8)).toList());
        Cursor in = cursor(bytes);
        StringList found = in.strings(expected.size(), "words", 1 << 20);
        assertEquals(expected, found);
        assertEquals(bytes.length, in.position());
        StringList again = StringList.of(expected, "here");
        assertEquals(expected, again);
        for (int i = 0; i < expected.size(); i++)
            assertTrue(Arrays.equals(found.bytes(), found.begin(i), found.end(i), again.bytes(), again.begin(i), again.end(i)));
    }

    @Test
    void beginnings() {
        StringList list = StringList.of(Arrays.asList("<|a|>", null, "<", "x<|"), "here");
        assertTrue(list.startsWith(0, "<|"));
        for (int i = 1; i < 4; i++) assertFalse(list.startsWith(i, "<|"));
        assertEquals("", list.get(1));
    }

    @Test
    void whatIsWrongIsSaid() {
        byte[] good = stored(List.of(new byte[] {'a'}, new byte[] {'b', 'c'}));
        assertTrue(refusal(Arrays.copyOf(good, good.length - 1), 2, 100).contains("words[1]"));
        assertTrue(refusal(Arrays.copyOf(good, 12), 2, 100).contains("words[1]"));
        assertTrue(refusal(good, 3, 100).contains("words[2]"));
        assertTrue(refusal(good, 2, 1).contains("words[1]"));
        for (int i = 2; i < 8; i++) {
            byte[] long1 = good.clone();
            long1[i] = (byte) 0x80;
            assertTrue(refusal(long1, 2, 100).contains("words[0]"));
        }
        StringList list = cursor(stored(List.of(new byte[] {'a'}, new byte[] {'b', (byte) 0xC3}))).strings(2, "words", 100);
        assertEquals("a", list.get(0));
        assertTrue(assertThrows(ModelFileException.class, () -> list.get(1)).getMessage().contains("words[1]"));
    }
}
