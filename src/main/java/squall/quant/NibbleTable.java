package squall.quant;

import static squall.quant.Lanes.COUNT;
import static squall.quant.Lanes.INTS;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;

/** Sixteen small numbers, looked up by nibble: one byte shuffle. A record, so that the compiler takes it for constant. */
record NibbleTable(ByteVector values) {

    static NibbleTable of(byte... values) {
        return new NibbleTable(ByteVector.fromArray(ByteVector.SPECIES_128, values, 0));
    }

    /** As many bytes as a float vector has lanes, then anything. */
    static ByteVector load(MemorySegment w, long at) {
        return switch (COUNT) {
            case 4 -> IntVector.broadcast(IntVector.SPECIES_128, LittleEndian.i32(w, at)).reinterpretAsBytes();
            case 8 -> LongVector.broadcast(LongVector.SPECIES_128, LittleEndian.i64(w, at)).reinterpretAsBytes();
            default -> ByteVector.fromMemorySegment(ByteVector.SPECIES_128, w, at, ByteOrder.LITTLE_ENDIAN);
        };
    }

    /** The numbers that the low nibbles stand for. */
    FloatVector low(ByteVector b) {
        return lookUp(b.and((byte) 15));
    }

    /** The numbers that the high nibbles stand for. */
    FloatVector high(ByteVector b) {
        return lookUp(b.reinterpretAsInts().lanewise(VectorOperators.LSHR, 4).reinterpretAsBytes().and((byte) 15));
    }

    private FloatVector lookUp(ByteVector nibbles) {
        return Lanes.toFloat((IntVector) nibbles.selectFrom(values).convertShape(VectorOperators.B2I, INTS, 0));
    }
}
