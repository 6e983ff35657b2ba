package squall.quant;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;

/**
 * Kernels that read 32 bytes as eight ints and take their bytes or nibbles one column after the other: a mask for each column,
 * then the lower half of the int's bits for two of them moved once. Activations are laid out to match: value
 * {@code 4 l + j} of 32 stands in lane l of vector j.
 *
 * <p>A column is not converted. The bits of a small int are, read as a single, that many times 2^-149, a subnormal number,
 * and a fused multiply-add takes it as it is. Activations are {@link #UNIT} times too large in return, which makes the sums
 * normal numbers: x may be as large as 2^55, and what a sum loses at the lower end is below 2^-72. Conversions have one pipe
 * on Zen 2 where masks have four (measured in C: 32 values a nanosecond; with conversions 18, with an exponent put over the
 * bits 24). A multiplication without a sum is slower for it (10 to 20 ns a row), so sums start from {@link #ZERO}.
 *
 * <p>How long kernels are written: above 18000 nodes C2 inlines no methods but the library's own, which are marked for it,
 * and those of at most six bytes of code. A long kernel therefore calls {@code FloatVector} and {@code IntVector} themselves from its
 * inner loop on. A vector that goes around a loop begins as {@code zero}: one that begins as a constant stays an object.
 */
final class ByteColumns {
    /** Whether columns need no conversion on this processor. */
    static final boolean FAST = Lanes.COUNT >= 8 && subnormalsAreFast();

    /** Kernels of this kind for rows as they are stored are for eight lanes; elsewhere they are taken as they lie. */
    static final boolean ON = Lanes.COUNT == 8 && FAST;

    static final IntVector BYTE = IntVector.broadcast(Lanes.INTS, 0xFF);
    static final IntVector BYTE_1 = IntVector.broadcast(Lanes.INTS, 0xFF00);
    static final IntVector BYTE_2 = IntVector.broadcast(Lanes.INTS, 0xFF0000);
    static final IntVector LOW = IntVector.broadcast(Lanes.INTS, 0xF);
    static final IntVector HIGH = IntVector.broadcast(Lanes.INTS, 0xF0);
    static final IntVector LOW_1 = IntVector.broadcast(Lanes.INTS, 0xF00);
    static final IntVector HIGH_1 = IntVector.broadcast(Lanes.INTS, 0xF000);

    /** Where a sum starts from nothing. */
    static final FloatVector ZERO = Lanes.zero();

    /** Factor of prepared activations. */
    static final float UNIT = 0x1p72f;
    /** One, in a sum of products of prepared activations and {@link #numbers}. */
    static final float ONE = UNIT * Float.MIN_VALUE;
    /** Makes of such a sum what it stands for. */
    static final float SCALE = 1 / ONE;

    /** What a byte of an int is multiplied with to be taken where it lies, as the first or second of 16 bits: an exact factor of x. */
    static final float[] PER_BYTE = {1, 0x1p-8f, 1, 0x1p-8f};

    /** {@link #UNIT} over the place of each nibble of 16 bits. */
    private static final FloatVector NIBBLE_UNITS = units(1, 0x1p-4f, 0x1p-8f, 0x1p-12f);

    /** The upper half of the lanes. */
    private static final long UPPER_LANES = (1L << Lanes.COUNT) - (1L << Lanes.COUNT / 2);
    static final VectorMask<Integer> UPPER_INTS = VectorMask.fromLong(Lanes.INTS, UPPER_LANES);
    static final VectorMask<Float> UPPER_FLOATS = VectorMask.fromLong(Lanes.FLOATS, UPPER_LANES);

    /**
     * Masks an index of prepared activations. It changes nothing: they are fewer. But then the compiler knows that
     * a small number added to it stays an int, and every load has its address in one instruction instead of three.
     */
    static final int PLACE = (1 << 28) - 1;

    private ByteColumns() {}

    /** {@link #UNIT} times each of four factors, again and again. */
    static FloatVector units(float... four) {
        float[] units = new float[Lanes.COUNT];
        for (int i = 0; i < units.length; i++) units[i] = UNIT * four[i % 4];
        return FloatVector.fromArray(Lanes.FLOATS, units, 0);
    }

    /** Ints below 2^16 as they are: times 2^-149. No longer than this, see above. */
    static FloatVector numbers(IntVector v) {
        return v.reinterpretAsFloats();
    }

    /**
     * {@code dst[dstAt + step * j + l] = factor * x[xAt + 4 l + j]}, in units of the place of byte j: 32 values as four vectors.
     */
    static void lay(float[] dst, int dstAt, int step, float[] x, int xAt, float factor) {
        for (int l = 0; l < 8; l++)
            for (int j = 0; j < 4; j++) dst[dstAt + step * j + l] = factor * UNIT * PER_BYTE[j] * x[xAt + 4 * l + j];
    }

    /** {@code dst[dstAt + i] = v[i]}, in units of the place of nibble i of a word, those of its upper half like those of the lower one. */
    static void layNibbles(float[] dst, int dstAt, FloatVector v) {
        v.mul(NIBBLE_UNITS).intoArray(dst, dstAt);
    }

    /** {@code dst[dstAt + l] = factor * sum over j of x[xAt + 4 l + j]}: what an offset of the stored values comes to, by lanes. */
    static void sums(float[] dst, int dstAt, float[] x, int xAt, float factor) {
        for (int l = 0; l < 8; l++) {
            int at = xAt + 4 * l;
            dst[dstAt + l] = factor * ONE * (x[at] + x[at + 1] + (x[at + 2] + x[at + 3]));
        }
    }

    /**
     * Processors that hand subnormal numbers to microcode (Intel's: some 150 cycles for each) take twice as long or more,
     * even as interpreted code, others (AMD's Zen 2) not a cycle more. Both ways give results within the tolerance, but not the same ones:
     * the best of many short tries decides, so that a machine always decides alike. It takes a fraction of a millisecond.
     */
    private static boolean subnormalsAreFast() {
        long normal = Long.MAX_VALUE, subnormal = Long.MAX_VALUE;
        for (int turn = 0; turn < 16; turn++) {
            normal = Math.min(normal, nanosOfSums(0x1p-100f));
            subnormal = Math.min(subnormal, nanosOfSums(0x1p-140f));
        }
        return subnormal < 1.4 * normal;
    }

    private static long nanosOfSums(float v) {
        float sum = 1;
        long start = System.nanoTime();
        for (int i = 0; i < 60; i++) sum = Math.fma(v, UNIT, Math.fma(v, UNIT, Math.fma(v, UNIT, sum)));
        long nanos = System.nanoTime() - start;
        return sum > 0 ? nanos : Long.MAX_VALUE;
    }
}
