package squall.quant;

import static squall.quant.LittleEndian.u16;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Half-precision scales by table: spread over a vector, a number that is read from memory costs no arithmetic, where a
 * conversion takes four of some twenty operations a block. The scales of a matrix lie within a few octaves, so that a
 * few KB of the 256 are ever read.
 */
final class Halves {
    /** By its 16 bits. */
    static final float[] VALUES = new float[1 << 16];

    static {
        for (int i = 0; i < VALUES.length; i++) VALUES[i] = Float.float16ToFloat((short) i);
    }

    private Halves() {}

    /** The half at {@code at} in all lanes. */
    static FloatVector spread(MemorySegment w, long at) {
        return FloatVector.broadcast(Lanes.FLOATS, VALUES[u16(w, at)]);
    }
}
