package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Chosen;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.collections.VectorFloat8;
import uk.ac.manchester.tornado.api.types.vectors.Float8;

/** {@code y[r] = sum over the row's experts of weight * down(silu(gate x[r]) * up x[r])}. The ids are read on the device. */
public final class Experts {
    /** What becomes of the products of the hidden units: SwiGLU at once, or the gate's first and then SwiGLU with the other. */
    static final int BOTH = 0;
    static final int GATE = 1;
    static final int UP = 2;

    private Experts() {}

    /**
     * The gate and the up matrix apart; their formats may differ.
     *
     * @param y [rows, dim], overwritten
     * @param h scratch, [rows, used * hidden]
     * @param x [rows, dim]
     */
    public static void record(Tape tape, Region y, Region h, Region x, Chosen chosen, Bank gate, Bank up, Bank down) {
        hidden(tape, h, x, chosen, gate, up);
        output(tape, y, h, chosen, down, MatMul.ASSIGN);
    }

    /** The same with each expert's gate matrix stacked on its up matrix. */
    public static void record(Tape tape, Region y, Region h, Region x, Chosen chosen, Bank gateUp, Bank down) {
        hidden(tape, "expertsHidden", h, x, chosen, gateUp, gateUp.rows() / 2, BOTH);
        output(tape, y, h, chosen, down, MatMul.ASSIGN);
    }

    /** {@code y +=} that. */
    public static void recordAdd(Tape tape, Region y, Region h, Region x, Chosen chosen, Bank gate, Bank up, Bank down) {
        hidden(tape, h, x, chosen, gate, up);
        output(tape, y, h, chosen, down, MatMul.ADD);
    }

    /** {@code y +=} that, the matrices stacked. */
    public static void recordAdd(Tape tape, Region y, Region h, Region x, Chosen chosen, Bank gateUp, Bank down) {
        hidden(tape, "expertsHidden", h, x, chosen, gateUp, gateUp.rows() / 2, BOTH);
        output(tape, y, h, chosen, down, MatMul.ADD);
    }

    private static void hidden(Tape tape, Region h, Region x, Chosen chosen, Bank gate, Bank up) {
        hidden(tape, "expertsGate", h, x, chosen, gate, gate.rows(), GATE);
        hidden(tape, "expertsUp", h, x, chosen, up, gate.rows(), UP);
    }

    private static void hidden(Tape tape, String name, Region h, Region x, Chosen chosen, Bank w, int hidden, int stage) {
        Frame f = tape.frame();
        int group = f.traits().group(), used = chosen.used();
        if (w.planes() != null) {
            PlaneExperts.hidden(tape, name, h, x, chosen, w, hidden, stage);
            return;
        }
        long layout = Blocks.layout(w);
        if (!MatMul.inVectors(f, x, w.cols()))
            tape.add(name, Grid.perRow(used * hidden, group), (g, id) -> Blocks.ready(g).task(id, Experts::kHiddenGroups, f.context(), f.arena(), f.step(),
                    f.layer(), chosen.ids(), f.halves(), Blocks.floats(f, w), Blocks.shorts(w), Blocks.bytes(w), layout, Place.of(w),
                    w.experts(), hidden, w.cols(), Place.of(h), used, Place.of(x), stage, group));
        else
            tape.add(name, (g, id) -> Blocks.ready(g).task(id, Experts::kHiddenRows, f.arena(), f.step(), f.layer(), chosen.ids(), f.halves(),
                    Blocks.floats(f, w), Blocks.shorts(w), Blocks.bytes(w), layout, Place.of(w), w.experts(), hidden, w.cols(), Place.of(h),
                    used, Place.of(x), stage));
    }

