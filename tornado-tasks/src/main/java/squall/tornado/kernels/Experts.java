package squall.tornado.kernels;

import squall.tornado.Bank;
import squall.tornado.Chosen;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** {@code y[r] = sum over the row's experts of weight * down(silu(gate x[r]) * up x[r])}. The ids are read on the device. */
public final class Experts {
    private Experts() {}

    /** y: [rows, dim], overwritten; h: scratch [rows, used * hidden]; x: [rows, dim]; gate, up: [hidden, dim]; down: [dim, hidden]. */
    public static void record(Tape tape, Region y, Region h, Region x, Chosen chosen, Bank gate, Bank up, Bank down) {
        Frame f = tape.frame();
        int group = f.traits().group(), used = chosen.used(), hidden = gate.rows(), dim = down.rows();
        tape.add("expertsHidden", Grid.perRow(used * hidden, group), (g, id) -> g.task(id, Experts::kHidden, f.context(), f.arena(), f.step(),
                f.layer(), chosen.ids(), used, gate.floats(), gate.layerStride(), gate.at(), up.floats(), up.layerStride(), up.at(), gate.expertStride(),
                hidden, gate.cols(), h.at(), h.stride(), x.at(), x.stride(), group));
        tape.add("expertsOutput", Grid.perRow(dim, group), (g, id) -> g.task(id, Experts::kOutput, f.context(), f.arena(), f.step(),
                f.layer(), chosen.ids(), used, chosen.weights().at(), chosen.weights().stride(), down.floats(), down.layerStride(), down.at(),
                down.expertStride(), dim, down.cols(), y.at(), y.stride(), h.at(), h.stride(), group));
    }

    /** A group for each hidden unit of each chosen expert of each row: {@code h = silu(gate x) * (up x)}. */
    static void kHidden(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray ids, int used,
                        FloatArray gate, int gateLayer, int gateAt, FloatArray up, int upLayer, int upAt, int expertStride,
                        int hidden, int dim, int hAt, int hStride, int xAt, int xStride, int group) {
        int row = context.groupIdx / (used * hidden), unit = context.groupIdx % (used * hidden), lane = context.localIdx;
        if (row >= step.get(StepArray.ROWS)) return;
        float[] gates = context.allocateFloatLocalArray(group);
        float[] ups = context.allocateFloatLocalArray(group);
        int from = ids.get(row * used + unit / hidden) * expertStride + unit % hidden * dim, x = xAt + row * xStride;
        int g = layer.get(0) * gateLayer + gateAt + from, u = layer.get(0) * upLayer + upAt + from;
        float gated = 0, upped = 0;
        for (int i = lane; i < dim; i += group) {
            float a = arena.get(x + i);
            gated += gate.get(g + i) * a;
            upped += up.get(u + i) * a;
        }
        gates[lane] = gated;
        ups[lane] = upped;
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

    /** A group for each output of each row: the weighted sum over its experts. */
    static void kOutput(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray ids, int used, int weightsAt,
                        int weightsStride, FloatArray down, int downLayer, int downAt, int expertStride, int dim, int hidden,
                        int yAt, int yStride, int hAt, int hStride, int group) {
        int row = context.groupIdx / dim, out = context.groupIdx % dim, lane = context.localIdx;
        if (row >= step.get(StepArray.ROWS)) return;
        float[] sums = context.allocateFloatLocalArray(group);
        float sum = 0;
        for (int j = 0; j < used; j++) {
            int from = layer.get(0) * downLayer + downAt + ids.get(row * used + j) * expertStride + out * hidden;
            int h = hAt + row * hStride + j * hidden;
            float part = 0;
            for (int i = lane; i < hidden; i += group) part += down.get(from + i) * arena.get(h + i);
            sum += arena.get(weightsAt + row * weightsStride + j) * part;
        }
        sums[lane] = sum;
        context.localBarrier();
        for (int half = group / 2; half > 0; half >>= 1) {
            if (lane < half) sums[lane] += sums[lane + half];
            context.localBarrier();
        }
        if (lane == 0) arena.set(yAt + row * yStride + out, sums[0]);
    }
}
