package squall.tornado.kernels;

import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Frame;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.vectors.Float8;

/**
 * How kernels read weights as they are stored; the layouts are drawn in {@code squall.quant}, one file a format. All
 * block formats are {@code scale * quantum - minimum}, where eight numbers in a row (from a multiple of eight on) have the
 * scale, the minimum and the shifts of their bits in common, and consecutive bytes.
 *
 * <p>A kernel has the format as an int argument. That is a constant when TornadoVM compiles the task, so only one branch
 * of each switch is left; it has three arrays for weights, of which one is real ({@link #floats} and so on). Helpers return
 * once, and say {@code >> 5} and {@code & 31} for indices: division by powers of two is slower there.
 */
final class Blocks {
    // single numbers
    private static final int F32 = 0;
    private static final int F16 = 1;
    private static final int BF16 = 2;
    private static final int F8_E4M3 = 3;
    /** The same with a scale for each 128 x 128 numbers. */
    private static final int F8_E4M3_SCALED = 4;
    // blocks of 32
    private static final int Q8_0 = 5;
    private static final int Q4_0 = 6;
    private static final int Q4_1 = 7;
    private static final int Q5_0 = 8;
    private static final int Q5_1 = 9;
    private static final int IQ4_NL = 10;
    private static final int MXFP4 = 11;
    // blocks of 256
    private static final int Q2_K = 12;
    private static final int Q3_K = 13;
    private static final int Q4_K = 14;
    private static final int Q5_K = 15;
    private static final int Q6_K = 16;
    private static final int IQ4_XS = 17;

    private static final ShortArray NO_SHORTS = new ShortArray(1);
    private static final ByteArray NO_BYTES = new ByteArray(1);

    private Blocks() {}

    // ---- arguments of a task

    /** The format argument for a bank. */
    static int code(Bank w) {
        return switch (w.format()) {
            case F32 -> F32;
            case F16 -> F16;
            case BF16 -> BF16;
            case F8_E4M3 -> w.scales() == null ? F8_E4M3 : F8_E4M3_SCALED;
            case Q8_0 -> Q8_0;
            case Q4_0 -> Q4_0;
            case Q4_1 -> Q4_1;
            case Q5_0 -> Q5_0;
            case Q5_1 -> Q5_1;
            case Q2_K -> Q2_K;
            case Q3_K -> Q3_K;
            case Q4_K -> Q4_K;
            case Q5_K -> Q5_K;
            case Q6_K -> Q6_K;
            case IQ4_NL -> IQ4_NL;
            case IQ4_XS -> IQ4_XS;
            case MXFP4 -> MXFP4;
            case F8_E8M0 -> throw new IllegalArgumentException(Format.F8_E8M0 + " is a format of scale grids, not of weights");
        };
    }

    /** A graph that has what stands for arrays that are not there; before a task with weights. */
    static TaskGraph ready(TaskGraph g) {
        return g.transferToDevice(DataTransferMode.FIRST_EXECUTION, NO_SHORTS, NO_BYTES);
    }

