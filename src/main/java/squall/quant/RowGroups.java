package squall.quant;

import static squall.quant.LittleEndian.u16;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of a matrix laid out anew by groups of as many as a vector has lanes, so that the lanes are rows: a product with one row of
 * activations then has no sums of lanes, no ends of rows and the scales of all rows in a vector. A group takes the bytes that its
 * rows took, block after block; a block's fields stand in units, each once for each row:
 * <pre>
 *   half 0 of row 0 .. {@link #ROWS} - 1 | half 1 of each row | ..    2 bytes each
 *   byte 0 of each row | ..
 *   word 0 of each row | ..                                    4 bytes each
 * </pre>
 * in the order in which they are read (with the scales of Q6_K behind its words, memory gives 6 values a nanosecond).
 *
 * <p>Numbers of few bits are multiplied where they lie in a word ({@link ByteColumns}), each place with an activation that is
 * spread over a vector. Four groups are taken together: they share the activations, and are four streams for the memory, whose new
 * pages are waited for together (Q4_0, Zen 2, from memory: 15 values a nanosecond from one stream, 19 from four, 11 by rows).
 *
 * <p>How kernels are written: each read of an activation has a check of its own (its index is masked, so that checks are not
 * merged), and C2 orders what follows within what lies between two checks. Without them it makes all masks first and all products
 * then, spills them, and has a third of the speed.
 */
public abstract class RowGroups {
    /** Rows of a group: 8 or 16. Vectors of four lanes have no groups. */
    public static final int ROWS = Math.max(8, Lanes.COUNT);

    /** Groups that are taken together. */
    public static final int GROUPS = 4;

    /** Scales of a block, and minima, of as many rows. */
    public static final int FACTORS = 16 * GROUPS * ROWS;

    /** Bytes of a unit of halves, of bytes, and of words. */
    static final int HALVES = 2 * ROWS, BYTES = ROWS, WORDS = 4 * ROWS;

    static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class, VectorShape.forBitSize(Lanes.BITS / 2));
    static final IntVector HALF_BITS = IntVector.broadcast(Lanes.INTS, 0x8FFFE000);

    /** What a half lacks whose bits were moved to a single's place. */
    static final float HALF = 0x1p112f;

    private final Codec codec;
    private final int words;
    private final int bytes;
    private final int halvesAt;
    private final int halves;

    /**
     * How many units of each size a block has.
     *
     * @param halvesAt where its halves lie as it is stored, one after the other
     */
    RowGroups(Codec codec, int words, int bytes, int halvesAt, int halves) {
        this.codec = codec;
        this.words = words;
        this.bytes = bytes;
        this.halvesAt = halvesAt;
        this.halves = halves;
    }

    /** Word {@code i} of the block that is stored at {@code at}. */
    abstract int word(MemorySegment block, long at, int i);

    /** Byte {@code i} of the block that is stored at {@code at}; of formats that have single bytes. */
    int oneByte(MemorySegment block, long at, int i) {
        throw new IllegalStateException("no single bytes");
    }

    /** How the rows of a format are laid out; null where rows as they are stored are as good. */
    public static RowGroups of(Format format) {
        return ByteColumns.FAST ? format.codec.rowGroups() : null;
    }

    /**
     * Lays out {@link #ROWS} rows that follow each other, and reads nothing else.
     *
     * @param dst where the group begins at {@code dstAt}: ROWS * rowBytes
     * @return whether all halves are finite: others have no place in the products
     */
    public boolean lay(MemorySegment dst, long dstAt, MemorySegment rows, long rowsAt, long rowBytes) {
        int exponents = 0;
        for (long at = 0; at < rowBytes; at += codec.blockBytes()) exponents |= layBlock(dst, dstAt + ROWS * at, rows, rowsAt + at, rowBytes);
        return (exponents & 0x8000) == 0;
    }

    /** A block of each row: a method of its own that is compiled soon. Bit 15 of the result says that a half is not finite. */
    private int layBlock(MemorySegment dst, long to, MemorySegment rows, long from, long rowBytes) {
        int exponents = 0;
        for (int i = 0; i < halves; i++, to += 2 * ROWS)
            for (int r = 0; r < ROWS; r++) {
                int half = u16(rows, from + halvesAt + 2 * i + r * rowBytes);
                exponents |= (half & 0x7C00) + 0x400;
                dst.set(ValueLayout.JAVA_SHORT_UNALIGNED, to + 2 * r, (short) half);
            }
        for (int i = 0; i < bytes; i++, to += ROWS)
            for (int r = 0; r < ROWS; r++) dst.set(ValueLayout.JAVA_BYTE, to + r, (byte) oneByte(rows, from + r * rowBytes, i));
        for (int i = 0; i < words; i++, to += 4 * ROWS)
            for (int r = 0; r < ROWS; r++) dst.set(ValueLayout.JAVA_INT_UNALIGNED, to + 4 * r, word(rows, from + r * rowBytes, i));
        return exponents;
    }

    /**
     * {@code dst[dstAt + i * step + r] = value i} of row r of the group at {@code at}, i < n, r < ROWS, from its block {@code first} on: bit
     * for bit what {@link Codec#decode} makes of the rows as they are stored.
     *
     * @param n       whole blocks
     * @param factors scratch as that of {@link #multiply}
     */
    public abstract void decode(MemorySegment w, long at, int first, float[] dst, int dstAt, int step, int n, float[] factors);

    /** Floats that {@link #prepare} writes for {@code n} values. */
    public abstract int preparedSize(int n);

    /** Lays out {@code x[xAt ..]}, n values, as {@link #multiply} reads them, from {@code dst[0]}. */
    public abstract void prepare(float[] dst, float[] x, int xAt, int n);

    /**
     * {@code y[yAt + g * yStep + r] = row r of group g times x}, g < GROUPS, r < ROWS.
     *
     * @param at      of group 0; group g lies {@code g * step} further on
     * @param x       n values as {@link #prepare} lays them
     * @param factors room for {@link #FACTORS} numbers: formats with scales of fewer bits keep those of a block here
     */
    abstract void dots(float[] y, int yAt, int yStep, MemorySegment w, long at, long step, float[] x, int n, float[] factors);

    /**
     * {@code y[yAt + ROWS * g + r] = row r of group g times x} for the {@code groups} groups that follow each other from {@code at} on, with the
     * tolerance of {@link Codec#dot}.
     *
     * @param x       n values as {@link #prepare} lays them
     * @param factors scratch: {@link #FACTORS} numbers
     */
    public void multiply(float[] y, int yAt, MemorySegment w, long at, int groups, long groupBytes, float[] x, int n, float[] factors) {
        int each = groups / GROUPS;
        for (int g = 0; g < each; g++) dots(y, yAt + ROWS * g, ROWS * each, w, at + g * groupBytes, each * groupBytes, x, n, factors);
        if (each * GROUPS == groups) return;
        if (each > 0) {
            int last = groups - GROUPS; // some of them once more
            dots(y, yAt + ROWS * last, ROWS, w, at + last * groupBytes, groupBytes, x, n, factors);
        } else {
            for (int g = 0; g < groups; g++) dots(y, yAt + ROWS * g, 0, w, at + g * groupBytes, 0, x, n, factors);
        }
    }

    /** The halves of a unit as singles. */
    static FloatVector halves(MemorySegment w, long at) {
        IntVector h = (IntVector) ShortVector.fromMemorySegment(SHORTS, w, at, ByteOrder.LITTLE_ENDIAN).convertShape(VectorOperators.S2I, Lanes.INTS, 0);
        return h.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(HALF);
    }
}
