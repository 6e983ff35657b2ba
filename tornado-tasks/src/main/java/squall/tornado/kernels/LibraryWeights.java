package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.LibraryScratch;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * The layer's matrix as halves, for cuBLAS, [w.rows, w.cols]. Neighbours of a group read and write neighbouring pairs of numbers.
 *
 * <p>Weights below 6e-5 lose digits in halves and those below 6e-8 vanish, beside the others of their row; not so from
 * {@link Planes}, whose gain is left to the product.
 */
final class LibraryWeights {
    private static final int GROUP = 256;

    private LibraryWeights() {}

    /** What a product of the decoded matrix is to be multiplied with. */
    static float gain(Bank w) {
        return w.planes() == null ? 1 : w.planes().gain();
    }

    static void record(Tape tape, HalfFloatArray decoded, Bank w) {
        Frame f = tape.frame();
        Grid grid = Grid.fixed(w.rows(), GROUP);
        int first = LibraryScratch.FIRST_HALF;
        if (w.planes() != null)
            tape.add("decode", grid, (g, id) -> g.task(id, LibraryWeights::kPlanes, f.context(), f.layer(), (LongArray) w.array(),
                    w.planes().scales(), decoded, Planes.layout(w.format()), w.rows(), w.cols(), first));
        else if (WarpMatMul.reads(f, w))
            tape.add("decode", grid, (g, id) -> WarpMatMul.ready(g).task(id, LibraryWeights::kWide, f.context(), f.layer(), WarpMatMul.floats(w),
                    WarpMatMul.halves(w), WarpMatMul.longs(w), decoded, WarpMatMul.store(w), Place.of(w), w.rowElements(), w.cols(), first));
        else
            tape.add("decode", grid, (g, id) -> Blocks.ready(g).task(id, LibraryWeights::kBlocks, f.context(), f.layer(), f.halves(),
                    Blocks.floats(f, w), Blocks.shorts(w), Blocks.bytes(w), decoded, Blocks.layout(w), Place.of(w), w.rows(), w.cols(), first));
    }

    /** first: where the decoded matrix starts. A group for each row, a pair of numbers for each work-item and turn; so in the other kernels. */
    static void kBlocks(KernelContext context, IntArray layer, FloatArray halves, FloatArray floats, ShortArray shorts, ByteArray bytes,
                        HalfFloatArray decoded, long layout, long w, int rows, int cols, int first) {
        int row = context.groupIdx, to = first + row * cols;
        int from = Place.start(w, layer.get(0)) + row * Blocks.rowElements(layout, cols), grid = Blocks.grid(layer.get(0), rows, cols, row);
        for (int i = 2 * context.localIdx; i < cols; i += 2 * GROUP)
            decoded.setHalf2(to + i, Half2.fromFloats(Blocks.at(layout, halves, floats, shorts, bytes, from, grid, i),
                    Blocks.at(layout, halves, floats, shorts, bytes, from, grid, i + 1)));
    }

    static void kPlanes(KernelContext context, IntArray layer, LongArray quanta, HalfFloatArray scales, HalfFloatArray decoded, int layout,
                        int rows, int cols, int first) {
        int row = context.groupIdx, to = first + row * cols, number = layer.get(0) * rows + row;
        int from = number * Planes.rowLongs(layout, cols), fromScales = number * Planes.rowScales(layout, cols);
        for (int i = 2 * context.localIdx; i < cols; i += 2 * GROUP)
            decoded.setHalf2(to + i, Half2.fromFloats(Planes.at(layout, quanta, scales, from, fromScales, cols, i),
                    Planes.at(layout, quanta, scales, from, fromScales, cols, i + 1)));
    }

    static void kWide(KernelContext context, IntArray layer, FloatArray floats, HalfFloatArray halves, LongArray longs,
                      HalfFloatArray decoded, int store, long w, int rowElements, int cols, int first) {
        int row = context.groupIdx, to = first + row * cols, from = Place.start(w, layer.get(0)) + row * rowElements;
        for (int i = 2 * context.localIdx; i < cols; i += 2 * GROUP)
            decoded.setHalf2(to + i, Half2.fromFloats(WarpMatMul.at(store, floats, halves, longs, from, i),
                    WarpMatMul.at(store, floats, halves, longs, from, i + 1)));
    }
}
