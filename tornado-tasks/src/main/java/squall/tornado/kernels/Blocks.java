package squall.tornado.kernels;

import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Frame;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.vectors.Float8;

/**
 * How kernels read weights as they are stored. The layouts are drawn in {@code squall.quant}, one file a format; here each is
 * one line of {@link #layout} that says where in a block the parts of a number lie. It becomes one long: a constant when
 * TornadoVM compiles a task, so that of the code below only what the format needs is left. (One branch a format, instead,
 * makes graphs of thousands of nodes, which take seconds to compile and are more than TornadoVM gets right.)
 *
 * <p>A number is {@code scale * quantum - minimum}. Its quantum is put together of low and high bits, which lie in fields:
 * a byte has {@code 2^parts} of them, and {@code 2^run} numbers in a row have the same place in consecutive bytes:
 * <pre>
 *   number j:  byte (j >> run + parts) * 2^run + j % 2^run,  field (j >> run) % 2^parts from the low end
 * </pre>
 * Of three arrays for weights that a kernel is given one is real ({@link #floats}, {@link #shorts}, {@link #bytes}).
 */
final class Blocks {
    // fields of a layout: where they start; widths are in the readers below
    static final int SHIFT = 0;
    static final int SIZE = 4;
    static final int LOW_AT = 12;
    static final int LOW_PARTS = 20;
    static final int LOW_RUN = 22;
    static final int HIGH_AT = 25;
    static final int HIGH_PARTS = 33;
    static final int HIGH_RUN = 35;
    static final int BIAS = 38;
    private static final int SCALE_AT = 44;
    static final int SCALE = 52;
    static final int TABLE = 56;
    static final int STORE = 59;

    /** In which array the numbers are. */
    private static final int FLOATS = 0;
    private static final int SHORTS = 1;
    static final int BYTES = 2;

    // kinds of scales; from HALF on there is a half-precision number at SCALE_AT, and where there is a minimum another behind it
    private static final int NONE = 0;
    /** A float for each 128 x 128 numbers of the matrix. */
    private static final int GRID = 1;
    /** The exponent of a power of two in the first byte. */
    private static final int POWER = 2;
    static final int HALF = 3;
    /** With a minimum. */
    static final int HALVES = 4;
    /** Four bits for the scale and four for the minimum of 16 numbers. */
    private static final int NIBBLES = 5;
    /** Six bits each for the scale and the minimum of 32 numbers, as {@code squall.quant.SixBitScales} draws them. */
    static final int SIX_BITS = 6;
    /** A signed byte for 16 numbers. */
    static final int SIGNED_BYTE = 7;
    /** Six bits for 16 numbers, as {@code squall.quant.Q3_K} draws them. */
    private static final int SIX_BITS_16 = 8;
    /** Six bits for 32 numbers, as {@code squall.quant.IQ4_XS} draws them. */
    private static final int SIX_BITS_32 = 9;

    private static final ShortArray NO_SHORTS = new ShortArray(1);
    private static final ByteArray NO_BYTES = new ByteArray(1);

    private Blocks() {}

    // ---- arguments of a task

    /** The layout of a bank's numbers. */
    static long layout(Bank w) {
        return layout(w.format(), w.scales() != null);
    }

    /** scaled: whether there are scale grids. */
    static long layout(Format format, boolean scaled) {
        return switch (format) {
            case F32 -> single(FLOATS, NONE);
            case F16 -> single(SHORTS, NONE) | table(Halves.F16);
            case BF16 -> single(SHORTS, NONE) | table(Halves.BF16);
            case F8_E4M3 -> single(BYTES, scaled ? GRID : NONE) | table(Halves.E4M3);
            case Q8_0 -> block(5, 34, HALF, 0) | low(2, 8, 0, 0);
            case Q4_0 -> block(5, 18, HALF, 0) | low(2, 4, 4, 8);
            case Q4_1 -> block(5, 20, HALVES, 0) | low(4, 4, 4, 0);
            case Q5_0 -> block(5, 22, HALF, 0) | low(6, 4, 4, 16) | high(2, 1, 0);
            case Q5_1 -> block(5, 24, HALVES, 0) | low(8, 4, 4, 0) | high(4, 1, 0);
            case IQ4_NL -> block(5, 18, HALF, 0) | low(2, 4, 4, 0) | table(Halves.IQ4);
            case MXFP4 -> block(5, 17, POWER, 0) | low(1, 4, 4, 0) | table(Halves.E2M1);
            case Q2_K -> block(8, 84, NIBBLES, 80) | low(16, 2, 5, 0);
            case Q3_K -> block(8, 110, SIX_BITS_16, 108) | low(32, 2, 5, 4) | high(0, 1, 5);
            case Q4_K -> block(8, 144, SIX_BITS, 0) | low(16, 4, 5, 0);
            case Q5_K -> block(8, 176, SIX_BITS, 0) | low(48, 4, 5, 0) | high(16, 1, 5);
            case Q6_K -> block(8, 210, SIGNED_BYTE, 208) | low(0, 4, 6, 32) | high(128, 2, 5);
            case IQ4_XS -> block(8, 136, SIX_BITS_32, 0) | low(8, 4, 4, 0) | table(Halves.IQ4);
            case F8_E8M0 -> throw new IllegalArgumentException(Format.F8_E8M0 + " is a format of scale grids, not of weights");
        };
    }

