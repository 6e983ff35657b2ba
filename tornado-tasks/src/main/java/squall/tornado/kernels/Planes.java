package squall.tornado.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import squall.quant.Format;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;

/**
 * Quantised matrices laid out anew for warps: the quanta of a row in longs, scales apart in half precision, so that neighbouring
 * lanes read neighbouring longs. A lane has a strip, sixteen numbers in a row: as many as have a scale in common in every format.
 * <pre>
 * row of quanta, S = cols / 16 strips:
 *   8 bits   S longs: numbers 0 to 7 of each strip, a byte each   | S longs: numbers 8 to 15
 *   4 bits   S longs: byte b has number b of a strip in its low nibble and number 8 + b in the high one
 *   + 1 bit  S / 4 longs, an int for two strips: bit 8 b + 4 (s % 2) + k belongs to number 4 k + b of strip s
 *   + 2 bits S / 2 longs, an int for a strip: bits 8 b + 2 k and the next belong to number 4 k + b
 * row of scales: a scale for 32 numbers, for 16 in Q6_K; where there are minima each is behind its scale
 * </pre>
 * A number is {@code gain * (scale * (quantum - bias) - minimum)}. The gain is a power of two, the same for a whole bank: it brings
 * the largest number to at most 2^15, so that scales down to 2^-29 of the largest keep the eleven bits of half precision.
 * Those of Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1 keep their values; the products {@code d * scale} of the K formats are rounded to
 * eleven bits, an error of 2^-12 beside the 2^-5 and more of their quanta.
 *
 * <p>Q6_K is in planes of four and two bits, seven a number with its scales: bytes would be nine, and such matrices are read at
 * the memory's speed.
 *
 * @param scales [rows of all layers and experts][scales of a row]
 * @param gain   what every number is multiplied with
 */
public record Planes(HalfFloatArray scales, float gain) {
    /** Numbers of a strip. */
    static final int STRIP = 16;
    private static final int MOST = 32768;
    private static final float LARGEST = 1 << 15;

    // fields of a layout
    private static final int HIGH = 4;
    private static final int BIAS = 6;
    private static final int SIXTEENS = 12;
    private static final int MINIMA = 13;
    private static final int ONES = 0x01010101;
    private static final int NIBBLES = 0x0F0F0F0F;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    /** Whether there is a layout for matrices of a format; rows of x have to fit into local memory as bytes. */
    public static boolean fit(Format format, int cols) {
        if (format == Format.F8_E8M0 || cols > MOST) return false;
        long blocks = Blocks.layout(format, false);
        int kind = Blocks.part(blocks, Blocks.SCALE, 4), low = Blocks.part(blocks, Blocks.LOW_PARTS, 2);
        boolean scaled = kind == Blocks.HALF || kind == Blocks.HALVES || kind == Blocks.SIX_BITS || kind == Blocks.SIGNED_BYTE;
        return Blocks.part(blocks, Blocks.STORE, 2) == Blocks.BYTES && Blocks.part(blocks, Blocks.TABLE, 3) == 0 && low < 2 && scaled;
    }

    /** Steers the readers below: bits of the low plane, of the high one, bias, numbers of a scale, minima. */
    static int layout(Format format) {
        long blocks = Blocks.layout(format, false);
        int kind = Blocks.part(blocks, Blocks.SCALE, 4), high = Blocks.part(blocks, Blocks.HIGH_PARTS, 2);
        return 8 >> Blocks.part(blocks, Blocks.LOW_PARTS, 2) | (high == 0 ? 0 : 8 >> high) << HIGH | Blocks.part(blocks, Blocks.BIAS, 6) << BIAS
                | (kind == Blocks.SIGNED_BYTE ? 1 : 0) << SIXTEENS | (kind == Blocks.HALVES || kind == Blocks.SIX_BITS ? 1 : 0) << MINIMA;
    }

    /** Whether there are neither high planes nor minima. */
    static boolean simple(Format format) {
        return (layout(format) >> HIGH & 3 | layout(format) >> MINIMA & 1) == 0;
    }

