package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** {@code x[r] = table[token[r]]}. */
public final class Embedding {
    private Embedding() {}

    /** x: [rows, table.cols]; table: [vocab, cols]. */
    public static void record(Tape tape, Region x, Bank table) {
        Frame f = tape.frame();
        int group = f.traits().group();
        tape.add("embed", Grid.itemsPerRow(table.cols(), group), (g, id) -> g.task(id, Embedding::kLookUp, f.context(), f.arena(),
                f.step(), f.rowsAt(), table.floats(), table.at(), table.cols(), x.at(), x.stride()));
    }

    /** A work-item for each number. */
    static void kLookUp(KernelContext context, FloatArray arena, IntArray step, int rowsAt, FloatArray table, int tableAt, int cols,
                        int xAt, int xStride) {
        int row = context.globalIdx / cols, i = context.globalIdx % cols;
        if (row < step.get(StepArray.ROWS)) {
            int token = step.get(rowsAt + StepArray.RECORD * row + StepArray.TOKEN);
            arena.set(xAt + row * xStride + i, table.get(tableAt + token * cols + i));
        }
    }
}
