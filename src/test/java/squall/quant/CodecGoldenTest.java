package squall.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The definitions against implementations that are not ours (README beside the resources). */
@Tag("width")
class CodecGoldenTest {

    @ParameterizedTest @EnumSource(Format.class)
    void definitionAndDecodeGiveTheReferenceValues(Format f) throws IOException {
        byte[] blocks = resource(f + ".blocks");
        ByteBuffer want = ByteBuffer.wrap(resource(f + ".f32")).order(ByteOrder.LITTLE_ENDIAN);
        Codec c = f.codec;
        int n = want.remaining() / 4;
        assertEquals(n, blocks.length / c.blockBytes() * c.blockSize());
        MemorySegment w = MemorySegment.ofArray(blocks);
        float[] decoded = new float[n];
        c.decode(w, 0, decoded, 0, n);
        for (int i = 0; i < n; i++) {
            float value = want.getFloat(4 * i);
            assertEquals(value, c.at(w, (long) (i / c.blockSize()) * c.blockBytes(), i % c.blockSize()), f + " value " + i);
            assertEquals(value, decoded[i], f + " decoded value " + i);
        }
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = CodecGoldenTest.class.getResourceAsStream(name)) {
            if (in == null) throw new IOException("no test resource " + name);
            return in.readAllBytes();
        }
    }
}
