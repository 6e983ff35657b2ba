package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** {@code x[r] = table[token[r]]}. */
public final class Embedding {
    private Embedding() {}

    /** x: [rows, table.cols]; table: [vocab, cols]. */
    public static void record(Tape tape, Region x, Bank table) {
        Frame f = tape.frame();
        int group = f.traits().group();
        if (table.planes() != null) {
            tape.add("embed", Grid.itemsPerRow(table.cols(), group), (g, id) -> g.task(id, Embedding::kLookUpPlanes, f.context(), f.arena(), f.step(),
                    f.rowsAt(), f.layer(), (LongArray) table.array(), table.planes().scales(), table.planes().gain(), Planes.layout(table.format()),
                    table.rows(), table.cols(), Place.of(x)));
            return;
        }
        if (WarpMatMul.reads(f, table)) {
            tape.add("embed", Grid.itemsPerRow(table.cols(), group), (g, id) -> WarpMatMul.ready(g).task(id, Embedding::kLookUpWide, f.context(), f.arena(),
                    f.step(), f.rowsAt(), f.layer(), WarpMatMul.floats(table), WarpMatMul.halves(table), WarpMatMul.longs(table), WarpMatMul.store(table),
                    Place.of(table), table.rowElements(), table.cols(), Place.of(x)));
            return;
        }
        long layout = Blocks.layout(table);
        tape.add("embed", Grid.itemsPerRow(table.cols(), group), (g, id) -> Blocks.ready(g).task(id, Embedding::kLookUp, f.context(), f.arena(), f.step(),
                f.rowsAt(), f.layer(), f.halves(), Blocks.floats(f, table), Blocks.shorts(table), Blocks.bytes(table), layout, Place.of(table),
                table.rows(), table.cols(), Place.of(x)));
    }

    /** A work-item for each number. */
    static void kLookUp(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray halves,
                        FloatArray floats, ShortArray shorts, ByteArray bytes, long layout, long table, int vocab, int cols, long x) {
        int row = context.globalIdx / cols, i = context.globalIdx % cols;
        if (row < step.get(StepArray.ROWS)) {
            int token = step.get(rowsAt + StepArray.RECORD * row + StepArray.TOKEN);
            int from = Place.start(table, layer.get(0)) + token * Blocks.rowElements(layout, cols);
            int grid = Blocks.grid(layer.get(0), vocab, cols, token);
            arena.set(Place.start(x, row) + i, Blocks.at(layout, halves, floats, shorts, bytes, from, grid, i));
        }
    }

    /** From {@link Planes}. */
    static void kLookUpPlanes(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, LongArray quanta,
                              HalfFloatArray scales, float gain, int layout, int vocab, int cols, long x) {
        int row = context.globalIdx / cols, i = context.globalIdx % cols;
        if (row < step.get(StepArray.ROWS)) {
            int token = layer.get(0) * vocab + step.get(rowsAt + StepArray.RECORD * row + StepArray.TOKEN);
            int from = token * Planes.rowLongs(layout, cols), fromScales = token * Planes.rowScales(layout, cols);
            arena.set(Place.start(x, row) + i, gain * Planes.at(layout, quanta, scales, from, fromScales, cols, i));
        }
    }

    /** From a bank that is laid out for warps. */
    static void kLookUpWide(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray floats,
                            HalfFloatArray halves, LongArray longs, int store, long table, int rowElements, int cols, long x) {
        int row = context.globalIdx / cols, i = context.globalIdx % cols;
        if (row < step.get(StepArray.ROWS)) {
            int from = Place.start(table, layer.get(0)) + step.get(rowsAt + StepArray.RECORD * row + StepArray.TOKEN) * rowElements;
            arena.set(Place.start(x, row) + i, WarpMatMul.at(store, floats, halves, longs, from, i));
        }
    }
}