    /** Numbers without blocks count as blocks of 32 in 32 elements. */
    private static long single(long store, int scale) {
        return block(5, 32, scale, 0) & ~(3L << STORE) | store << STORE;
    }

    /** Blocks of {@code 2^shift} numbers in {@code size} bytes. */
    private static long block(long shift, long size, long scale, long scaleAt) {
        return shift << SHIFT | size << SIZE | scale << SCALE | scaleAt << SCALE_AT | (long) BYTES << STORE;
    }

    /** Fields of so many bits from byte {@code at} on; {@code bias} is taken from a quantum. */
    private static long low(long at, int bits, long run, long bias) {
        return at << LOW_AT | (long) parts(bits) << LOW_PARTS | run << LOW_RUN | bias << BIAS;
    }

    private static long high(long at, int bits, long run) {
        return at << HIGH_AT | (long) parts(bits) << HIGH_PARTS | run << HIGH_RUN;
    }

    private static int parts(int bits) {
        return Integer.numberOfTrailingZeros(8 / bits);
    }

    /** What is stored is an index into this part of the table, 1 and up. */
    private static long table(long part) {
        return part << TABLE;
    }

    /** A graph that has what stands for arrays that are not there; before a task with weights. */
    static TaskGraph ready(TaskGraph g) {
        return g.transferToDevice(DataTransferMode.FIRST_EXECUTION, NO_SHORTS, NO_BYTES);
    }

    /** Numbers of F32, scale grids of F8_E4M3. */
    static FloatArray floats(Frame f, Bank w) {
        if (w.array() instanceof LongArray || w.array() instanceof HalfFloatArray)
            throw new IllegalArgumentException(w.format() + " is laid out for warps, and here it is read as it is in the file");
        return w.format() == Format.F32 ? w.floats() : w.scales() != null ? w.scales() : f.halves();
    }

    /** Numbers of F16 and BF16. */
    static ShortArray shorts(Bank w) {
        return w.array() instanceof ShortArray shorts ? shorts : NO_SHORTS;
    }

    /** Numbers of all other formats. */
    static ByteArray bytes(Bank w) {
        return w.array() instanceof ByteArray bytes ? bytes : NO_BYTES;
    }

    // ---- in kernels; indices are not negative, >> and & are cheaper there than / and %

    /** Elements of the array that a matrix row of {@code cols} numbers takes. */
    static int rowElements(long layout, int cols) {
        int shift = part(layout, SHIFT, 4);
        return (cols >> shift) * part(layout, SIZE, 8) + (cols & ((1 << shift) - 1));
    }

    /** Where the scales of a row of a matrix start in the grids; matrices of all layers and experts are counted through. */
    static int grid(int matrix, int rows, int cols, int row) {
        return (matrix * ((rows + 127) >> 7) + (row >> 7)) * ((cols + 127) >> 7);
    }

    /** Number i of the matrix row that starts at element {@code row}; its scales start at {@code grid}. */
    static float at(long layout, FloatArray halves, FloatArray floats, ShortArray shorts, ByteArray bytes, int row, int grid, int i) {
        int shift = part(layout, SHIFT, 4), block = row + (i >> shift) * part(layout, SIZE, 8), j = i & ((1 << shift) - 1);
        return scale(layout, halves, floats, bytes, block, grid, i, j) * quantum(layout, halves, floats, shorts, bytes, block, j, 0)
                - minimum(layout, halves, bytes, block, j);
    }

    /** Numbers i to i + 7, i a multiple of eight: they have scale and minimum in common. */
    static Float8 eight(long layout, FloatArray halves, FloatArray floats, ShortArray shorts, ByteArray bytes, int row, int grid, int i) {
        int shift = part(layout, SHIFT, 4), block = row + (i >> shift) * part(layout, SIZE, 8), j = i & ((1 << shift) - 1);
        float d = scale(layout, halves, floats, bytes, block, grid, i, j), m = minimum(layout, halves, bytes, block, j);
        return new Float8(
                d * quantum(layout, halves, floats, shorts, bytes, block, j, 0) - m,
                d * quantum(layout, halves, floats, shorts, bytes, block, j, 1) - m,
                d * quantum(layout, halves, floats, shorts, bytes, block, j, 2) - m,
                d * quantum(layout, halves, floats, shorts, bytes, block, j, 3) - m,
                d * quantum(layout, halves, floats, shorts, bytes, block, j, 4) - m,
                d * quantum(layout, halves, floats, shorts, bytes, block, j, 5) - m,
                d * quantum(layout, halves, floats, shorts, bytes, block, j, 6) - m,
                d * quantum(layout, halves, floats, shorts, bytes, block, j, 7) - m);
    }

