package squall.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.types.HalfFloat;

/**
 * An operand of tensor cores whose lanes have their four ints of it, two halves in each, already: TornadoVM makes operands of what lies in local
 * memory only. A product of bytes with nothing, to which the ints are added, has them as its result, and that is a fragment which may be seen as
 * one of halves. Of this class and not of {@link HalfFloat} itself: of a view as HalfFloat[] the compiler keeps the check alone and stops.
 */
final class Operand extends HalfFloat {
    /** For the checker, which makes halves of ints. */
    Operand(short bits) {
        super(bits);
    }

    /**
     * @param none, nothing fragments of zeros
     * @param bits          of tile 16 x 16: two neighbours of row lane / 4 and of that plus eight, at columns lane % 4 * 2, then plus eight
     */
    static Operand[] of(KernelContext context, byte[] none, byte[] nothing, int[] bits) {
        return (Operand[]) (Object) context.mmaInt8(none, nothing, bits, MMAShape.M16N8K32);
    }

    /** Number n of operands of which a lane has all ints; {@code bits} is where those of one find room. */
    static Operand[] of(KernelContext context, byte[] none, byte[] nothing, int[] all, int n, int[] bits) {
        for (int j = 0; j < 4; j++) bits[j] = all[4 * n + j];
        return of(context, none, nothing, bits);
    }
}
