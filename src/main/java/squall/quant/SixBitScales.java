package squall.quant;

import static squall.quant.LittleEndian.i32;
import static squall.quant.LittleEndian.i64;
import static squall.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * The eight six-bit scales and eight six-bit minima that {@link Q4_K} and {@link Q5_K} pack into 12 bytes:
 * <pre>
 * byte k (0 to 3)  | high 2 of scale k+4   | scale k   (6) |
 * byte 4 + k       | high 2 of minimum k+4 | minimum k (6) |
 * byte 8 + k       | low 4 of minimum k+4  | low 4 of scale k+4 |
 * </pre>
 */
final class SixBitScales {
    /** Six-bit numbers as singles: read from a table, a number is spread over a vector without arithmetic. */
    static final float[] VALUES = new float[64];

    static {
        for (int i = 0; i < VALUES.length; i++) VALUES[i] = i;
    }

    private SixBitScales() {}

    /** Scale s (0 to 7) of the 12 bytes at {@code at}. */
    static int scaleAt(MemorySegment w, long at, int s) {
        return s < 4 ? u8(w, at + s) & 63 : u8(w, at + s + 4) & 15 | u8(w, at + s - 4) >> 6 << 4;
    }

    /** Minimum s (0 to 7) of the 12 bytes at {@code at}. */
    static int minimumAt(MemorySegment w, long at, int s) {
        return s < 4 ? u8(w, at + s + 4) & 63 : u8(w, at + s + 4) >> 4 | u8(w, at + s) >> 6 << 4;
    }

    /** All eight scales, scale s in byte s. */
    static long scales(MemorySegment w, long at) {
        long low = i32(w, at) & 0xFFFFFFFFL, both = i32(w, at + 8);
        return low & 0x3F3F3F3FL | both << 32 & 0x0F0F0F0F_00000000L | low << 30 & 0x30303030_00000000L;
    }

    /** All eight minima, minimum s in byte s. */
    static long minima(MemorySegment w, long at) {
        long lowAndBoth = i64(w, at + 4);
        return lowAndBoth & 0x3F3F3F3FL | lowAndBoth >>> 4 & 0x0F0F0F0F_00000000L | lowAndBoth << 30 & 0x30303030_00000000L;
    }
}
