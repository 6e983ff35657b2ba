package uk.ac.manchester.tornado.api.types;

/** The upper half of a float: 8 bits of exponent, 7 of mantissa. Rounds to nearest, ties to even, as the hardware does. */
public final class BFloat16 {

    public static final float BF16_MAX = Float.intBitsToFloat(0x7F7F0000);

    private BFloat16() {
    }

    public static float bf16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    public static short bf16FromFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >> 16) | 0x40);
        }
        return (short) ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