    /** Numbers of F32, scale grids of F8_E4M3. */
    static FloatArray floats(Frame f, Bank w) {
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

    // ---- in kernels

    /** Where the scales of a row of a matrix start in the grids: matrix counted through all layers and experts. */
    static int grid(int matrix, int rows, int cols, int row) {
        return (matrix * ((rows + 127) >> 7) + (row >> 7)) * ((cols + 127) >> 7);
    }

    /** Number i of the matrix row that starts at element {@code row}; its scales start at {@code grid}. */
    static float at(int format, FloatArray halves, FloatArray floats, ShortArray shorts, ByteArray bytes, int row, int grid, int i) {
        int block = row + blockAt(format, i), j = inBlock(format, i);
        float value = quantum(format, halves, floats, shorts, bytes, block, j, 0);
        if (format >= F8_E4M3_SCALED) value = scale(format, halves, floats, bytes, block, grid, i, j) * value - minimum(format, halves, bytes, block, j);
        return value;
    }

    /** Numbers i to i + 7, i a multiple of eight. */
    static Float8 eight(int format, FloatArray halves, FloatArray floats, ShortArray shorts, ByteArray bytes, int row, int grid, int i) {
        int block = row + blockAt(format, i), j = inBlock(format, i);
        float d = 1, m = 0;
        if (format >= F8_E4M3_SCALED) {
            d = scale(format, halves, floats, bytes, block, grid, i, j);
            m = minimum(format, halves, bytes, block, j);
        }
        return new Float8(
                d * quantum(format, halves, floats, shorts, bytes, block, j, 0) - m,
                d * quantum(format, halves, floats, shorts, bytes, block, j, 1) - m,
                d * quantum(format, halves, floats, shorts, bytes, block, j, 2) - m,
                d * quantum(format, halves, floats, shorts, bytes, block, j, 3) - m,
                d * quantum(format, halves, floats, shorts, bytes, block, j, 4) - m,
                d * quantum(format, halves, floats, shorts, bytes, block, j, 5) - m,
                d * quantum(format, halves, floats, shorts, bytes, block, j, 6) - m,
                d * quantum(format, halves, floats, shorts, bytes, block, j, 7) - m);
    }

    /** Elements of the array that a matrix row of {@code cols} numbers takes. */
    static int rowElements(int format, int cols) {
        return blockAt(format, cols);
    }

    /** Where the block of number i starts, from the start of the row. */
    private static int blockAt(int format, int i) {
        int at = i;
        if (format >= Q8_0) at = (i >> 5) * blockBytes(format);
        if (format >= Q2_K) at = (i >> 8) * blockBytes(format);
        return at;
    }

    /** Which number of its block number i is. */
    private static int inBlock(int format, int i) {
        int j = 0;
        if (format >= Q8_0) j = i & 31;
        if (format >= Q2_K) j = i & 255;
        return j;
    }

    private static int blockBytes(int format) {
        int bytes = 0;
        switch (format) {
            case Q8_0: bytes = 34; break;
            case Q4_0, IQ4_NL: bytes = 18; break;
            case Q4_1: bytes = 20; break;
            case Q5_0: bytes = 22; break;
            case Q5_1: bytes = 24; break;
            case MXFP4: bytes = 17; break;
            case Q2_K: bytes = 84; break;
            case Q3_K: bytes = 110; break;
            case Q4_K: bytes = 144; break;
            case Q5_K: bytes = 176; break;
            case Q6_K: bytes = 210; break;
            case IQ4_XS: bytes = 136; break;
            default:
        }
        return bytes;
    }

    /** What number j of the block is multiplied with. */
    private static float scale(int format, FloatArray halves, FloatArray floats, ByteArray b, int block, int grid, int i, int j) {
        float d = 1;
        switch (format) {
            case F8_E4M3_SCALED: d = floats.get(grid + (i >> 7)); break;
            case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL: d = half(halves, b, block); break;
            case MXFP4: d = halves.get(Halves.POWERS + (b.get(block) & 0xFF)); break;
            case Q2_K: d = half(halves, b, block + 80) * (b.get(block + (j >> 4)) & 15); break;
            case Q3_K: d = half(halves, b, block + 108) * (scaleOfQ3(b, block + 96, j >> 4) - 32); break;
            case Q4_K, Q5_K: d = half(halves, b, block) * sixBits(b, block + 4, j >> 5); break;
            case Q6_K: d = half(halves, b, block + 208) * b.get(block + 192 + (j >> 4)); break;
            case IQ4_XS: d = half(halves, b, block) * (scaleOfIQ4(b, block + 2, j >> 5) - 32); break;
            default:
        }
        return d;
    }

    /** What is taken from the product. */
    private static float minimum(int format, FloatArray halves, ByteArray b, int block, int j) {
        float m = 0;
        switch (format) {
            case Q4_1, Q5_1: m = -half(halves, b, block + 2); break;
            case Q2_K: m = half(halves, b, block + 82) * (b.get(block + (j >> 4)) >> 4 & 15); break;
            case Q4_K, Q5_K: m = half(halves, b, block + 2) * sixBitsMinimum(b, block + 4, j >> 5); break;
            default:
        }
        return m;
    }

    /** Number j + k of the block before it is scaled; k < 8 does not lead out of the eight that j is in. */
    private static float quantum(int format, FloatArray halves, FloatArray floats, ShortArray shorts, ByteArray b, int block, int j, int k) {
        float q = 0;
        int half = j >> 7, quarter = j >> 5 & 3, in32 = (j & 31) + k, in16 = (j & 15) + k;
        switch (format) {
            case F32: q = floats.get(block + k); break;
            case F16: q = halves.get(shorts.get(block + k) & 0xFFFF); break;
            case BF16: q = halves.get(Halves.BF16 + (shorts.get(block + k) & 0xFFFF)); break;
            case F8_E4M3, F8_E4M3_SCALED: q = halves.get(Halves.E4M3 + (b.get(block + k) & 0xFF)); break;
            case Q8_0: q = b.get(block + 2 + j + k); break;
            case Q4_0: q = nibble(b, block + 2 + in16, j >> 4) - 8; break;
            case Q4_1: q = nibble(b, block + 4 + in16, j >> 4); break;
            case Q5_0: q = (nibble(b, block + 6 + in16, j >> 4) | bit(b, block + 2 + (j >> 3), (j & 7) + k) << 4) - 16; break;
            case Q5_1: q = nibble(b, block + 8 + in16, j >> 4) | bit(b, block + 4 + (j >> 3), (j & 7) + k) << 4; break;
            case IQ4_NL: q = halves.get(Halves.IQ4 + nibble(b, block + 2 + in16, j >> 4)); break;
            case MXFP4: q = halves.get(Halves.E2M1 + nibble(b, block + 1 + in16, j >> 4)); break;
            case Q2_K: q = b.get(block + 16 + 32 * half + in32) >> 2 * quarter & 3; break;
            case Q3_K: q = (b.get(block + 32 + 32 * half + in32) >> 2 * quarter & 3 | bit(b, block + in32, j >> 5) << 2) - 4; break;
            case Q4_K: q = nibble(b, block + 16 + 32 * (j >> 6) + in32, j >> 5 & 1); break;
            case Q5_K: q = nibble(b, block + 48 + 32 * (j >> 6) + in32, j >> 5 & 1) | bit(b, block + 16 + in32, j >> 5) << 4; break;
            case Q6_K: q = (nibble(b, block + 64 * half + 32 * (quarter & 1) + in32, quarter >> 1)
                    | (b.get(block + 128 + 32 * half + in32) >> 2 * quarter & 3) << 4) - 32; break;
            case IQ4_XS: q = halves.get(Halves.IQ4 + nibble(b, block + 8 + 16 * (j >> 5) + in16, j >> 4 & 1)); break;
            default:
        }
        return q;
    }

    private static float half(FloatArray halves, ByteArray b, int at) {
        return halves.get((b.get(at) & 0xFF) | ((b.get(at + 1) & 0xFF) << 8));
    }

    /** which: 0 for the low one, 1 for the high one. */
    private static int nibble(ByteArray b, int at, int which) {
        return b.get(at) >> 4 * which & 15;
    }

    private static int bit(ByteArray b, int at, int which) {
        return b.get(at) >> which & 1;
    }

    /** Scale s of the 12 bytes that {@code squall.quant.SixBitScales} draws. */
    private static int sixBits(ByteArray b, int at, int s) {
        int first = b.get(at + (s & 3)), low = b.get(at + 8 + (s & 3));
        return s < 4 ? first & 63 : low & 15 | (first >> 6 & 3) << 4;
    }

    /** Minimum s of them. */
    private static int sixBitsMinimum(ByteArray b, int at, int s) {
        int first = b.get(at + 4 + (s & 3)), low = b.get(at + 8 + (s & 3));
        return s < 4 ? first & 63 : low >> 4 & 15 | (first >> 6 & 3) << 4;
    }

    /** Scale s of the 12 bytes of Q3_K, 32 added. */
    private static int scaleOfQ3(ByteArray b, int at, int s) {
        return nibble(b, at + (s & 7), s >> 3) | (b.get(at + 8 + (s & 3)) >> 2 * (s >> 2) & 3) << 4;
    }

    /** Scale g of a block of IQ4_XS, 32 added: two bytes of high bits, four of low ones. */
    private static int scaleOfIQ4(ByteArray b, int at, int g) {
        return nibble(b, at + 2 + (g >> 1), g & 1) | (b.get(at + (g >> 2)) >> 2 * (g & 3) & 3) << 4;
    }
}
