package squall.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The fast paths of every format against its definition. */
@Tag("width")
class CodecTest {
    private static final float UNTOUCHED = 12345.678f;
    /** Zeros of both signs, subnormals (smallest, largest), smallest normal, one, largest, infinities, NaNs. */
    private static final int[] HALVES = {0, 0x8000, 1, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF,
            0x7C00, 0xFC00, 0x7C01, 0x7E00, 0xFFFF};

    @ParameterizedTest @EnumSource(Format.class)
    void decodeOfRandomBlocks(Format f) {
        for (int shift : new int[] {0, 1, 3}) checkDecode(f, Blocks.random(f, 33, 7 + shift), shift);
    }

    @ParameterizedTest @EnumSource(Format.class)
    void decodeOfUniformBlocks(Format f) {
        for (int b : new int[] {0x00, 0xFF, 0x7F, 0x80, 0x01, 0x88}) {
            byte[] bytes = new byte[5 * f.codec.blockBytes()];
            Arrays.fill(bytes, (byte) b);
            checkDecode(f, bytes, 1);
            for (int half : HALVES) {
                byte[] scaled = bytes.clone();
                for (int at : Blocks.scalesOf(f)) {
                    scaled[at] = (byte) half;
                    scaled[at + 1] = (byte) (half >> 8);
                }
                checkDecode(f, scaled, 0);
            }
        }
    }

    @ParameterizedTest @EnumSource(Format.class)
    void decodeWithExtremeScales(Format f) {
        for (int half : HALVES) checkDecode(f, Blocks.withScale(f, 3, half, half), 1);
    }

    /** One-value formats have few enough codes to try them all. */
    @ParameterizedTest @EnumSource(value = Format.class, names = {"F16", "BF16", "F8_E4M3"})
    void decodeOfEveryCode(Format f) {
        int size = f.codec.blockBytes();
        byte[] bytes = new byte[size == 1 ? 256 : 1 << 17];
        for (int i = 0; i < bytes.length / size; i++) {
            bytes[i * size] = (byte) i;
            if (size == 2) bytes[i * size + 1] = (byte) (i >> 8);
        }
        checkDecode(f, bytes, 0);
    }

    @ParameterizedTest @EnumSource(Format.class)
    void decodeOfEveryBlockCount(Format f) {
        for (int blocks = 0; blocks <= (f.codec.blockSize() == 1 ? 70 : 9); blocks++)
            checkDecode(f, Blocks.random(f, blocks, blocks), blocks % 5);
    }

    @ParameterizedTest @EnumSource(Format.class)
    void dotOfEveryBlockCount(Format f) {
        for (int blocks = 0; blocks <= (f.codec.blockSize() == 1 ? 70 : 9); blocks++)
            checkDot(f, Blocks.finite(f, blocks, blocks), blocks % 5, blocks);
    }

    @ParameterizedTest @EnumSource(Format.class)
    void dotOfLongRows(Format f) {
        int blocks = 4096 / f.codec.blockSize();
        for (int seed = 0; seed < 4; seed++) checkDot(f, Blocks.finite(f, blocks, seed), seed, seed);
    }

    @ParameterizedTest @EnumSource(Format.class)
    void dotWithExtremeScales(Format f) {
        for (int half : HALVES)
            if ((half & 0x7C00) != 0x7C00 && !Blocks.scalesOf(f).isEmpty())
                checkDot(f, Blocks.withScale(f, 7, half, half), 1, half);
    }

    @ParameterizedTest @EnumSource(Format.class)
    void dotOfUniformBlocks(Format f) {
        for (int b : new int[] {0x00, 0xFF, 0x7F, 0x80, 0x01}) {
            byte[] bytes = new byte[6 * f.codec.blockBytes()];
            Arrays.fill(bytes, (byte) b);
            checkDot(f, bytes, 0, b);
            for (int i = 0; i < 6; i++)
                for (int at : Blocks.scalesOf(f)) {
                    bytes[i * f.codec.blockBytes() + at] = 0;
                    bytes[i * f.codec.blockBytes() + at + 1] = 0x2C;
                }
            checkDot(f, bytes, 1, b);
        }
    }

    @ParameterizedTest @EnumSource(Format.class)
    void dotsOfRows(Format f) {
        boolean single = f.codec.blockSize() == 1;
        for (int blocks = 1; blocks <= (single ? 70 : 9); blocks++) checkDots(f, Blocks.finite(f, f.codec.together() * blocks, blocks), blocks % 5, blocks);
        for (int seed = 0; seed < 4; seed++) checkDots(f, Blocks.finite(f, 8192 / f.codec.blockSize(), seed), seed, seed);
    }

    /** Activations far from one: kernels may scale them, and take it back. */
    @ParameterizedTest @EnumSource(Format.class)
    void dotsOfSmallAndLargeActivations(Format f) {
        byte[] bytes = Blocks.finite(f, 2048 / f.codec.blockSize(), 3);
        for (float factor : new float[] {0x1p-40f, 0x1p-20f, 0x1p20f, 0x1p40f}) checkDots(f, bytes, 1, 3, factor);
    }

