package squall.quant;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
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
    /** A quarter of the width; at 128 bits there is no such species and four bytes are loaded as an int. */
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, BITS / 4)));
    private static final IntVector BYTE_OF_LANE = IntVector.fromArray(IntVector.SPECIES_128, new int[] {0, 8, 16, 24}, 0);

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
        if (BITS == 128) return fourBytes(w, at).lanewise(VectorOperators.LSHL, 24).lanewise(VectorOperators.ASHR, 24);
        return (IntVector) bytes(w, at).castShape(INTS, 0);
    }

    /** Bytes as ints in 0..255. */
    static IntVector u8(MemorySegment w, long at) {
        if (BITS == 128) return fourBytes(w, at).and(0xFF);
        return (IntVector) bytes(w, at).convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
    }

    /** Two-byte numbers as ints in 0..65535. */
    static IntVector u16(MemorySegment w, long at) {
        return (IntVector) ShortVector.fromMemorySegment(SHORTS, w, at, ByteOrder.LITTLE_ENDIAN)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
    }

    /** Single-precision numbers. */
    static FloatVector f32(MemorySegment w, long at) {
        return FloatVector.fromMemorySegment(FLOATS, w, at, ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteVector bytes(MemorySegment w, long at) {
        return ByteVector.fromMemorySegment(BYTES, w, at, ByteOrder.LITTLE_ENDIAN);
    }

    /** Four bytes, each at the bottom of a lane, under whatever follows it. */
    private static IntVector fourBytes(MemorySegment w, long at) {
        return IntVector.broadcast(IntVector.SPECIES_128, LittleEndian.i32(w, at))
                .lanewise(VectorOperators.LSHR, BYTE_OF_LANE);
    }
}
