package squall.tornado.kernels;

import squall.ops.DeltaShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.Slab;
import squall.tornado.Small;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * All of a Gated DeltaNet layer between its projections in one task, for rows that are alone in their segments:
 * {@link DeltaInputs}, {@link DeltaRule} and {@link GatedNorm} but for the division by the length of a head, which is left to
 * {@link Normed}: so several groups share a value head of a row, each with {@value #COLUMNS} columns of its S. What the step takes is
 * waiting, for memory and for sums over lanes. So a group asks for what it needs of S before it works out q, k and v, two warps
 * without channels have the gates meanwhile, k comes before q, and S is on its way back when the output is summed; a warp keeps whole
 * columns, so that nothing of them leaves it.
 */
public final class DeltaStep {
    /** Columns of S that a group has, and those of a warp. */
    private static final int COLUMNS = 32;
    private static final int EACH = 2;
    private static final int WARP = 32;
    private static final int WARPS = COLUMNS / EACH;
    private static final int GROUP = WARPS * WARP;
    /** Values of a column that a lane keeps. */
    private static final int VALUES = 4;
    /** The most elements of a head's keys and values. */
    private static final int MOST = WARP * VALUES;

    private DeltaStep() {}

    /** The weights of a layer, all in one array. conv: [channels, taps]; decay, dt: [valueHeads]; norm: [dv]. */
    public record Weights(Small conv, Small decay, Small dt, Small norm) {
        boolean together() {
            return conv.array() == decay.array() && conv.array() == dt.array() && conv.array() == norm.array();
        }
    }

    /** Whether rows of this recording are alone in their segments and the device exchanges values inside of warps. */
    public static boolean serves(Frame f, DeltaShape shape, Weights w) {
        return f.traits().shape() == Traits.Shape.WARPS && f.maxRows() == 1 && shape.dk() <= MOST && shape.dv() <= MOST && w.together();
    }

    /** Groups that share a head, and so sums of squares of each. */
    public static int parts(DeltaShape shape) {
        return (shape.dv() + COLUMNS - 1) / COLUMNS;
    }

    /**
     * {@code y = norm * o * silu(z)}, and squares: the sums of the squares of o that are missing.
     *
     * @param y       [rows, valueHeads * dv]
     * @param squares [rows, valueHeads * {@link #parts}]
     * @param u       [rows, channels], the projection
     * @param b, a    [rows, valueHeads], of which beta and the decay are made
     * @param z       [rows, valueHeads * dv], the output's gate
     */
    public static void record(Tape tape, Region y, Region squares, Region u, Region b, Region a, Region z, Weights w, int taps, Slab window,
                              Slab s, DeltaShape shape) {
        Frame f = tape.frame();
        tape.add("deltaStep", Grid.perRow(shape.valueHeads() * parts(shape), GROUP), (g, id) -> g.task(id, DeltaStep::kDeltaStep, f.context(),
                f.arena(), f.step(), f.layer(), window.array(), s.array(), w.conv.array(), Place.of(y), Place.of(squares),
                Place.of(u), Place.of(b), Place.of(a), Place.of(z), Pair.of(w.conv.at(), w.norm.at()), Pair.of(w.decay.at(), w.dt.at()),
                Pair.of(w.conv.layerStride(), taps), Pair.of(window.layerStride(), window.slotStride()), Pair.of(s.layerStride(), s.slotStride()),
                DeltaRule.packed(shape), f.rowsAt()));
    }

    /**
     * With the old S, {@code m = e^g S^T k} and {@code o = e^g S^T q + (k q) d}: both sums over a column are over the lanes of one warp.
     * q and k are made unit vectors by factors of these sums.
     *
     * @param convNorm, decayDt where a layer's weights start
     * @param weightsTaps       elements from layer to layer, taps
     * @param window, memory    elements from layer to layer and from slot to slot
     * @param shape             key and value heads; dk, dv and one bit for tiled heads
     */
    static void kDeltaStep(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray windows, FloatArray memories,
                           FloatArray weights, long y, long squares, long u, long b, long a, long z, long convNorm, long decayDt,
                           long weightsTaps, long window, long memory, long shape, int rowsAt) {
        float[] inputs = context.allocateFloatLocalArray(2 * MOST + COLUMNS);
        float[] lengths = context.allocateFloatLocalArray(WARP);
        float[] outputs = context.allocateFloatLocalArray(COLUMNS);
        float[] gates = context.allocateFloatLocalArray(2);
        float[] state = new float[EACH * VALUES];
        float[] predicted = new float[EACH];
        float[] read = new float[EACH];
        float[] change = new float[EACH];
        float[] key = new float[VALUES];
        float[] query = new float[VALUES];
        float[] past = new float[CausalConv.TILE + 1];
        float[] taken = new float[CausalConv.TILE + 1];
        int keyHeads = Pair.smallFirst(Pair.first(shape)), valueHeads = Pair.smallSecond(Pair.first(shape));
        int dk = Pair.smallFirst(Pair.second(shape)), dv = Pair.smallSecond(Pair.second(shape)) >> 1, tiled = Pair.second(shape) & 1;
        int taps = Pair.second(weightsTaps), channels = 2 * keyHeads * dk + valueHeads * dv, parts = (dv + COLUMNS - 1) / COLUMNS;
        int unit = context.groupIdx / parts, from = context.groupIdx % parts * COLUMNS, row = unit / valueHeads, head = unit % valueHeads;
        int alive = row < step.get(StepArray.ROWS) ? 1 : 0;
        int record = rowsAt + StepArray.RECORD * row;
        int position = alive * step.get(record + StepArray.POSITION), slot = step.get(record + StepArray.SLOT), index = layer.get(0);
        int item = context.localIdx, lane = item & (WARP - 1), warp = item >> 5, first = warp * EACH, columns = from + COLUMNS <= dv ? COLUMNS : dv & (COLUMNS - 1);
        int sharing = valueHeads / keyHeads, keyHead = tiled == 1 ? head % keyHeads : head / sharing;
        int owner = (tiled == 1 ? (head < keyHeads ? 1 : 0) : (head % sharing == 0 ? 1 : 0)) & (from == 0 ? 1 : 0);
        int part = TornadoMath.min(item / MOST, 2), element = item - part * MOST, w = index * Pair.first(weightsTaps);
        int width = part < 2 ? dk : columns, within = element < width ? element : 0;
        int channel = part < 2 ? (part * keyHeads + keyHead) * dk + within : 2 * keyHeads * dk + head * dv + from + within;
        int ring = index * Pair.first(window) + slot * Pair.second(window) + channel;
        // what little is needed first is asked for first, and everything before anything is stored: a load waits for earlier stores
        float newest = arena.get(Place.start(u, row) + channel);
        for (int i = 0; i < taps; i++) {
            taken[i] = weights.get(w + Pair.first(convNorm) + channel * taps + i);
            past[i] = newest;
            if (i < taps - 1 && position - taps + 1 + i >= 0) past[i] = windows.get(ring + CausalConv.place(position - taps + 1 + i, taps) * channels);
        }
        int written = alive * columns, stored = position > 0 ? written : 0;
        int at = index * Pair.first(memory) + slot * Pair.second(memory) + (head * dv + from + first) * dk + lane;
        for (int c = 0; c < EACH; c++)
            for (int i = 0; i < VALUES; i++)
                state[c * VALUES + i] = first + c < stored && lane + WARP * i < dk ? memories.get(at + c * dk + WARP * i) : 0f;
        // what needs no inputs is worked out while they are on their way, by warps that have none
        if (warp == WARPS - 1) {
            float b0 = arena.get(Place.start(b, row) + head), a0 = arena.get(Place.start(a, row) + head);
            float fade = weights.get(w + Pair.first(decayDt) + head), shift = weights.get(w + Pair.second(decayDt) + head);
            float strength = Activation.quickSigmoid(b0), fading = TornadoMath.exp(fade * Activation.quickSoftplus(a0 + shift));
            if (lane < 2) gates[lane] = lane == 0 ? strength : fading;
        }
        if (warp == WARPS - 2) {
            int output = from + TornadoMath.min(lane, columns - 1);
            outputs[lane] = weights.get(w + Pair.second(convNorm) + output) * Activation.quickSilu(arena.get(Place.start(z, row) + head * dv + output));
        }
        float value = 0f;
        for (int i = 0; i < taps; i++) value += position - taps + 1 + i >= 0 ? taken[i] * past[i] : 0f;
        if (item < 2 * MOST + COLUMNS) inputs[item] = element < width ? Activation.quickSilu(value) : 0f;
        context.localBarrier();
        float beta = gates[0], decay = gates[1], keys = 0f, queries = 0f, both = 0f;
        for (int i = 0; i < VALUES; i++) {
            key[i] = inputs[MOST + lane + WARP * i];
            keys += key[i] * key[i];
        }
        for (int c = 0; c < EACH; c++) {
            predicted[c] = 0f;
            for (int i = 0; i < VALUES; i++) predicted[c] += key[i] * state[c * VALUES + i];
        }
        for (int c = 0; c < EACH; c++) predicted[c] = context.simdSum(predicted[c]);
        float unitKey = 1f / TornadoMath.sqrt(context.simdSum(keys) + DeltaGates.EPSILON);
        for (int i = 0; i < VALUES; i++) query[i] = inputs[lane + WARP * i];
        for (int c = 0; c < EACH; c++) {
            read[c] = 0f;
            for (int i = 0; i < VALUES; i++) read[c] += query[i] * state[c * VALUES + i];
        }
        for (int c = 0; c < EACH; c++) {
            change[c] = first + c < written ? beta * (inputs[2 * MOST + first + c] - predicted[c] * unitKey * decay) : 0f;
            for (int i = 0; i < VALUES; i++)
                if (first + c < written && lane + WARP * i < dk) memories.set(at + c * dk + WARP * i, decay * state[c * VALUES + i] + change[c] * unitKey * key[i]);
        }
        // the output is worked out while S is on its way back
        if (((part >> 1 | owner) & alive) == 1 && element < width) windows.set(ring + CausalConv.place(position, taps) * channels, newest);
        for (int i = 0; i < VALUES; i++) {
            queries += query[i] * query[i];
            both += query[i] * key[i];
        }
        float unitQuery = 1f / TornadoMath.sqrt((context.simdSum(queries) + DeltaGates.EPSILON) * dk);
        both = context.simdSum(both) * unitQuery * unitKey;
        float out = 0f, square = 0f;
        for (int c = 0; c < EACH; c++) {
            float o = context.simdSum(read[c]) * unitQuery * decay + both * change[c];
            square += first + c < written ? o * o : 0f;
            out = lane == c ? o : out;
        }
        if (lane < EACH && first + lane < written) arena.set(Place.start(y, row) + head * dv + from + first + lane, out * outputs[first + lane]);
        if (lane == 0) lengths[warp] = square;
        context.localBarrier();
        if (item == 0 && alive == 1) {
            float sum = 0f;
            for (int i = 0; i < WARPS; i += 4) sum += (lengths[i] + lengths[i + 1]) + (lengths[i + 2] + lengths[i + 3]);
            arena.set(Place.start(squares, row) + head * parts + from / COLUMNS, sum);
        }
    }
}
