package squall.tornado;

import java.util.Arrays;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * A product of cuBLAS with a matrix where it is, in the bank of all layers, and with results where they belong. TornadoVM's own library
 * tasks take whole arrays, so that a matrix would have to be copied first and results afterwards.
 * <pre>
 * y[r, i] = gain * sum over j of w[i, j] x[r, j]   (+ y[r, i])     sums in float32
 * </pre>
 *
 * @param layer    {@code layer[0]}: which layer's matrix. As in {@code step}, the host's number counts, at the time when the task is handed
 *                 to the device
 * @param step     {@code step[0]} rows of x and y
 * @param fixed    rows in their place, for graphs that the device repeats as they were handed to it; 0 where the step tells
 * @param w        matrices, two bytes a number, [outs, cols] each
 * @param layerAt  byte of w where layer 0's matrix starts
 * @param layerGap bytes from one layer's matrix to the next one's
 * @param x        rows, [maxRows, cols] from {@link LibraryScratch#FIRST_HALF} on, numbers of the same type
 * @param type     of the numbers of w and x: {@link #HALF} or {@link #BRAIN}
 * @param outs     matrix rows
 * @param cols     matrix columns
 * @param arena    where y is
 * @param yAt      element of the arena where row 0 of y starts, {@code outs} numbers
 * @param yStride  elements from one row of y to the next
 * @param gain     what all of w is to be multiplied by
 * @param add      whether y is added to
 */
public record BankProduct(IntArray layer, IntArray step, int fixed, TornadoNativeArray w, long layerAt, long layerGap, TornadoNativeArray x, int type,
                          int outs, int cols, FloatArray arena, int yAt, int yStride, float gain, boolean add) {
    /** As cuBLAS numbers them. */
    public static final int HALF = 2;
    public static final int BRAIN = 14;

    static final String LIBRARY = "squall/cublas";
    static final String FUNCTION = "bankProduct";

    // places of the arguments
    static final int W = 0;
    static final int X = 1;
    static final int Y = 2;
    private static final int ARGUMENTS = 3;

    // places of what is no argument: those take room in a graph, of which there is little
    static final int LAYER = 0;
    static final int STEP = 1;
    static final int NUMBERS = 2;

    // places of the numbers
    static final int FIXED = 0;
    static final int LAYER_AT = 1;
    static final int LAYER_GAP = 2;
    static final int TYPE = 3;
    static final int OUTS = 4;
    static final int COLS = 5;
    static final int Y_AT = 6;
    static final int Y_STRIDE = 7;
    static final int X_AT = 8;
    static final int GAIN = 9;
    static final int ADD = 10;

    /** What TornadoVM hands to the provider. Only parts of the arena are written, so that it counts as read in any case. */
    public LibraryTaskDescriptor descriptor() {
        Access[] access = new Access[ARGUMENTS];
        Arrays.fill(access, Access.READ_ONLY);
        access[Y] = Access.READ_WRITE;
        return new LibraryTaskDescriptor().withLibrary(LIBRARY).withFunction(FUNCTION).withParameters(new Object[] {w, x, arena})
                .withAccess(access).withTuning(new Object[] {layer, step, new long[] {fixed, layerAt, layerGap, type, outs, cols, yAt,
                        yStride, (long) Short.BYTES * LibraryScratch.FIRST_HALF, Float.floatToRawIntBits(gain), add ? 1 : 0}});
    }
}