    /** Longs of a matrix row. */
    public static int rowLongs(Format format, int cols) {
        return rowLongs(layout(format), cols);
    }

    /** Scales, or scales and minima, of a matrix row. */
    public static int rowScales(Format format, int cols) {
        return rowScales(layout(format), cols);
    }

    // ---- laying out

    /** Scales that {@link #of} takes, for so many rows. */
    public static int scales(Format format, int cols, long rows) {
        return Math.toIntExact(rows * rowScales(layout(format), cols));
    }

    /**
     * Lays matrices out, one behind the other.
     *
     * @param quanta   receives them; rows of all matrices * {@link #rowLongs}
     * @param scales   receives {@link #scales}
     * @param matrices as in the file, each whole rows of {@code cols} numbers
     * @param laid     gets bytes of them that are done; called by several threads
     */
    public static Planes of(Format format, int cols, LongArray quanta, HalfFloatArray scales, List<MemorySegment> matrices, LongConsumer laid) {
        long bytes = format.rowBytes(cols);
        List<Rows> all = new ArrayList<>();
        int rows = 0;
        for (MemorySegment m : matrices)
            for (long at = 0; at < m.byteSize(); at += Rows.MOST * bytes) {
                int count = (int) (Math.min(m.byteSize() - at, Rows.MOST * bytes) / bytes);
                all.add(new Rows(m.asSlice(at, count * bytes), rows, count));
                rows += count;
            }
        FloatArray halves = Halves.table();
        // every thread's own: it keeps the rows that it reads
        ThreadLocal<Laying> laying = ThreadLocal.withInitial(() -> new Laying(format, cols, halves));
        float largest = (float) all.parallelStream().mapToDouble(r -> laying.get().largest(r)).max().orElse(0);
        float gain = largest > 0 ? Math.scalb(1f, Math.getExponent(largest) + 1 - Math.getExponent(LARGEST)) : 1;
        all.parallelStream().forEach(r -> {
            laying.get().lay(r, quanta.getSegment(), scales.getSegment(), 1 / gain);
            laid.accept(r.bytes.byteSize());
        });
        return new Planes(scales, gain);
    }

    /** Some matrix rows as they are in the file; first: number of the first among those of all matrices. */
    private record Rows(MemorySegment bytes, int first, int count) {
        static final int MOST = 64;
    }

    /** Where the numbers of a plane are in a block, see {@link Blocks}: what is the same for all of them, so that it is worked out once. */
    private record Fields(int at, int parts, int run, int width, long mask) {
        static Fields of(long blocks, int atField, int partsField, int runField) {
            int parts = Blocks.part(blocks, partsField, 2), width = 8 >> parts;
            return new Fields(Blocks.part(blocks, atField, 8), parts, Blocks.part(blocks, runField, 3), width, 0x0101010101010101L * ((1 << width) - 1));
        }

        /** Those of numbers j to j + 7 of the block at {@code block}, a byte each. */
        long eight(MemorySegment bytes, int block, int j) {
            if (parts == 0) return bytes.get(LONG, block + at + j);
            if (run == 0) return Long.expand(bytes.get(ValueLayout.JAVA_BYTE, block + at + (j >> parts)), 0x0101010101010101L);
            int byteOf = (j >> run + parts << run) + (j & (1 << run) - 1);
            return bytes.get(LONG, block + at + byteOf) >>> (j >> run & (1 << parts) - 1) * width & mask;
        }
    }

    /** Lays rows out, read by the layout of {@link Blocks}. One thread's. */
    private static final class Laying {
        private final long blocks;
        private final int layout;
        private final int cols;
        private final int shift;
        private final int size;
        private final int rowBytes;
        private final Fields low;
        private final Fields high;
        private final FloatArray halves;
        /** The rows that are being read: memory of a thread's own costs less than what is new for each of them. */
        private final ByteArray copy;

