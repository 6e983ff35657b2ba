package squall.tornado.kernels;

import squall.ops.HeadShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Operations on each element of rows: one work-item an element. sigmoid(a) = 1 / (1 + e^-a), silu(a) = a sigmoid(a). */
public final class Elementwise {
    private Elementwise() {}

    /** {@code x += y} */
    public static void add(Tape tape, Region x, Region y) {
        Frame f = tape.frame();
        tape.add("add", Grid.itemsPerRow(x.width(), f.traits().group()), (g, id) -> g.task(id, Elementwise::kAdd, f.context(),
                f.arena(), f.step(), x.at(), x.stride(), y.at(), y.stride(), x.width()));
    }

    static void kAdd(KernelContext context, FloatArray arena, IntArray step, int x, int xStride, int y, int yStride, int width) {
        int row = context.globalIdx / width;
        int i = context.globalIdx % width;
        if (row < step.get(StepArray.ROWS)) {
            int at = x + row * xStride + i;
            arena.set(at, arena.get(at) + arena.get(y + row * yStride + i));
        }
    }

    /** {@code h = silu(h) * u} */
    public static void siluMul(Tape tape, Region h, Region u) {
        Frame f = tape.frame();
        tape.add("siluMul", Grid.itemsPerRow(h.width(), f.traits().group()), (g, id) -> g.task(id, Elementwise::kSiluMul, f.context(),
                f.arena(), f.step(), h.at(), h.stride(), u.at(), u.stride(), h.width()));
    }

    static void kSiluMul(KernelContext context, FloatArray arena, IntArray step, int h, int hStride, int u, int uStride, int width) {
        int row = context.globalIdx / width;
        int i = context.globalIdx % width;
        if (row < step.get(StepArray.ROWS)) {
            int at = h + row * hStride + i;
            arena.set(at, Activation.silu(arena.get(at)) * arena.get(u + row * uStride + i));
        }
    }

    /** {@code y[head] *= sigmoid(g[head])}; y is packed, the gate is read at {@code shape}. */
    public static void sigmoidMul(Tape tape, Region y, Region g, HeadShape shape) {
        Frame f = tape.frame();
        tape.add("sigmoidMul", Grid.itemsPerRow(y.width(), f.traits().group()), (graph, id) -> graph.task(id, Elementwise::kSigmoidMul,
                f.context(), f.arena(), f.step(), y.at(), y.stride(), g.at() + shape.offset(), g.stride(), y.width(), shape.dim(),
                shape.stride()));
    }

    /** gate: where head 0 of row 0 has its gate */
    static void kSigmoidMul(KernelContext context, FloatArray arena, IntArray step, int y, int yStride, int gate, int gateStride,
                            int width, int dim, int headStride) {
        int row = context.globalIdx / width;
        int i = context.globalIdx % width;
        if (row < step.get(StepArray.ROWS)) {
            int at = y + row * yStride + i;
            float a = arena.get(gate + row * gateStride + i / dim * headStride + i % dim);
            arena.set(at, arena.get(at) * Activation.sigmoid(a));
        }
    }

    /** {@code x += sigmoid(g) * y}; g: [rows, 1] */
    public static void addGated(Tape tape, Region x, Region y, Region g) {
        Frame f = tape.frame();
        tape.add("addGated", Grid.itemsPerRow(x.width(), f.traits().group()), (graph, id) -> graph.task(id, Elementwise::kAddGated,
                f.context(), f.arena(), f.step(), x.at(), x.stride(), y.at(), y.stride(), g.at(), g.stride(), x.width()));
    }

    static void kAddGated(KernelContext context, FloatArray arena, IntArray step, int x, int xStride, int y, int yStride,
                          int gate, int gateStride, int width) {
        int row = context.globalIdx / width;
        int i = context.globalIdx % width;
        if (row < step.get(StepArray.ROWS)) {
            int at = x + row * xStride + i;
            float a = arena.get(gate + row * gateStride);
            arena.set(at, arena.get(at) + arena.get(y + row * yStride + i) * Activation.sigmoid(a));
        }
    }

    /** {@code y[i] = x[source(i)]}; the frame's step holds a count of rows and, from rowsAt on, one source row for each. */
    public static void gather(Tape tape, Region y, Region x) {
        Frame f = tape.frame();
        tape.add("gather", Grid.itemsPerRow(x.width(), f.traits().group()), (g, id) -> g.task(id, Elementwise::kGather, f.context(),
                f.arena(), f.step(), f.rowsAt(), y.at(), y.stride(), x.at(), x.stride(), x.width()));
    }

    static void kGather(KernelContext context, FloatArray arena, IntArray step, int rowsAt, int y, int yStride, int x, int xStride,
                        int width) {
        int row = context.globalIdx / width;
        int i = context.globalIdx % width;
        if (row < step.get(StepArray.ROWS))
            arena.set(y + row * yStride + i, arena.get(x + step.get(rowsAt + row) * xStride + i));
    }
}
