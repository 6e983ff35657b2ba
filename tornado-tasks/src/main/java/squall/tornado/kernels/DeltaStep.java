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
 * {@link DeltaInputs}, {@link DeltaRule} and {@link GatedNorm}. A group has a value head of a row: it asks for the head's S first,
 * and works out q, k and v while that is on its way.
 */
public final class DeltaStep {
    /** Work-items of a group: 32 times {@value #LANES} lanes share a column of S, {@value #COLUMNS} columns one after the other. */
    private static final int GROUP = 512;
    private static final int LANES = 16;
    private static final int COLUMNS = 4;
    /** Values of a column that a lane keeps. */
    private static final int VALUES = 8;
    /** The most elements of a head's keys and values. */
    private static final int MOST = LANES * VALUES;
    private static final int WARP_SHIFT = 5;

    private DeltaStep() {}

    /** The weights of a layer, all in one array. conv: [channels, taps]; decay, dt: [valueHeads]; norm: [dv]. */
    public record Weights(Small conv, Small decay, Small dt, Small norm) {
        private boolean together() {
            return conv.array() == decay.array() && conv.array() == dt.array() && conv.array() == norm.array();
        }
    }

    /** Whether rows of this recording are alone in their segments and the device exchanges values inside of warps. */
    public static boolean serves(Frame f, DeltaShape shape, Weights w) {
        return f.traits().shape() == Traits.Shape.WARPS && f.maxRows() == 1 && shape.dk() <= MOST && shape.dv() <= MOST && w.together();
    }

    /**
     * @param y    [rows, valueHeads * dv]
     * @param u    [rows, channels], the projection
     * @param b, a [rows, valueHeads], of which beta and the decay are made
     * @param z    [rows, valueHeads * dv], the output's gate
     */
    public static void record(Tape tape, Region y, Region u, Region b, Region a, Region z, Weights w, int taps, Slab window, Slab s,
                              DeltaShape shape, float eps) {
        Frame f = tape.frame();
        tape.add("deltaStep", Grid.perRow(shape.valueHeads(), GROUP), (g, id) -> g.task(id, DeltaStep::kDeltaStep, f.context(), f.arena(),
                f.step(), f.layer(), window.array(), s.array(), w.conv.array(), Place.of(y), Place.of(u), Place.of(b), Place.of(a),
                Place.of(z), Pair.of(w.conv.at(), w.norm.at()), Pair.of(w.decay.at(), w.dt.at()), Pair.of(w.conv.layerStride(), taps),
                Pair.of(window.layerStride(), window.slotStride()), Pair.of(s.layerStride(), s.slotStride()),
                Pair.of(Pair.small(shape.keyHeads(), shape.valueHeads()), Pair.small(shape.dk(), shape.dv() << 1 | DeltaRule.tiled(shape))),
                f.rowsAt(), eps));
    }