        Laying(Format format, int cols, FloatArray halves) {
            this.blocks = Blocks.layout(format, false);
            this.layout = Planes.layout(format);
            this.cols = cols;
            this.shift = Blocks.part(blocks, Blocks.SHIFT, 4);
            this.size = Blocks.part(blocks, Blocks.SIZE, 8);
            this.rowBytes = (int) format.rowBytes(cols);
            this.low = Fields.of(blocks, Blocks.LOW_AT, Blocks.LOW_PARTS, Blocks.LOW_RUN);
            this.high = Fields.of(blocks, Blocks.HIGH_AT, Blocks.HIGH_PARTS, Blocks.HIGH_RUN);
            this.halves = halves;
            this.copy = new ByteArray(Rows.MOST * rowBytes);
        }

        private void read(Rows rows) {
            MemorySegment.copy(rows.bytes, 0, copy.getSegment(), 0, rows.bytes.byteSize());
        }

        private float scale(int row, int i) {
            return Blocks.scale(blocks, halves, halves, copy, block(row, i), 0, i, inBlock(i));
        }

        private float minimum(int row, int i) {
            return Blocks.minimum(blocks, halves, copy, block(row, i), inBlock(i));
        }

        private int block(int row, int i) {
            return row * rowBytes + (i >> shift) * size;
        }

        private int inBlock(int i) {
            return i & (1 << shift) - 1;
        }

        /** More than any number of the rows can be. */
        float largest(Rows rows) {
            read(rows);
            float most = 0;
            int quantum = (1 << (layout & 15) + (layout >> HIGH & 3)) - 1;
            for (int row = 0; row < rows.count; row++)
                for (int i = 0; i < cols; i += numbers(layout)) most = Math.max(most, Math.abs(scale(row, i)) * quantum + Math.abs(minimum(row, i)));
            return most;
        }

        void lay(Rows rows, MemorySegment quanta, MemorySegment scales, float factor) {
            read(rows);
            for (int row = 0; row < rows.count; row++) {
                layQuanta(row, quanta, (long) (rows.first + row) * rowLongs(layout, cols));
                layScales(row, scales, (long) (rows.first + row) * rowScales(layout, cols), factor);
            }
        }

        private void layQuanta(int row, MemorySegment to, long start) {
            MemorySegment from = copy.getSegment();
            int strips = cols / STRIP;
            boolean whole = (layout & 15) == 8, more = (layout >> HIGH & 3) > 0;
            for (int s = 0; s < strips; s++) {
                int block = block(row, STRIP * s), j = inBlock(STRIP * s);
                long a = low.eight(from, block, j), b = low.eight(from, block, j + 8);
                to.setAtIndex(LONG, start + s, whole ? a : a | b << 4);
                if (whole) to.setAtIndex(LONG, start + strips + s, b);
                else if (more) layHigh(to, start + strips, s, high.eight(from, block, j), high.eight(from, block, j + 8));
            }
        }

        private void layHigh(MemorySegment to, long plane, int s, long a, long b) {
            int bits = layout >> HIGH & 3;
            int four = (int) a | (int) (a >>> 32) << bits | (int) b << 2 * bits | (int) (b >>> 32) << 3 * bits;
            long at = 8L * plane + (bits == 2 ? 4L * s : 4L * (s / 2));
            if (bits == 1 && s % 2 == 1) four = to.get(ValueLayout.JAVA_INT_UNALIGNED, at) | four << 4;
            to.set(ValueLayout.JAVA_INT_UNALIGNED, at, four);
        }

        private void layScales(int row, MemorySegment to, long at, float factor) {
            boolean minima = (layout >> MINIMA & 1) == 1;
            for (int i = 0; i < cols; i += numbers(layout)) {
                to.setAtIndex(ValueLayout.JAVA_SHORT, at++, Float.floatToFloat16(scale(row, i) * factor));
                if (minima) to.setAtIndex(ValueLayout.JAVA_SHORT, at++, Float.floatToFloat16(minimum(row, i) * factor));
            }
        }
    }

    /** Numbers of a scale. */
    private static int numbers(int layout) {
        return (layout >> SIXTEENS & 1) == 1 ? STRIP : 2 * STRIP;
    }

    // ---- in kernels

