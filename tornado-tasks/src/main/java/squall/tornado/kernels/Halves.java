package squall.tornado.kernels;

import java.lang.foreign.MemorySegment;
import squall.quant.Format;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * Numbers that kernels look up, because TornadoVM compiles no bit casts. The table has parts, one behind the other:
 * <pre>
 * F16 [65536] | BF16 [65536] | E4M3 [256] | IQ4 [256] | E2M1 [256] | POWERS [256]
 * </pre>
 * Element h of the table is the float of the half-precision bits h.
 */
public final class Halves {
    // parts of the table
    static final int F16 = 1;
    static final int BF16 = 2;
    static final int E4M3 = 3;
    /** Unevenly spaced values of IQ4_NL and IQ4_XS, by nibble. */
    static final int IQ4 = 4;
    /** Twice the four-bit floats of MXFP4, by nibble. */
    static final int E2M1 = 5;
    /** 2^(b - 128) */
    static final int POWERS = 6;

    private static final float[] IQ4_VALUES = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    private static final float[] E2M1_DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private Halves() {}

    /** Where a part starts. */
    static int start(int part) {
        return part < E4M3 ? (part - F16) << 16 : (2 << 16) + ((part - E4M3) << 8);
    }

    /** A new table. */
    public static FloatArray table() {
        FloatArray table = new FloatArray(start(POWERS + 1));
        for (int h = 0; h < 1 << 16; h++) {
            table.set(start(F16) + h, Float.float16ToFloat((short) h));
            table.set(start(BF16) + h, Float.intBitsToFloat(h << 16));
        }
        for (int b = 0; b < 256; b++) {
            table.set(start(E4M3) + b, Format.F8_E4M3.codec.at(MemorySegment.ofArray(new byte[] {(byte) b}), 0, 0));
            table.set(start(IQ4) + b, IQ4_VALUES[b & 15]);
            table.set(start(E2M1) + b, E2M1_DOUBLED[b & 15]);
            table.set(start(POWERS) + b, Math.scalb(1f, b - 128));
        }
        return table;
    }
}
