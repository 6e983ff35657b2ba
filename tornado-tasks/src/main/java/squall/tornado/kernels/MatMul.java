package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Products of the rows with a matrix: {@code y[r] = W x[r]}. */
public final class MatMul {
    private MatMul() {}

    /** {@code y = W x}; y: [rows, w.rows], x: [rows, w.cols]. */
    public static void record(Tape tape, Region y, Region x, Bank w) {
        product(tape, "matmul", y, x, w, 0);
    }

    /** {@code y += W x}; y: [rows, w.rows], x: [rows, w.cols]. */
    public static void recordAdd(Tape tape, Region y, Region x, Bank w) {
        product(tape, "matmulAdd", y, x, w, 1);
    }

    /** {@code h = silu(G x) * (U x)}; gateUp is G stacked on U, h: [rows, gateUp.rows / 2], x: [rows, gateUp.cols]. */
    public static void recordSwiGlu(Tape tape, Region h, Region x, Bank gateUp) {
        Frame f = tape.frame();
        int group = f.traits().group(), hidden = gateUp.rows() / 2;
        tape.add("swiGlu", Grid.perRow(hidden, group), (g, id) -> g.task(id, MatMul::kSwiGlu, f.context(), f.arena(), f.step(), f.layer(),
                gateUp.floats(), gateUp.layerStride(), gateUp.at(), hidden, gateUp.cols(), h.at(), h.stride(), x.at(), x.stride(), group));
    }

    private static void product(Tape tape, String name, Region y, Region x, Bank w, int old) {
        Frame f = tape.frame();
        int group = f.traits().group();
        tape.add(name, Grid.perRow(w.rows(), group), (g, id) -> g.task(id, MatMul::kProduct, f.context(), f.arena(), f.step(), f.layer(),
                w.floats(), w.layerStride(), w.at(), w.rows(), w.cols(), y.at(), y.stride(), x.at(), x.stride(), old, group));
    }

    /** A group for each output of each row: {@code y = old * y + W x}. */
    static void kProduct(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray w, int layerStride, int wAt,
                         int rows, int cols, int yAt, int yStride, int xAt, int xStride, int old, int group) {
        int row = context.groupIdx / rows, out = context.groupIdx % rows, lane = context.localIdx;
        if (row >= step.get(StepArray.ROWS)) return;
        float[] sums = context.allocateFloatLocalArray(group);
        int from = layer.get(0) * layerStride + wAt + out * cols, x = xAt + row * xStride;
        float sum = 0;
        for (int i = lane; i < cols; i += group) sum += w.get(from + i) * arena.get(x + i);
        sums[lane] = sum;
        context.localBarrier();
        for (int half = group / 2; half > 0; half >>= 1) {
            if (lane < half) sums[lane] += sums[lane + half];
            context.localBarrier();
        }
        if (lane == 0) {
            int y = yAt + row * yStride + out;
            float before = 0;
            if (old != 0) before = arena.get(y);
            arena.set(y, before + sums[0]);
        }
    }

    /** A group for each hidden unit of each row: {@code h = silu(G x) * (U x)}. */
    static void kSwiGlu(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray w, int layerStride, int wAt,
                        int hidden, int cols, int hAt, int hStride, int xAt, int xStride, int group) {
        int row = context.groupIdx / hidden, unit = context.groupIdx % hidden, lane = context.localIdx;
        if (row >= step.get(StepArray.ROWS)) return;
        float[] gates = context.allocateFloatLocalArray(group);
        float[] ups = context.allocateFloatLocalArray(group);
        int from = layer.get(0) * layerStride + wAt + unit * cols, x = xAt + row * xStride;
        float gate = 0, up = 0;
        for (int i = lane; i < cols; i += group) {
            float a = arena.get(x + i);
            gate += w.get(from + i) * a;
            up += w.get(from + hidden * cols + i) * a;
        }
        gates[lane] = gate;
        ups[lane] = up;
        context.localBarrier();
        for (int half = group / 2; half > 0; half >>= 1) {
            if (lane < half) {
                gates[lane] += gates[lane + half];
                ups[lane] += ups[lane + half];
            }
            context.localBarrier();
        }
        if (lane == 0) arena.set(hAt + row * hStride + unit, gates[0] / (1 + TornadoMath.exp(-gates[0])) * ups[0]);
    }
}