    /** Longs of a matrix row. */
    static int rowLongs(int layout, int cols) {
        int strips = cols >> 4, high = layout >> HIGH & 3, longs = (layout & 15) == 8 ? 2 * strips : strips;
        if (high == 1) longs += strips + 3 >> 2;
        if (high == 2) longs += strips + 1 >> 1;
        return longs;
    }

    /** Scales, or scales and minima, of a matrix row. */
    static int rowScales(int layout, int cols) {
        return ((layout >> SIXTEENS & 1) == 1 ? cols >> 4 : cols >> 5) << (layout >> MINIMA & 1);
    }

    /** The long that the low plane has for strip s of the row that starts at {@code row}. */
    static long low(LongArray quanta, int row, int s) {
        return quanta.get(row + s);
    }

    /** The second long of a strip of whole bytes; of others nothing. */
    static long second(int layout, LongArray quanta, int row, int strips, int s) {
        long bytes = 0;
        if ((layout & 15) == 8) bytes = quanta.get(row + strips + s);
        return bytes;
    }

    /** High bits of strip s: those of numbers 4 k to 4 k + 3 are k times as many bits from the low end of each byte. */
    static int high(int layout, LongArray quanta, int row, int strips, int s) {
        int bits = 0, plane = layout >> HIGH & 3;
        if (plane == 2) bits = (int) (quanta.get(row + strips + (s >> 1)) >> 32 * (s & 1));
        if (plane == 1) bits = (int) (quanta.get(row + strips + (s >> 2)) >> 32 * (s >> 1 & 1) + 4 * (s & 1));
        return bits;
    }

    /** Quanta 4 k to 4 k + 3 of a strip, a byte each. */
    static int four(int layout, long low, long second, int high, int k) {
        long from = low;
        if ((layout & 15) == 8 && k > 1) from = second;
        int quanta = (int) (from >> 32 * (k & 1)), plane = layout >> HIGH & 3;
        if ((layout & 15) == 4) quanta = quanta >> 4 * (k >> 1) & NIBBLES;
        if (plane > 0) quanta |= (high >> plane * k & ONES * ((1 << plane) - 1)) << 4;
        return quanta;
    }

    /** The same, read for itself: k need not be a constant. */
    static int four(int layout, LongArray quanta, int row, int strips, int s, int k) {
        int shift = 0, plane = layout >> HIGH & 3;
        if ((layout & 15) == 8) shift = (k >> 1) * strips;
        int bytes = (int) (quanta.get(row + shift + s) >> 32 * (k & 1));
        if ((layout & 15) == 4) bytes = bytes >> 4 * (k >> 1) & NIBBLES;
        if (plane > 0) bytes |= (high(layout, quanta, row, strips, s) >> plane * k & ONES * ((1 << plane) - 1)) << 4;
        return bytes;
    }

    /** What is taken from a quantum. */
    static int bias(int layout) {
        return layout >> BIAS & 63;
    }

    /** Whether a sum of x counts: because of a bias or of minima. */
    static boolean shifted(int layout) {
        return (layout >> BIAS & 63) > 0 || (layout >> MINIMA & 1) == 1;
    }

    /** Scale of strip s of the row whose scales start at {@code row}. */
    static float scale(int layout, HalfFloatArray scales, int row, int s) {
        return scales.get(row + (((layout >> SIXTEENS & 1) == 1 ? s : s >> 1) << (layout >> MINIMA & 1))).getFloat32();
    }

    static float minimum(int layout, HalfFloatArray scales, int row, int s) {
        float m = 0;
        if ((layout >> MINIMA & 1) == 1) m = scales.get(row + (s >> 1) * 2 + 1).getFloat32();
        return m;
    }

    /** Number i of a row, without the gain. */
    static float at(int layout, LongArray quanta, HalfFloatArray scales, int row, int rowScales, int cols, int i) {
        int s = i >> 4, bytes = four(layout, quanta, row, cols >> 4, s, i >> 2 & 3);
        int quantum = (bytes >> 8 * (i & 3)) << 24 >> 24;
        return scale(layout, scales, rowScales, s) * (quantum - bias(layout)) - minimum(layout, scales, rowScales, s);
    }
}