    @ParameterizedTest @EnumSource(Format.class)
    void dotsWithExtremeValues(Format f) {
        for (int half : HALVES) {
            if ((half & 0x7C00) != 0x7C00 && !Blocks.scalesOf(f).isEmpty()) checkDots(f, Blocks.withScale(f, 8, half, half), 1, half);
            if (f != Format.F16) continue;
            byte[] bytes = Blocks.finite(f, 64, half);
            bytes[2 * 41] = (byte) half;
            bytes[2 * 41 + 1] = (byte) (half >> 8);
            if ((half & 0x7C00) != 0x7C00) checkDots(f, bytes, 1, half);
        }
        for (int b : new int[] {0x00, 0xFF, 0x7F, 0x80, 0x01}) {
            byte[] bytes = new byte[8 * f.codec.blockBytes()];
            Arrays.fill(bytes, (byte) b);
            if (f.codec.blockSize() > 1) checkDots(f, bytes, 1, b);
        }
    }

    /** One number that is not finite, wherever it stands, among vectors and behind them. */
    @ParameterizedTest @EnumSource(names = {"F16", "BF16", "F32", "Q8_0"})
    void numbersThatAreNotFiniteAreFound(Format f) {
        int n = f == Format.Q8_0 ? 96 : 71, shift = 2;
        byte[] bytes = Blocks.finite(f, n / f.codec.blockSize(), 1);
        assertTrue(f.codec.isFinite(heap(bytes, shift), shift, n));
        byte[][] others = f == Format.F32 ? new byte[][] {{0, 0, (byte) 0x80, 0x7F}, {1, 0, (byte) 0x80, (byte) 0xFF}}
                : f == Format.BF16 ? new byte[][] {{(byte) 0x80, 0x7F}, {(byte) 0x81, (byte) 0xFF}} : new byte[][] {{0, 0x7C}, {1, (byte) 0xFC}, {(byte) 0xFF, 0x7F}};
        for (byte[] other : others)
            for (int at = 0; at < bytes.length; at += f.codec.blockBytes()) {
                byte[] planted = bytes.clone();
                System.arraycopy(other, 0, planted, at, other.length);
                assertFalse(f.codec.isFinite(heap(planted, shift), shift, n), f + " did not see byte " + at);
            }
    }

    @ParameterizedTest @EnumSource(Format.class)
    void dotsCarryNaN(Format f) {
        int n = f.codec.blockSize() == 1 ? 64 : 2 * f.codec.blockSize();
        int rows = f.codec.together();
        MemorySegment w = MemorySegment.ofArray(Blocks.finite(f, rows * n / f.codec.blockSize(), 1));
        for (int at = 0; at < n; at += f.codec.blockSize() == 1 ? 1 : 13) {
            float[] x = new float[n], prepared = new float[f.codec.preparedSize(n)], y = new float[rows];
            x[at] = Float.NaN;
            f.codec.prepare(prepared, x, 0, n);
            f.codec.dots(y, 0, 1, w, 0, f.rowBytes(n), prepared, n);
            for (float sum : y) assertTrue(Float.isNaN(sum), f + " lost the NaN at " + at);
        }
    }

    /** An activation that is not a number must show, wherever it stands. */
    @ParameterizedTest @EnumSource(Format.class)
    void dotCarriesNaN(Format f) {
        int n = f.codec.blockSize() == 1 ? 37 : 2 * f.codec.blockSize();
        MemorySegment w = MemorySegment.ofArray(Blocks.finite(f, n / f.codec.blockSize(), 1));
        for (int at = 0; at < n; at += f.codec.blockSize() == 1 ? 1 : 13) {
            float[] x = new float[n];
            x[at] = Float.NaN;
            assertTrue(Float.isNaN(f.codec.dot(w, 0, x, 0, n)), f + " lost the NaN at " + at);
        }
    }

    @ParameterizedTest @EnumSource(Format.class)
    void readsNothingPastTheEnd(Format f) {
        int blocks = f.codec.blockSize() == 1 ? 40 : 3, n = blocks * f.codec.blockSize();
        byte[] bytes = Blocks.finite(f, blocks, 5);
        MemorySegment cut = MemorySegment.ofArray(Arrays.copyOf(bytes, bytes.length - 1));
        assertThrows(IndexOutOfBoundsException.class, () -> f.codec.decode(cut, 0, new float[n], 0, n));
        assertThrows(IndexOutOfBoundsException.class, () -> f.codec.dot(cut, 0, new float[n], 0, n));
        assertThrows(IndexOutOfBoundsException.class, () -> f.codec.decode(cut, -1, new float[n], 0, n));
        assertThrows(IndexOutOfBoundsException.class, () -> f.codec.dot(cut, -1, new float[n], 0, n));
    }