    static int part(long layout, int from, int bits) {
        return (int) (layout >> from) & ((1 << bits) - 1);
    }

    /** Number j + k of the block before it is scaled; k < 8 does not lead out of the eight that j is in. */
    private static float quantum(long layout, FloatArray halves, FloatArray floats, ShortArray shorts, ByteArray bytes, int block, int j, int k) {
        int store = part(layout, STORE, 2), table = part(layout, TABLE, 3);
        float value = 0;
        if (store == FLOATS) value = floats.get(block + j + k);
        if (store == SHORTS) value = halves.get(Halves.start(table) + (shorts.get(block + j + k) & 0xFFFF));
        if (store == BYTES) {
            int lowParts = part(layout, LOW_PARTS, 2), highParts = part(layout, HIGH_PARTS, 2);
            int q = field(bytes, block + part(layout, LOW_AT, 8), lowParts, part(layout, LOW_RUN, 3), j, k);
            if (highParts > 0) q |= field(bytes, block + part(layout, HIGH_AT, 8), highParts, part(layout, HIGH_RUN, 3), j, k) << (8 >> lowParts);
            value = q - part(layout, BIAS, 6);
            if (table > 0) value = halves.get(Halves.start(table) + (q & 255));
        }
        return value;
    }

    /** A field as the class comment draws it; a whole byte is signed. */
    private static int field(ByteArray bytes, int at, int parts, int run, int j, int k) {
        int byteOf = j >> run + parts << run | j & (1 << run) - 1, partOf = j >> run & (1 << parts) - 1;
        int next = run == 0 ? partOf + k : partOf; // without runs the eight numbers are neighbours in one byte
        int stored = bytes.get(at + byteOf + (parts > 0 && run == 0 ? 0 : k));
        int mask = (1 << (8 >> parts)) - 1 & 15; // at most four bits, then the byte's sign does not matter
        return parts == 0 ? stored : stored >> next * (8 >> parts) & mask;
    }

    /** What the quantum of number j is multiplied with; i is its number in the row. */
    static float scale(long layout, FloatArray halves, FloatArray floats, ByteArray b, int block, int grid, int i, int j) {
        int kind = part(layout, SCALE, 4), at = block + part(layout, SCALE_AT, 8);
        float d = 1;
        if (kind == GRID) d = floats.get(grid + (i >> 7));
        if (kind == POWER) d = halves.get(Halves.start(Halves.POWERS) + (b.get(block) & 255));
        if (kind >= HALF) d = half(halves, b, at);
        if (kind == NIBBLES) d = d * (b.get(block + (j >> 4)) & 15);
        if (kind == SIGNED_BYTE) d = d * b.get(block + 192 + (j >> 4));
        if (kind == SIX_BITS) d = d * sixBits(b, block + 4, j >> 5, 0);
        if (kind == SIX_BITS_16) d = d * ((field(b, block + 96, 1, 3, j >> 4, 0) | field(b, block + 104, 2, 2, j >> 4, 0) << 4) - 32);
        if (kind == SIX_BITS_32) d = d * ((field(b, block + 4, 1, 0, j >> 5, 0) | field(b, block + 2, 2, 0, j >> 5, 0) << 4) - 32);
        return d;
    }

    /** What is taken from the product. */
    static float minimum(long layout, FloatArray halves, ByteArray b, int block, int j) {
        int kind = part(layout, SCALE, 4), at = block + part(layout, SCALE_AT, 8) + 2;
        float m = 0;
        if (kind == HALVES) m = -half(halves, b, at);
        if (kind == NIBBLES) m = half(halves, b, at) * (b.get(block + (j >> 4)) >> 4 & 15);
        if (kind == SIX_BITS) m = half(halves, b, at) * sixBits(b, block + 4, j >> 5, 4);
        return m;
    }

    private static float half(FloatArray halves, ByteArray b, int at) {
        return halves.get((b.get(at) & 0xFF) | ((b.get(at + 1) & 0xFF) << 8));
    }

    /** Scale s (which = 0) or minimum s (which = 4) of the 12 bytes that {@code squall.quant.SixBitScales} draws. */
    private static int sixBits(ByteArray b, int at, int s, int which) {
        int first = b.get(at + which + (s & 3)), second = b.get(at + 8 + (s & 3)) >> which & 15;
        return s < 4 ? first & 63 : second | (first >> 6 & 3) << 4;
    }
}
