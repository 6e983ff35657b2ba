package squall.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * What every task of a recording may read and write besides its own weights and state.
 *
 * @param context marks kernels that are written per work-group
 * @param arena   all activations, float32; see {@link Region}
 * @param step    see {@link StepArray}; {@code step[0]} is the number of rows alive
 * @param rowsAt  where the rows start in it
 * @param layer   {@code layer[0]}: which layer of its group is played
 * @param halves  {@code halves[h]} is the float of the half-precision bits h, 65536 of them
 * @param maxRows most rows of a step that this recording is for: few (decode) or many (prompts)
 * @param alone   whether each of them is alone in its segment: one token of each sequence
 * @param traits  of the device
 * @param scratch where operands and results of cuBLAS are
 */
public record Frame(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray halves, int maxRows,
                    boolean alone, Traits traits, LibraryScratch scratch) {
    /** Of rows that may be of one segment if there are several. */
    public Frame(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray halves, int maxRows, Traits traits,
                 LibraryScratch scratch) {
        this(context, arena, step, rowsAt, layer, halves, maxRows, maxRows == 1, traits, scratch);
    }
}
