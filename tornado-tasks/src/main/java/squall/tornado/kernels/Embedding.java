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
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** {@code x[r] = table[token[r]]}. */
public final class Embedding {
    private Embedding() {}

    /** x: [rows, table.cols]; table: [vocab, cols]. */
    public static void record(Tape tape, Region x, Bank table) {
        Frame f = tape.frame();
        int group = f.traits().group();
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
}
