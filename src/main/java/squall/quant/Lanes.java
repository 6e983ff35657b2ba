package squall.quant;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width of every CPU kernel: 128, 256 or 512 bits, the machine's preferred one unless the system property
 * {@code squall.vector.bits} says otherwise. The species are constants so that the compiler folds them. A width that the
 * machine has no registers for works, slowly.
 *
 * <p>The loads take as many stored numbers as a float vector has lanes, in order.
 */
public final class Lanes {
    public static final String PROPERTY = "squall.vector.bits";
    public static final int BITS = bits(System.getProperty(PROPERTY));
    public static final VectorSpecies<Float> FLOATS = VectorSpecies.of(float.class, VectorShape.forBitSize(BITS));
    public static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, VectorShape.forBitSize(BITS));
    /** Floats in a vector: 4, 8 or 16. */
    public static final int COUNT = FLOATS.length();

    private static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class, VectorShape.forBitSize(BITS / 2));
    /** A quarter of the width; none has fewer than eight bytes. */
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, BITS / 4)));
    /** 0, 1, 2, ... */
    static final IntVector INDEX = IntVector.zero(INTS).addIndex(1);

    static final VectorShuffle<Float> FOLD_2 = fold(2);
    static final VectorShuffle<Float> FOLD_4 = fold(4);
    private static final VectorShuffle<Float> FOLD_8 = fold(8);

    private Lanes() {}

    static int bits(String property) {
        if (property == null) return Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512);
        return switch (property) {
            case "128" -> 128;
            case "256" -> 256;
            case "512" -> 512;
            default -> throw new IllegalArgumentException(
                    "-D" + PROPERTY + "=" + property + ": the vector width must be 128, 256 or 512");
        };
    }

    /** Bytes as signed ints. */
    static IntVector i8(MemorySegment w, long at) {
        return (IntVector) bytes(w, at).convertShape(VectorOperators.B2I, INTS, 0);
    }

    /** Bytes as ints in 0..255. */
    static IntVector u8(MemorySegment w, long at) {
        return (IntVector) bytes(w, at).convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
    }

    /** Two-byte numbers as ints in 0..65535. */
    static IntVector u16(MemorySegment w, long at) {
        return (IntVector) ShortVector.fromMemorySegment(SHORTS, w, at, ByteOrder.LITTLE_ENDIAN)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
    }

    /** Stored ints. */
    static IntVector i32(MemorySegment w, long at) {
        return IntVector.fromMemorySegment(INTS, w, at, ByteOrder.LITTLE_ENDIAN);
    }

    /** The bytes of a long as signed ints, byte l in lane l; eight lanes. */
    static IntVector i8(long eight) {
        return (IntVector) LongVector.broadcast(LongVector.SPECIES_128, eight).reinterpretAsBytes().convertShape(VectorOperators.B2I, INTS, 0);
    }

    /** Single-precision numbers. */
    static FloatVector f32(MemorySegment w, long at) {
        return FloatVector.fromMemorySegment(FLOATS, w, at, ByteOrder.LITTLE_ENDIAN);
    }

    static FloatVector f32(float[] a, int at) {
        return FloatVector.fromArray(FLOATS, a, at);
    }

    static FloatVector toFloat(IntVector v) {
        return (FloatVector) v.convert(VectorOperators.I2F, 0);
    }

    static FloatVector zero() {
        return FloatVector.zero(FLOATS);
    }

    /** sum + scale * v */
    static FloatVector addScaled(FloatVector sum, float scale, FloatVector v) {
        return v.fma(FloatVector.broadcast(FLOATS, scale), sum);
    }

    /**
     * The sum of all lanes, folded by halves. {@code reduceLanes} leaves the order open, and interpreter and compiler
     * differ in it: with it the same prompt would not always give the same logits.
     */
    public static float sum(FloatVector v) {
        if (COUNT > 8) v = v.add(v.rearrange(FOLD_8));
        if (COUNT > 4) v = v.add(v.rearrange(FOLD_4));
        v = v.add(v.rearrange(FOLD_2));
        return v.lane(0) + v.lane(1);
    }

    private static VectorShuffle<Float> fold(int lanes) {
        return VectorShuffle.fromOp(FLOATS, i -> i ^ lanes & COUNT - 1);
    }

    private static ByteVector bytes(MemorySegment w, long at) {
        // no species has four bytes: an int in every lane, of which the first is used
        if (BITS == 128) return IntVector.broadcast(IntVector.SPECIES_128, LittleEndian.i32(w, at)).reinterpretAsBytes();
        return ByteVector.fromMemorySegment(BYTES, w, at, ByteOrder.LITTLE_ENDIAN);
    }
}