    private static void output(Tape tape, Region y, Region h, Chosen chosen, Bank w, int kind) {
        Frame f = tape.frame();
        int group = f.traits().group(), used = chosen.used(), hidden = w.cols(), dim = w.rows();
        if (w.planes() != null) {
            PlaneExperts.output(tape, y, h, chosen, w, kind);
            return;
        }
        long layout = Blocks.layout(w);
        if (!MatMul.inVectors(f, h, hidden))
            tape.add("expertsOutput", Grid.perRow(dim, group), (g, id) -> Blocks.ready(g).task(id, Experts::kOutputGroups, f.context(), f.arena(), f.step(),
                    f.layer(), chosen.ids(), f.halves(), Blocks.floats(f, w), Blocks.shorts(w), Blocks.bytes(w), layout, Place.of(w),
                    w.experts(), dim, hidden, Place.of(y), Place.of(chosen.weights()), used, Place.of(h), kind, group));
        else
            tape.add("expertsOutput", (g, id) -> Blocks.ready(g).task(id, Experts::kOutputRows, f.arena(), f.step(), f.layer(), chosen.ids(), f.halves(),
                    Blocks.floats(f, w), Blocks.shorts(w), Blocks.bytes(w), layout, Place.of(w), w.experts(), dim, hidden, Place.of(y),
                    Place.of(chosen.weights()), used, Place.of(h), kind));
    }

    /** A group for each hidden unit of each chosen expert of each row. */
    static void kHiddenGroups(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray ids, FloatArray halves,
                              FloatArray floats, ShortArray shorts, ByteArray bytes, long layout, long w, int experts, int hidden, int dim,
                              long h, int used, long x, int stage, int group) {
        int row = context.groupIdx / (used * hidden), unit = context.groupIdx % (used * hidden), lane = context.localIdx;
        int size = row < step.get(StepArray.ROWS) ? dim : 0;
        float[] sums = context.allocateFloatLocalArray(2 * group);
        int expert = size > 0 ? ids.get(row * used + unit / hidden) : 0, out = unit % hidden, rows = rows(hidden, stage);
        int from = start(layout, w, layer.get(0), expert, rows, dim, out), fromUp = from + hidden * Blocks.rowElements(layout, dim);
        int grid = Blocks.grid(layer.get(0) * experts + expert, rows, dim, out);
        int gridUp = Blocks.grid(layer.get(0) * experts + expert, rows, dim, hidden + out);
        int xAt = Place.start(x, row);
        float s = 0, u = 0;
        for (int i = lane; i < size; i += group) {
            float a = arena.get(xAt + i);
            s += Blocks.at(layout, halves, floats, shorts, bytes, from, grid, i) * a;
            if (stage == BOTH) u += Blocks.at(layout, halves, floats, shorts, bytes, fromUp, gridUp, i) * a;
        }
        sums[2 * lane] = s;
        sums[2 * lane + 1] = u;
        context.localBarrier();
        for (int half = group; half > 1; half >>= 1) {
            for (int i = lane; i < half; i += group) sums[i] += sums[half + i];
            context.localBarrier();
        }
        if (lane == 0 && size > 0) write(arena, Place.start(h, row) + unit, sums[0], sums[1], stage);
    }

    /** A hidden unit of the row's j-th expert for each turn, in vectors; all rows. */
    static void kHiddenRows(FloatArray arena, IntArray step, IntArray layer, IntArray ids, FloatArray halves, FloatArray floats,
                            ShortArray shorts, ByteArray bytes, long layout, long w, int experts, int hidden, int dim, long h, int used,
                            long x, int stage) {
        for (@Parallel int unit = 0; unit < used * hidden; unit++) {
            VectorFloat8 xs = new VectorFloat8(arena);
            int alive = step.get(StepArray.ROWS), rows = rows(hidden, stage);
            for (int row = 0; row < alive; row++) {
                int expert = ids.get(row * used + unit / hidden), xAt = Place.start(x, row) >> 3;
                for (int out = unit % hidden; out < rows; out += hidden) {
                    int from = start(layout, w, layer.get(0), expert, rows, dim, out);
                    int grid = Blocks.grid(layer.get(0) * experts + expert, rows, dim, out);
                    Float8 s = MatMul.zero();
                    for (int i = 0; i < dim; i += 8)
                        s = Float8.add(s, Float8.mult(Blocks.eight(layout, halves, floats, shorts, bytes, from, grid, i), xs.get(xAt + (i >> 3))));
                    int second = stage == UP ? UP : GATE;
                    if (out >= hidden) second = UP;
                    write(arena, Place.start(h, row) + unit, MatMul.sum(s), 0, second);
                }
            }
        }
    }