    /**
     * With the old S, {@code m = e^g S^T k} and {@code o = e^g S^T q + (k q) d}: the sums over the columns that both need meet in
     * local memory once. q and k are made unit vectors on the way into the registers.
     *
     * @param convNorm, decayDt where a layer's weights start
     * @param weightsTaps       elements from layer to layer, taps
     * @param window, memory    elements from layer to layer and from slot to slot
     * @param shape             key and value heads; dk, dv and one bit for tiled heads
     */
    static void kDeltaStep(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray windows, FloatArray memories,
                           FloatArray weights, long y, long u, long b, long a, long z, long convNorm, long decayDt, long weightsTaps,
                           long window, long memory, long shape, int rowsAt, float eps) {
        float[] inputs = context.allocateFloatLocalArray(3 * MOST);
        float[] sums = context.allocateFloatLocalArray(2 * MOST);
        float[] squares = context.allocateFloatLocalArray(GROUP >> WARP_SHIFT);
        float[] state = new float[COLUMNS * VALUES];
        float[] key = new float[VALUES];
        float[] query = new float[VALUES];
        float[] past = new float[CausalConv.TILE + 1];
        float[] taken = new float[CausalConv.TILE + 1];
        int keyHeads = Pair.smallFirst(Pair.first(shape)), valueHeads = Pair.smallSecond(Pair.first(shape));
        int dk = Pair.smallFirst(Pair.second(shape)), dv = Pair.smallSecond(Pair.second(shape)) >> 1, tiled = Pair.second(shape) & 1;
        int taps = Pair.second(weightsTaps), channels = 2 * keyHeads * dk + valueHeads * dv;
        int row = context.groupIdx / valueHeads, head = context.groupIdx % valueHeads;
        int alive = row < step.get(StepArray.ROWS) ? 1 : 0;
        int record = rowsAt + StepArray.RECORD * row * alive;
        int position = step.get(record + StepArray.POSITION), slot = step.get(record + StepArray.SLOT), index = layer.get(0);
        int item = context.localIdx, lane = item & (LANES - 1), first = (item >> 4 & 31) * COLUMNS;

        int sharing = valueHeads / keyHeads;
        int keyHead = tiled == 1 ? head % keyHeads : head / sharing;
        int owner = tiled == 1 ? (head < keyHeads ? 1 : 0) : (head % sharing == 0 ? 1 : 0);
        int part = TornadoMath.min(item / MOST, 2), element = item % MOST, w = index * Pair.first(weightsTaps);
        int width = part < 2 ? dk : dv, within = element < width ? element : 0;
        int channel = part < 2 ? (part * keyHeads + keyHead) * dk + within : 2 * keyHeads * dk + head * dv + within;
        int ring = index * Pair.first(window) + slot * Pair.second(window) + channel;
        // what little is needed first is asked for first, and everything before anything is stored: a load waits for earlier stores
        float newest = arena.get(Place.start(u, row * alive) + channel);
        for (int i = 0; i < taps; i++) {
            taken[i] = weights.get(w + Pair.first(convNorm) + channel * taps + i);
            past[i] = newest;
            if (i < taps - 1 && position - taps + 1 + i >= 0) past[i] = windows.get(ring + CausalConv.place(position - taps + 1 + i, taps) * channels);
        }
        float b0 = arena.get(Place.start(b, row * alive) + head), a0 = arena.get(Place.start(a, row * alive) + head);
        float fade = weights.get(w + Pair.first(decayDt) + head), shift = weights.get(w + Pair.second(decayDt) + head);
        int output = item < dv ? item : 0;
        float gate = arena.get(Place.start(z, row * alive) + head * dv + output), norm = weights.get(w + Pair.second(convNorm) + output);

        int written = alive * dv, stored = position > 0 ? written : 0;
        int at = index * Pair.first(memory) + slot * Pair.second(memory) + (head * dv + first) * dk + lane;
        for (int c = 0; c < COLUMNS; c++)
            for (int i = 0; i < VALUES; i++)
                state[c * VALUES + i] = first + c < stored && lane + LANES * i < dk ? memories.get(at + c * dk + LANES * i) : 0f;
        float value = 0f;
        for (int i = 0; i < taps; i++) value += position - taps + 1 + i >= 0 ? taken[i] * past[i] : 0f;
        if (item < 3 * MOST) inputs[item] = element < width ? Activation.silu(value) : 0f;
        float beta = Activation.sigmoid(b0);
        float decay = TornadoMath.exp(fade * Activation.softplus(a0 + shift));
        context.localBarrier();
        // what is written now has been read by all
        context.globalBarrier();
        int kept = (part >> 1 | owner) * alive;
        if (kept != 0 && element < width && item < 3 * MOST) windows.set(ring + CausalConv.place(position, taps) * channels, newest);

        float keys = 0f, queries = 0f, both = 0f;
        for (int i = 0; i < VALUES; i++) {
            int j = lane + LANES * i;
            query[i] = j < alive * dk ? inputs[j] : 0f;
            key[i] = j < alive * dk ? inputs[MOST + j] : 0f;
            queries += query[i] * query[i];
            keys += key[i] * key[i];
            both += query[i] * key[i];
        }
        // the two halves of a warp have the same
        float unitQuery = 1f / TornadoMath.sqrt((0.5f * context.simdSum(queries) + DeltaGates.EPSILON) * dk);
        float unitKey = 1f / TornadoMath.sqrt(0.5f * context.simdSum(keys) + DeltaGates.EPSILON);
        both = 0.5f * context.simdSum(both) * unitQuery * unitKey;
        for (int c = 0; c < COLUMNS; c++) {
            float predicted = 0f, read = 0f;
            for (int i = 0; i < VALUES; i++) {
                predicted += key[i] * state[c * VALUES + i];
                read += query[i] * state[c * VALUES + i];
            }
            for (int half = LANES >> 1; half > 0; half >>= 1) {
                predicted += context.simdShuffleDown(predicted, half);
                read += context.simdShuffleDown(read, half);
            }
            if (lane == 0) {
                sums[first + c] = predicted * unitKey * decay;
                sums[MOST + first + c] = read * unitQuery * decay;
            }
        }
        context.localBarrier();

        for (int c = 0; c < COLUMNS; c++) {
            float v = first + c < written ? inputs[2 * MOST + first + c] : 0f;
            float d = beta * (v - sums[first + c]) * unitKey;
            for (int i = 0; i < VALUES; i++)
                if (first + c < written && lane + LANES * i < dk) memories.set(at + c * dk + LANES * i, decay * state[c * VALUES + i] + d * key[i]);
        }
        float out = 0f;
        if (item < written) out = sums[MOST + item] + both * beta * (inputs[2 * MOST + item] - sums[item]);
        float square = context.simdSum(out * out);
        if ((item & 31) == 0) squares[item >> WARP_SHIFT] = square;
        context.localBarrier();
        float all = squares[0] + squares[1] + squares[2] + squares[3];
        float scale = 1f / TornadoMath.sqrt(all / dv + eps);
        if (item < written) arena.set(Place.start(y, row) + head * dv + item, norm * out * scale * Activation.silu(gate));
    }
}
