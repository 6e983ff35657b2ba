package squall.tornado.kernels;

import squall.ops.DeltaShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.LibraryScratch;
import squall.tornado.Region;
import squall.tornado.Slab;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.BFloat16;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * All of a Gated DeltaNet layer between its projections in one task, for several rows that are alone in their segments:
 * {@link DeltaInputs}, {@link DeltaRule} and {@link GatedNorm}. What bounds it is S, which is read and written once: a group has a whole
 * value head of a row, and goes through its columns {@value #CHUNK} at a time; the head is then normed where it is.
 */
public final class DeltaSteps {
    private static final int WARP = 32;
    private static final int WARPS = 16;
    private static final int GROUP = WARPS * WARP;
    /** Columns of S that a warp has at a time, and a group. */
    private static final int EACH = 4;
    private static final int CHUNK = WARPS * EACH;
    /** Values of a column that a lane keeps. */
    private static final int VALUES = 4;
    /** The most elements of a head's keys and values. */
    private static final int MOST = WARP * VALUES;
    /** Room for what a channel is made of. */
    private static final int INPUTS = CausalConv.TILE + 1;

    private DeltaSteps() {}

    /** Whether rows of this recording are alone in their segments and the device exchanges values inside of warps. */
    public static boolean serves(Frame f, DeltaShape shape, DeltaStep.Weights w) {
        return f.traits().shape() == Traits.Shape.WARPS && f.alone() && f.maxRows() > 1 && shape.dk() <= MOST && shape.dv() <= MOST && w.together();
    }

    /**
     * {@code y = norm * o / sqrt(mean(o^2) + eps) * silu(z)}, the mean over a head.
     *
     * @param y    [rows, valueHeads * dv], or null where it is to be the operand of the library's next product, in BF16
     * @param u    [rows, channels], the projection
     * @param b, a [rows, valueHeads], of which beta and the decay are made
     * @param z    [rows, valueHeads * dv], the output's gate
     */
    public static void record(Tape tape, Region y, Region u, Region b, Region a, Region z, DeltaStep.Weights w, int taps, Slab window, Slab s,
                              DeltaShape shape, float eps) {
        Frame f = tape.frame();
        int out = shape.valueHeads() * shape.dv();
        f.scratch().needBrains(y == null ? f.maxRows() : 1, out);
        tape.add("deltaSteps", Grid.perRow(shape.valueHeads(), GROUP), (g, id) -> g.task(id, DeltaSteps::kDeltaSteps, f.context(), f.arena(), f.step(),
                f.layer(), window.array(), s.array(), w.conv().array(), f.scratch().brains(), y == null ? Pair.of(-1, LibraryScratch.FIRST_HALF) : Place.of(y), Place.of(u),
                Place.of(b), Place.of(a), Place.of(z), Pair.of(w.conv().at(), w.norm().at()), Pair.of(w.decay().at(), w.dt().at()),
                Pair.of(w.conv().layerStride(), f.rowsAt()), Pair.of(window.layerStride(), window.slotStride()), Pair.of(s.layerStride(), s.slotStride()),
                Pair.of(Pair.small(shape.keyHeads(), shape.valueHeads()), Pair.small(shape.dk(), (taps << 8 | shape.dv()) << 1 | DeltaRule.tiled(shape))), eps));
    }

    /**
     * With the old S, {@code m = e^g S^T k} and {@code o = e^g S^T q + (k q) d}: both sums over a column are over the lanes of one warp.
     * q and k are made unit vectors by factors of these sums.
     *
     * @param rows              operands in BF16
     * @param y                 where y starts and its stride, or a stride below 0 for operands
     * @param convNorm, decayDt where a layer's weights start
     * @param weightsRows       elements from layer to layer; where rows start in step
     * @param window, memory    elements from layer to layer and from slot to slot
     * @param shape             key and value heads; dk, taps, dv and one bit for tiled heads
     */
    static void kDeltaSteps(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray windows, FloatArray memories,
                            FloatArray weights, ShortArray rows, long y, long u, long b, long a, long z, long convNorm, long decayDt,
                            long weightsRows, long window, long memory, long shape, float eps) {
        float[] inputs = context.allocateFloatLocalArray(3 * MOST);
        float[] outputs = context.allocateFloatLocalArray(MOST);
        float[] squares = context.allocateFloatLocalArray(WARP);
        float[] gates = context.allocateFloatLocalArray(2);
        float[] state = new float[EACH * VALUES];
        float[] predicted = new float[EACH];
        float[] read = new float[EACH];
        float[] key = new float[VALUES];
        float[] query = new float[VALUES];
        float[] past = new float[INPUTS];
        float[] taken = new float[INPUTS];
        int keyHeads = Pair.smallFirst(Pair.first(shape)), valueHeads = Pair.smallSecond(Pair.first(shape)), sizes = Pair.second(shape);
        int dk = Pair.smallFirst(sizes), dv = sizes >> 1 & 255, taps = Pair.smallSecond(sizes) >> 9, tiled = sizes & 1;
        int channels = 2 * keyHeads * dk + valueHeads * dv, row = context.groupIdx / valueHeads, head = context.groupIdx % valueHeads;
        int record = Pair.second(weightsRows) + StepArray.RECORD * row, alive = row < step.get(StepArray.ROWS) ? 1 : 0;
        int position = step.get(record + StepArray.POSITION), slot = step.get(record + StepArray.SLOT), index = layer.get(0);
        int item = context.localIdx, lane = item & (WARP - 1), warp = item >> 5, sharing = valueHeads / keyHeads;
        int keyHead = tiled == 1 ? head % keyHeads : head / sharing, owner = tiled == 1 ? (head < keyHeads ? 1 : 0) : (head % sharing == 0 ? 1 : 0);
        int ring = index * Pair.first(window) + slot * Pair.second(window), w = index * Pair.first(weightsRows);
        int to = Pair.second(y) + (row * valueHeads + head) * dv + item;
        if (alive == 0 && item < dv && Pair.first(y) < 0) rows.set(to, BFloat16.bf16FromFloat(0f));
        // rows that are not alive cost a group little: there may be as many as others
        if (alive == 1) {
            // everything is asked for before anything is stored: a load waits for earlier stores
            int part = TornadoMath.min(item / MOST, 2), element = item - part * MOST, inside = element < (part < 2 ? dk : dv) ? 1 : 0;
            int within = inside * element, channel = part < 2 ? (part * keyHeads + keyHead) * dk + within : 2 * keyHeads * dk + head * dv + within;
            float newest = arena.get(Place.start(u, row) + channel);
            for (int i = 0; i < taps; i++) {
                taken[i] = weights.get(w + Pair.first(convNorm) + channel * taps + i);
                past[i] = newest;
                if (i < taps - 1 && position - taps + 1 + i >= 0) past[i] = windows.get(ring + channel + CausalConv.place(position - taps + 1 + i, taps) * channels);
            }
            int output = TornadoMath.min(item, dv - 1), stored = position > 0 ? dv : 0;
            float gate = arena.get(Place.start(z, row) + head * dv + output), norm = weights.get(w + Pair.second(convNorm) + output);
            int at = index * Pair.first(memory) + slot * Pair.second(memory) + head * dv * dk + lane;
            for (int c = 0; c < EACH; c++)
                for (int i = 0; i < VALUES; i++)
                    state[c * VALUES + i] = warp * EACH + c < stored && lane + WARP * i < dk ? memories.get(at + (warp * EACH + c) * dk + WARP * i) : 0f;
            // what needs no inputs is worked out while they are on their way, by a warp that has none
            if (warp == WARPS - 1) {
                float b0 = arena.get(Place.start(b, row) + head), a0 = arena.get(Place.start(a, row) + head);
                float fade = weights.get(w + Pair.first(decayDt) + head), shift = weights.get(w + Pair.second(decayDt) + head);
                float strength = Activation.quickSigmoid(b0), fading = TornadoMath.exp(fade * Activation.quickSoftplus(a0 + shift));
                if (lane < 2) gates[lane] = lane == 0 ? strength : fading;
            }
            float value = 0f;
            for (int i = 0; i < taps; i++) value += position - taps + 1 + i >= 0 ? taken[i] * past[i] : 0f;
            if (item < 3 * MOST) inputs[item] = inside == 1 ? Activation.quickSilu(value) : 0f;
            // no group reads there: the ring has a row more than a step reads
            if (((part >> 1 | owner) & inside) == 1) windows.set(ring + channel + CausalConv.place(position, taps) * channels, newest);
            context.localBarrier();
            float beta = gates[0], decay = gates[1], keys = 0f, queries = 0f, both = 0f, square = 0f;
            for (int i = 0; i < VALUES; i++) {
                query[i] = inputs[lane + WARP * i];
                key[i] = inputs[MOST + lane + WARP * i];
                queries += query[i] * query[i];
                keys += key[i] * key[i];
                both += query[i] * key[i];
            }
            float unitQuery = 1f / TornadoMath.sqrt((context.simdSum(queries) + DeltaGates.EPSILON) * dk);
            float unitKey = 1f / TornadoMath.sqrt(context.simdSum(keys) + DeltaGates.EPSILON);
            both = context.simdSum(both) * unitQuery * unitKey;
            for (int first = warp * EACH; first < dv; first += CHUNK) {
                for (int c = 0; c < EACH; c++) {
                    predicted[c] = 0f;
                    read[c] = 0f;
                    for (int i = 0; i < VALUES; i++) {
                        predicted[c] += key[i] * state[c * VALUES + i];
                        read[c] += query[i] * state[c * VALUES + i];
                    }
                }
                for (int c = 0; c < EACH; c++) {
                    predicted[c] = context.simdSum(predicted[c]) * unitKey * decay;
                    read[c] = context.simdSum(read[c]) * unitQuery * decay;
                }
                float out = 0f;
                for (int c = 0; c < EACH; c++) {
                    float d = first + c < dv ? beta * (inputs[2 * MOST + first + c] - predicted[c]) : 0f;
                    float o = first + c < dv ? read[c] + both * d : 0f;
                    square += o * o;
                    out = lane == c ? o : out;
                    for (int i = 0; i < VALUES; i++) {
                        if (first + c < dv && lane + WARP * i < dk) memories.set(at + (first + c) * dk + WARP * i, decay * state[c * VALUES + i] + d * unitKey * key[i]);
                        state[c * VALUES + i] = first + CHUNK + c < stored && lane + WARP * i < dk ? memories.get(at + (first + CHUNK + c) * dk + WARP * i) : 0f;
                    }
                }
                if (lane < EACH && first + lane < dv) outputs[first + lane] = out;
            }
            if (lane == 0) squares[warp] = square;
            context.localBarrier();
            float sum = context.simdSum(lane < WARPS ? squares[lane] : 0f);
            float result = norm * outputs[output] * Activation.quickSilu(gate) / TornadoMath.sqrt(sum / dv + eps);
            if (item < dv && Pair.first(y) < 0) rows.set(to, BFloat16.bf16FromFloat(result));
            if (item < dv && Pair.first(y) >= 0) arena.set(Place.start(y, row) + head * dv + item, result);
        }
    }
}
