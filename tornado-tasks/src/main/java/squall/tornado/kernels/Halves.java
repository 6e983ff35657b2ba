package squall.tornado.kernels;

import java.lang.foreign.MemorySegment;
import squall.quant.Format;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * Numbers that kernels look up, because TornadoVM compiles no bit casts:
 * <pre>
 * element 0        65536    131072     131328        131584     131600
 *         | F16[h] | BF16[h] | E4M3[b] | 2^(b - 128) | IQ4 [16] | E2M1 doubled [16] |
 * </pre>
 * The float of the half-precision bits h is element h.
 */
public final class Halves {
    static final int BF16 = 1 << 16;
    static final int E4M3 = 2 << 16;
    static final int POWERS = E4M3 + 256;
    static final int IQ4 = POWERS + 256;
    static final int E2M1 = IQ4 + 16;
    private static final int SIZE = E2M1 + 16;

    private static final float[] IQ4_VALUES = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    private static final float[] E2M1_DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private Halves() {}

    /** A new table. */
    public static FloatArray table() {
        FloatArray table = new FloatArray(SIZE);
        for (int h = 0; h < 1 << 16; h++) {
            table.set(h, Float.float16ToFloat((short) h));
            table.set(BF16 + h, Float.intBitsToFloat(h << 16));
        }
        for (int b = 0; b < 256; b++) {
            table.set(E4M3 + b, e4m3(b));
            table.set(POWERS + b, Math.scalb(1f, b - 128));
        }
        for (int q = 0; q < 16; q++) {
            table.set(IQ4 + q, IQ4_VALUES[q]);
            table.set(E2M1 + q, E2M1_DOUBLED[q]);
        }
        return table;
    }

    private static float e4m3(int b) {
        byte[] one = {(byte) b};
        float[] value = new float[1];
        Format.F8_E4M3.codec.decode(MemorySegment.ofArray(one), 0, value, 0, 1);
        return value[0];
    }
}
