package squall.tornado.kernels;

import squall.ops.DeltaShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.Slab;
import squall.tornado.Small;
import squall.tornado.StepArray;
import squall.tornado.Tape;
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
        Grid grid = new Grid((rows, segments) -> (rows / CausalConv.TILE + segments) * units, Math.min(MOST_ITEMS, f.traits().group()));
        tape.add("deltaInputs", grid, (g, id) -> g.task(id, DeltaInputs::kDeltaInputs, f.context(), f.arena(), f.step(), f.layer(),
                window.array(), weights.array(), decay.array(), dt.array(), pair(y.at(), y.stride()), pair(u.at(), u.stride()),
                pair(b.at(), b.stride()), pair(a.at(), a.stride()), pair(window.layerStride(), window.slotStride()),
                pair(weights.layerStride(), weights.at()), pair(decay.layerStride(), decay.at()), pair(dt.layerStride(), dt.at()),
                pair(shape.keyHeads(), shape.dk()), shape.channels(), shape.valueHeads(), taps));
    }

    /** Groups that share a row's channels, dk to each, and one for its gates. */
    private static int units(int channels, int dk) {
        return (channels + dk - 1) / dk + 1;
    }

    /** Two ints in one argument: a task takes twenty. */
    private static long pair(int first, int second) {
        return (long) first << 32 | second;
    }

    private static int first(long pair) {
        return (int) (pair >> 32);
    }

    private static int second(long pair) {
        return (int) pair;
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
        int dk = second(heads);
        int units = units(channels, dk);
        int unit = context.groupIdx % units;
        int tile = context.groupIdx / units;
        int segments = step.get(StepArray.SEGMENTS);
        int segment = 0;
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
        int ring = layer.get(0) * first(window) + step.get(record + StepArray.SEGMENT_SLOT) * second(window);
        int w = layer.get(0) * first(weights) + second(weights);
        int halves = unit < 2 * first(heads) ? group >> 1 : 0;
        for (int row = from; row < to; row++) {
            float sum = 0f;
            for (int channel = unit * dk + lane; channel < until; channel += group) {
                float value = 0f;
                for (int i = 0; i < taps; i++) {
                    int source = row - taps + 1 + i;
                    value += allWeights.get(w + channel * taps + i) * CausalConv.input(arena, first(u) + channel + source * second(u), windows,
                            ring + channel + CausalConv.place(start + source - begin, taps) * channels, source - begin, start);
                }
                float activated = Activation.silu(value);
                arena.set(first(y) + row * second(y) + channel, activated);
                sum += activated * activated;
            }
            sums[lane] = sum;
            context.localBarrier();
            for (int half = halves; half > 0; half >>= 1) {
                if (lane < half) sums[lane] += sums[lane + half];
                context.localBarrier();
            }
            float scale = 1f / TornadoMath.sqrt((sums[0] + DeltaGates.EPSILON) * (unit < first(heads) ? dk : 1));
            int scaled = unit < 2 * first(heads) ? until : 0;
            for (int channel = unit * dk + lane; channel < scaled; channel += group) {
                int at = first(y) + row * second(y) + channel;
                arena.set(at, arena.get(at) * scale);
            }
            context.localBarrier();
        }
        int kept = tile == 0 ? TornadoMath.max(begin, end - taps + 1) : end;
        int last = alive == 1 ? end : kept;
        for (int row = kept; row < last; row++)
            for (int channel = unit * dk + lane; channel < until; channel += group)
                windows.set(ring + channel + CausalConv.place(start + row - begin, taps) * channels, arena.get(first(u) + channel + row * second(u)));
        int gated = unit == units - 1 ? (to - from) * valueHeads : 0;
        for (int e = lane; e < gated; e += group) {
            int head = e % valueHeads;
            int bAt = first(b) + (from + e / valueHeads) * second(b) + head;
            int aAt = first(a) + (from + e / valueHeads) * second(a) + head;
            float shifted = arena.get(aAt) + dts.get(layer.get(0) * first(dt) + second(dt) + head);
            arena.set(bAt, Activation.sigmoid(arena.get(bAt)));
            arena.set(aAt, decays.get(layer.get(0) * first(decay) + second(decay) + head) * Activation.softplus(shifted));
        }
    }
}
