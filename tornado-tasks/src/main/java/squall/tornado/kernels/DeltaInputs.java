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
 * Everything between the projection of a Gated DeltaNet layer and its delta rule in one task: {@link CausalConv}, then
 * {@link DeltaGates#prepare}. A head of q or k is convolved by the group that then makes it a unit vector.
 */
public final class DeltaInputs {
    /** Most work-items of a group. */
    private static final int MOST_ITEMS = 128;
    /** Rows that a warp takes where a group has {@value #TALL}, and the most values of a unit that a lane has of a row. */
    private static final int RUN = 8;
    private static final int VALUES = 4;
    private static final int WARP = 32;
    private static final int TALL_SHIFT = 5;
    private static final int TALL = 1 << TALL_SHIFT;
    /** Rows of a recording for prompts, whose segments are long. */
    private static final int FEWEST_ROWS = 65;

    private DeltaInputs() {}

    /**
     * @param y       [rows, channels] as the shape says; not u
     * @param u       [rows, channels], the projection
     * @param weights [channels, taps]
     * @param b, a    [rows, valueHeads], in place: b becomes beta, a becomes g
     * @throws IllegalArgumentException for more than {@link CausalConv#TILE} + 1 taps
     */
    public static void record(Tape tape, Region y, Region u, Small weights, int taps, Slab window, Region b, Region a, Small decay, Small dt,
                              DeltaShape shape) {
        if (taps - 1 > CausalConv.TILE) throw new IllegalArgumentException("a convolution of " + taps + " taps; at most " + (CausalConv.TILE + 1) + " work");
        Frame f = tape.frame();
        int units = units(shape.channels(), shape.dk());
        if (f.traits().shape() == Traits.Shape.WARPS && f.maxRows() >= FEWEST_ROWS && shape.dk() <= WARP * VALUES) {
            Grid tall = new Grid((rows, segments) -> (rows / TALL + segments) * units, MOST_ITEMS);
            tape.add("deltaInputs", tall, (g, id) -> g.task(id, DeltaInputs::kDeltaInputsWarps, f.context(), f.arena(), f.step(), f.layer(),
                    window.array(), weights.array(), decay.array(), dt.array(), Pair.of(y.at(), y.stride()), Pair.of(u.at(), u.stride()),
                    Pair.of(b.at(), b.stride()), Pair.of(a.at(), a.stride()), Pair.of(window.layerStride(), window.slotStride()),
                    Pair.of(weights.layerStride(), weights.at()), Pair.of(decay.layerStride(), decay.at()), Pair.of(dt.layerStride(), dt.at()),
                    Pair.of(shape.keyHeads(), shape.dk()), shape.channels(), shape.valueHeads(), taps));
            return;
        }
        Grid grid = new Grid((rows, segments) -> (rows / CausalConv.TILE + segments) * units, Math.min(MOST_ITEMS, f.traits().group()));
        tape.add("deltaInputs", grid, (g, id) -> g.task(id, DeltaInputs::kDeltaInputs, f.context(), f.arena(), f.step(), f.layer(),
                window.array(), weights.array(), decay.array(), dt.array(), Pair.of(y.at(), y.stride()), Pair.of(u.at(), u.stride()),
                Pair.of(b.at(), b.stride()), Pair.of(a.at(), a.stride()), Pair.of(window.layerStride(), window.slotStride()),
                Pair.of(weights.layerStride(), weights.at()), Pair.of(decay.layerStride(), decay.at()), Pair.of(dt.layerStride(), dt.at()),
                Pair.of(shape.keyHeads(), shape.dk()), shape.channels(), shape.valueHeads(), taps));
    }

    /** Groups that share a row's channels, dk to each, and one for its gates. */
    private static int units(int channels, int dk) {
        return (channels + dk - 1) / dk + 1;
    }

    /**
     * A group for each tile of a segment's rows and unit of {@code dk} channels: {@code groupIdx = tile * units + unit}. The
     * first units are the heads of q and k, the last is the gates.
     *
     * @param y, u, b, a        where a region starts, and its stride
     * @param window            strides of layers and slots
     * @param weights, decay, dt layer stride and place
     * @param heads             key heads, dk
     */
    static void kDeltaInputs(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray windows, FloatArray allWeights,
                             FloatArray decays, FloatArray dts, long y, long u, long b, long a, long window, long weights, long decay,
                             long dt, long heads, int channels, int valueHeads, int taps) {
        float[] sums = context.allocateFloatLocalArray(MOST_ITEMS);
        int group = context.localGroupSizeX;
        int lane = context.localIdx;
        int dk = Pair.second(heads);
        int units = units(channels, dk);
        int unit = context.groupIdx % units;
        int tile = context.groupIdx / units;
        int segments = step.get(StepArray.SEGMENTS);
        // as many segments as rows: a tile is a segment, no need to count through those before it
        int segment = step.get(StepArray.ROWS) == segments ? TornadoMath.min(tile, segments) : 0;
        tile -= segment;
        while (segment < segments && tile >= CausalConv.tiles(step, segment)) {
            tile -= CausalConv.tiles(step, segment);
            segment++;
        }
        int alive = segment < segments ? 1 : 0;
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN);
        int end = step.get(record + StepArray.SEGMENT_END);
        int start = step.get(record + StepArray.SEGMENT_START);
        int from = begin + tile * CausalConv.TILE;
        int to = alive == 1 ? TornadoMath.min(from + CausalConv.TILE, end) : from;
        int until = alive * TornadoMath.min((unit + 1) * dk, channels);
        int ring = layer.get(0) * Pair.first(window) + step.get(record + StepArray.SEGMENT_SLOT) * Pair.second(window);
        int w = layer.get(0) * Pair.first(weights) + Pair.second(weights);
        int halves = unit < 2 * Pair.first(heads) ? group >> 1 : 0;
        for (int row = from; row < to; row++) {
            float sum = 0f;
            for (int channel = unit * dk + lane; channel < until; channel += group) {
                float value = 0f;
                for (int i = 0; i < taps; i++) {
                    int source = row - taps + 1 + i;
                    value += allWeights.get(w + channel * taps + i) * CausalConv.input(arena, Pair.first(u) + channel + source * Pair.second(u), windows,
                            ring + channel + CausalConv.place(start + source - begin, taps) * channels, source - begin, start);
                }
                float activated = Activation.silu(value);
                arena.set(Pair.first(y) + row * Pair.second(y) + channel, activated);
                sum += activated * activated;
            }
            sums[lane] = sum;
            context.localBarrier();
            for (int half = halves; half > 0; half >>= 1) {
                if (lane < half) sums[lane] += sums[lane + half];
                context.localBarrier();
            }
            float scale = 1f / TornadoMath.sqrt((sums[0] + DeltaGates.EPSILON) * (unit < Pair.first(heads) ? dk : 1));
            int scaled = unit < 2 * Pair.first(heads) ? until : 0;
            for (int channel = unit * dk + lane; channel < scaled; channel += group) {
                int at = Pair.first(y) + row * Pair.second(y) + channel;
                arena.set(at, arena.get(at) * scale);
            }
            context.localBarrier();
        }
        int kept = tile == 0 ? TornadoMath.max(begin, end - taps + 1) : end;
        int last = alive == 1 ? end : kept;
        for (int row = kept; row < last; row++)
            for (int channel = unit * dk + lane; channel < until; channel += group)
                windows.set(ring + channel + CausalConv.place(start + row - begin, taps) * channels, arena.get(Pair.first(u) + channel + row * Pair.second(u)));
        int gated = unit == units - 1 ? (to - from) * valueHeads : 0;
        for (int e = lane; e < gated; e += group) {
            int head = e % valueHeads;
            int bAt = Pair.first(b) + (from + e / valueHeads) * Pair.second(b) + head;
            int aAt = Pair.first(a) + (from + e / valueHeads) * Pair.second(a) + head;
            float shifted = arena.get(aAt) + dts.get(layer.get(0) * Pair.first(dt) + Pair.second(dt) + head);
            arena.set(bAt, Activation.sigmoid(arena.get(bAt)));
            arena.set(aAt, decays.get(layer.get(0) * Pair.first(decay) + Pair.second(decay) + head) * Activation.softplus(shifted));
        }
    }

    /**
     * The same for prompts: a warp has {@value #RUN} rows of a unit and asks for all of them, and for those before them, at once;
     * the squares of a head meet in the warp.
     */
    static void kDeltaInputsWarps(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray windows, FloatArray allWeights,
                                  FloatArray decays, FloatArray dts, long y, long u, long b, long a, long window, long weights, long decay,
                                  long dt, long heads, int channels, int valueHeads, int taps) {
        float[] inputs = new float[(RUN + CausalConv.TILE) * VALUES];
        float[] kernel = new float[(CausalConv.TILE + 1) * VALUES];
        float[] outputs = new float[VALUES];
        int lane = context.localIdx % WARP, warp = context.localIdx / WARP;
        int dk = Pair.second(heads), units = units(channels, dk);
        int unit = context.groupIdx % units, tile = context.groupIdx / units;
        int segments = step.get(StepArray.SEGMENTS), segment = 0;
        while (segment < segments && tile >= tall(step, segment)) {
            tile -= tall(step, segment);
            segment++;
        }
        int alive = segment < segments ? 1 : 0;
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN), start = step.get(record + StepArray.SEGMENT_START);
        int end = alive == 1 ? step.get(record + StepArray.SEGMENT_END) : begin;
        int from = begin + tile * TALL, first = from + warp * RUN;
        int to = TornadoMath.min(first + RUN, end), until = unit < units - 1 ? alive * TornadoMath.min((unit + 1) * dk, channels) : 0;
        int ring = layer.get(0) * Pair.first(window) + step.get(record + StepArray.SEGMENT_SLOT) * Pair.second(window);
        int w = layer.get(0) * Pair.first(weights) + Pair.second(weights), channel = TornadoMath.min(unit, units - 2) * dk + lane;
        for (int v = 0; v < VALUES; v++) {
            int c = dk == WARP * VALUES && channels % dk == 0 ? channel + WARP * v : TornadoMath.min(channel + WARP * v, channels - 1);
            for (int i = 0; i < taps; i++) kernel[v * taps + i] = allWeights.get(w + c * taps + i);
            for (int j = 0; j < RUN + taps - 1; j++) {
                int row = TornadoMath.max(TornadoMath.min(TornadoMath.max(first + j - taps + 1, begin), end - 1), 0);
                inputs[j * VALUES + v] = arena.get(Pair.first(u) + row * Pair.second(u) + c);
            }
            for (int j = 0; j < taps - 1; j++) {
                int age = first + j - taps + 1 - begin;
                if (age < 0 && channel + WARP * v < until)
                    inputs[j * VALUES + v] = CausalConv.input(arena, 0, windows, ring + c + CausalConv.place(start + age, taps) * channels, age, start);
            }
        }
        for (int j = 0; j < RUN; j++) {
            float sum = 0f;
            for (int v = 0; v < VALUES; v++) {
                float value = 0f;
                for (int i = 0; i < taps; i++) value += kernel[v * taps + i] * inputs[(j + i) * VALUES + v];
                outputs[v] = channel + WARP * v < until ? Activation.quickSilu(value) : 0f;
                sum += outputs[v] * outputs[v];
            }
            float unitLength = 1f / TornadoMath.sqrt((context.simdSum(sum) + DeltaGates.EPSILON) * (unit < Pair.first(heads) ? dk : 1));
            float scale = unit < 2 * Pair.first(heads) ? unitLength : 1f;
            for (int v = 0; v < VALUES; v++)
                if (first + j < to && channel + WARP * v < until)
                    arena.set(Pair.first(y) + (first + j) * Pair.second(y) + channel + WARP * v, outputs[v] * scale);
        }
        context.globalBarrier();
        // the first tile alone has seen the window
        int kept = tile == 0 ? TornadoMath.max(begin, end - taps + 1) : end;
        for (int row = kept + warp; row < end; row += MOST_ITEMS / WARP)
            for (int c = channel; c < until; c += WARP)
                windows.set(ring + c + CausalConv.place(start + row - begin, taps) * channels, arena.get(Pair.first(u) + c + row * Pair.second(u)));
        int gated = unit == units - 1 ? alive * (TornadoMath.min(from + TALL, end) - from) * valueHeads : 0;
        for (int e = context.localIdx; e < gated; e += MOST_ITEMS) {
            int head = e % valueHeads;
            int bAt = Pair.first(b) + (from + e / valueHeads) * Pair.second(b) + head, aAt = Pair.first(a) + (from + e / valueHeads) * Pair.second(a) + head;
            float shifted = arena.get(aAt) + dts.get(layer.get(0) * Pair.first(dt) + Pair.second(dt) + head);
            arena.set(bAt, Activation.sigmoid(arena.get(bAt)));
            arena.set(aAt, decays.get(layer.get(0) * Pair.first(decay) + Pair.second(decay) + head) * Activation.softplus(shifted));
        }
    }

    /** Tiles of {@value #TALL} rows of a segment. */
    private static int tall(IntArray step, int segment) {
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        return (step.get(record + StepArray.SEGMENT_END) - step.get(record + StepArray.SEGMENT_BEGIN) + TALL - 1) >> TALL_SHIFT;
    }
}