    /** A group for each output of each row: the weighted sum over its experts. */
    static void kOutputGroups(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray ids, FloatArray halves,
                              FloatArray floats, ShortArray shorts, ByteArray bytes, long layout, long w, int experts, int dim, int hidden,
                              long y, long weights, int used, long h, int kind, int group) {
        int row = context.groupIdx / dim, out = context.groupIdx % dim, lane = context.localIdx;
        int chosen = row < step.get(StepArray.ROWS) ? used : 0;
        float[] sums = context.allocateFloatLocalArray(group);
        float sum = 0;
        for (int j = 0; j < chosen; j++) {
            int expert = ids.get(row * used + j);
            int from = start(layout, w, layer.get(0), expert, dim, hidden, out);
            int grid = Blocks.grid(layer.get(0) * experts + expert, dim, hidden, out);
            int hAt = Place.start(h, row) + j * hidden;
            float part = 0;
            for (int i = lane; i < hidden; i += group)
                part += Blocks.at(layout, halves, floats, shorts, bytes, from, grid, i) * arena.get(hAt + i);
            sum += arena.get(Place.start(weights, row) + j) * part;
        }
        sums[lane] = sum;
        context.localBarrier();
        for (int half = group >> 1; half > 0; half >>= 1) {
            if (lane < half) sums[lane] += sums[half + lane];
            context.localBarrier();
        }
        if (lane == 0 && chosen > 0) MatMul.write(arena, Place.start(y, row) + out, sums[0], 0, kind);
    }

    /** An output for each turn, in vectors; all rows. */
    static void kOutputRows(FloatArray arena, IntArray step, IntArray layer, IntArray ids, FloatArray halves, FloatArray floats,
                            ShortArray shorts, ByteArray bytes, long layout, long w, int experts, int dim, int hidden, long y, long weights,
                            int used, long h, int kind) {
        for (@Parallel int out = 0; out < dim; out++) {
            VectorFloat8 hs = new VectorFloat8(arena);
            int alive = step.get(StepArray.ROWS);
            for (int row = 0; row < alive; row++) {
                float sum = 0;
                for (int j = 0; j < used; j++) {
                    int expert = ids.get(row * used + j);
                    int from = start(layout, w, layer.get(0), expert, dim, hidden, out);
                    int grid = Blocks.grid(layer.get(0) * experts + expert, dim, hidden, out);
                    int hAt = Place.start(h, row) + j * hidden >> 3;
                    Float8 part = MatMul.zero();
                    for (int i = 0; i < hidden; i += 8)
                        part = Float8.add(part, Float8.mult(Blocks.eight(layout, halves, floats, shorts, bytes, from, grid, i), hs.get(hAt + (i >> 3))));
                    sum += arena.get(Place.start(weights, row) + j) * MatMul.sum(part);
                }
                MatMul.write(arena, Place.start(y, row) + out, sum, 0, kind);
            }
        }
    }

    /** Rows of one expert's stored matrix. */
    static int rows(int hidden, int stage) {
        return stage == BOTH ? 2 * hidden : hidden;
    }

    /** Where row {@code out} of an expert's matrix starts. */
    private static int start(long layout, long w, int layer, int expert, int rows, int cols, int out) {
        return Place.start(w, layer) + (expert * rows + out) * Blocks.rowElements(layout, cols);
    }

    static void write(FloatArray arena, int at, float value, float up, int stage) {
        float result = value;
        if (stage == BOTH) result = MatMul.silu(value) * up;
        if (stage == UP) result = MatMul.silu(arena.get(at)) * value;
        arena.set(at, result);
    }
}
