package squall.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;

/** Blocks of bytes for the tests, and where the scales in them lie. */
public final class Blocks {
    private Blocks() {}

    /** Byte offsets of the half-precision scales in a block. */
    static List<Integer> scalesOf(Format f) {
        return switch (f) {
            case F32, F16, BF16, F8_E4M3, F8_E8M0, MXFP4 -> List.of();
            case Q8_0, Q4_0, Q5_0, IQ4_NL, IQ4_XS -> List.of(0);
            case Q4_1, Q5_1, Q4_K, Q5_K -> List.of(0, 2);
            case Q2_K -> List.of(80, 82);
            case Q3_K -> List.of(108);
            case Q6_K -> List.of(208);
        };
    }

    static byte[] random(Format f, int blocks, long seed) {
        byte[] bytes = new byte[blocks * f.codec.blockBytes()];
        SplittableRandom random = new SplittableRandom(seed);
        random.nextBytes(bytes);
        return bytes;
    }

    /** Random blocks whose values are finite and of ordinary size. */
    public static byte[] finite(Format f, int blocks, long seed) {
        byte[] bytes = random(f, blocks, seed);
        SplittableRandom random = new SplittableRandom(seed + 1);
        int size = f.codec.blockBytes();
        for (int b = 0; b < blocks; b++) {
            int at = b * size;
            for (int scale : scalesOf(f)) put16(bytes, at + scale, Float.floatToFloat16(random.nextFloat(-0.2f, 0.2f)));
            switch (f) {
                case F32 -> put32(bytes, at, Float.floatToRawIntBits(random.nextFloat(-2, 2)));
                case F16 -> put16(bytes, at, Float.floatToFloat16(random.nextFloat(-2, 2)));
                case BF16 -> put16(bytes, at, Float.floatToRawIntBits(random.nextFloat(-2, 2)) >> 16);
                case F8_E4M3 -> bytes[at] = (byte) (bytes[at] & 0xF7);
                case MXFP4, F8_E8M0 -> bytes[at] = (byte) random.nextInt(118, 132);
                default -> { }
            }
        }
        return bytes;
    }

    /** The same scale bits in every block, the rest random. */
    static byte[] withScale(Format f, int blocks, int bits, long seed) {
        byte[] bytes = random(f, blocks, seed);
        for (int b = 0; b < blocks; b++)
            for (int scale : scalesOf(f)) put16(bytes, b * f.codec.blockBytes() + scale, bits);
        return bytes;
    }

    /** Native memory that ends with the last of the bytes, which start {@code shift} bytes in. */
    static MemorySegment segment(Arena arena, byte[] bytes, int shift) {
        MemorySegment w = arena.allocate(shift + bytes.length, 64);
        MemorySegment.copy(bytes, 0, w, java.lang.foreign.ValueLayout.JAVA_BYTE, shift, bytes.length);
        return w;
    }

    private static void put16(byte[] b, int at, int v) {
        b[at] = (byte) v;
        b[at + 1] = (byte) (v >> 8);
    }

    private static void put32(byte[] b, int at, int v) {
        put16(b, at, v);
        put16(b, at + 2, v >> 16);
    }
}