    private static void checkDecode(Format f, byte[] bytes, int shift) {
        Codec c = f.codec;
        int n = bytes.length / c.blockBytes() * c.blockSize(), margin = 3;
        try (Arena arena = Arena.ofConfined()) {
            for (MemorySegment w : new MemorySegment[] {Blocks.segment(arena, bytes, shift), heap(bytes, shift)}) {
                float[] got = new float[n + 2 * margin];
                Arrays.fill(got, UNTOUCHED);
                c.decode(w, shift, got, margin, n);
                for (int i = 0; i < n; i++) {
                    float want = c.at(w, shift + (long) (i / c.blockSize()) * c.blockBytes(), i % c.blockSize());
                    float have = got[margin + i];
                    boolean same = Float.floatToRawIntBits(want) == Float.floatToRawIntBits(have)
                            || Float.isNaN(want) && Float.isNaN(have);
                    if (!same) fail(f + " value " + i + " of " + n + ": defined " + want + ", decoded " + have);
                }
                for (int i = 0; i < margin; i++) {
                    assertEquals(UNTOUCHED, got[i]);
                    assertEquals(UNTOUCHED, got[margin + n + i]);
                }
            }
        }
    }

    private static void checkDot(Format f, byte[] bytes, int shift, long seed) {
        Codec c = f.codec;
        int n = bytes.length / c.blockBytes() * c.blockSize(), xAt = shift;
        MemorySegment w = heap(bytes, shift);
        float[] x = new float[n + xAt];
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < x.length; i++) x[i] = 0.01f * (float) random.nextGaussian(); // sums stay in range
        double sum = 0, absolute = 0;
        for (int i = 0; i < n; i++) {
            float y = c.at(w, shift + (long) (i / c.blockSize()) * c.blockBytes(), i % c.blockSize());
            sum += (double) y * x[xAt + i];
            absolute += Math.abs((double) y * x[xAt + i]);
        }
        if (absolute == Double.POSITIVE_INFINITY) return; // where a sum overflows depends on its order
        float got = c.dot(w, shift, x, xAt, n);
        if (Double.isNaN(sum)) {
            assertTrue(Float.isNaN(got), f + " of " + n + ": NaN expected, found " + got);
            return;
        }
        // what a single cannot hold is lost whatever the order of the sum
        double tolerance = 4e-7 * Math.sqrt(n) * absolute + n * Float.MIN_VALUE;
        if (!(Math.abs(got - sum) <= tolerance))
            fail(f + " of " + n + ": expected " + sum + " within " + tolerance + ", found " + got);
    }

    /** The bytes are as many rows as are taken together. */
    private static void checkDots(Format f, byte[] bytes, int shift, long seed) {
        checkDots(f, bytes, shift, seed, 0.01f);
    }

    private static void checkDots(Format f, byte[] bytes, int shift, long seed, float factor) {
        Codec c = f.codec;
        int rows = c.together(), n = bytes.length / c.blockBytes() * c.blockSize() / rows, xAt = shift;
        long rowBytes = bytes.length / rows;
        MemorySegment w = heap(bytes, shift);
        float[] x = new float[n + xAt], prepared = new float[c.preparedSize(n)];
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < x.length; i++) x[i] = factor * (float) random.nextGaussian();
        c.prepare(prepared, x, xAt, n);
        float[] y = new float[1 + 2 * rows];
        Arrays.fill(y, UNTOUCHED);
        c.dots(y, 1, 2, w, shift, rowBytes, prepared, n);
        for (int row = 0; row <= rows; row++) assertEquals(UNTOUCHED, y[2 * row]);
        for (int row = 0; row < rows; row++) {
            double sum = 0, absolute = 0;
            for (int i = 0; i < n; i++) {
                float v = c.at(w, shift + row * rowBytes + (long) (i / c.blockSize()) * c.blockBytes(), i % c.blockSize());
                sum += (double) v * x[xAt + i];
                absolute += Math.abs((double) v * x[xAt + i]);
            }
            float got = y[1 + 2 * row];
            if (absolute == Double.POSITIVE_INFINITY) continue; // where a sum overflows depends on its order
            if (Double.isNaN(sum)) {
                assertTrue(Float.isNaN(got), f + " of " + n + ": NaN expected, found " + got);
                continue;
            }
            double tolerance = 4e-7 * Math.sqrt(n) * absolute + n * Float.MIN_VALUE;
            if (!(Math.abs(got - sum) <= tolerance))
                fail(f + " of " + n + ", row " + row + ": expected " + sum + " within " + tolerance + ", found " + got);
        }
    }

    private static MemorySegment heap(byte[] bytes, int shift) {
        byte[] shifted = new byte[shift + bytes.length];
        System.arraycopy(bytes, 0, shifted, shift, bytes.length);
        return MemorySegment.ofArray(shifted);
    }
}
