package squall.tornado.kernels;

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
 * Depthwise causal convolution, then SiLU: {@code y_t[c] = silu(sum_i w[c, i] u_{t - taps + 1 + i}[c])}. Inputs before
 * the step come from the window [taps, channels] of the slot, a ring: that of position p is in row p % taps. It has one row more
 * than a step reads, so that the input of a single row may be kept while others still read. Before position 0 inputs are 0.
 */
public final class CausalConv {
    /** log2 of the rows of a segment that one work-item takes. */
    static final int TILE_SHIFT = 4;
    /** Rows of a tile: only the first tile of a segment sees the window, so that it alone may write it. */
    static final int TILE = 1 << TILE_SHIFT;

    /** Work-items of a group; they share nothing. */
    private static final int ITEMS = 64;

    private CausalConv() {}

    /**
     * @param y       [rows, channels]; not u
     * @param u       [rows, channels]
     * @param weights [channels, taps]
     * @throws IllegalArgumentException for more than {@value #TILE} + 1 taps
     */
    public static void record(Tape tape, Region y, Region u, Small weights, int taps, Slab window) {
        if (taps - 1 > TILE) throw new IllegalArgumentException("a convolution of " + taps + " taps; at most " + (TILE + 1) + " work");
        Frame f = tape.frame();
        int across = (y.width() + ITEMS - 1) / ITEMS;
        Grid grid = new Grid((rows, segments) -> (rows / TILE + segments) * across, ITEMS);
        tape.add("causalConv", grid, (g, id) -> g.task(id, CausalConv::kCausalConv, f.context(), f.arena(), f.step(), f.layer(),
                window.array(), weights.array(), y.at(), y.stride(), u.at(), u.stride(), y.width(), across * ITEMS, taps,
                weights.layerStride(), weights.at(), window.layerStride(), window.slotStride()));
    }

    /**
     * A work-item for each channel and tile of a segment: {@code globalIdx = tile * span + channel}, where tiles are counted
     * through all segments.
     *
     * @param span channels, rounded up to whole groups
     */
    static void kCausalConv(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray window, FloatArray weights,
                            int yAt, int yStride, int uAt, int uStride, int channels, int span, int taps,
                            int weightsLayerStride, int weightsAt, int windowLayerStride, int slotStride) {
        int channel = context.globalIdx % span;
        int tile = context.globalIdx / span;
        int segments = step.get(StepArray.SEGMENTS);
        int segment = 0;
        while (segment < segments && tile >= tiles(step, segment)) {
            tile -= tiles(step, segment);
            segment++;
        }
        if (segment >= segments || channel >= channels) return;
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN);
        int end = step.get(record + StepArray.SEGMENT_END);
        int start = step.get(record + StepArray.SEGMENT_START);
        int ring = layer.get(0) * windowLayerStride + step.get(record + StepArray.SEGMENT_SLOT) * slotStride + channel;
        int w = layer.get(0) * weightsLayerStride + weightsAt + channel * taps;
        int from = begin + tile * TILE;
        int to = TornadoMath.min(from + TILE, end);
        for (int row = from; row < to; row++) {
            float sum = 0f;
            for (int i = 0; i < taps; i++) {
                int source = row - taps + 1 + i;
                sum += weights.get(w + i) * input(arena, uAt + channel + source * uStride, window,
                        ring + place(start + source - begin, taps) * channels, source - begin, start);
            }
            arena.set(yAt + row * yStride + channel, Activation.silu(sum));
        }
        int kept = tile == 0 ? TornadoMath.max(begin, end - taps + 1) : end;
        for (int row = kept; row < end; row++)
            window.set(ring + place(start + row - begin, taps) * channels, arena.get(uAt + channel + row * uStride));
    }

    /** Tiles of a segment. */
    static int tiles(IntArray step, int segment) {
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        return (step.get(record + StepArray.SEGMENT_END) - step.get(record + StepArray.SEGMENT_BEGIN) + TILE - 1) >> TILE_SHIFT;
    }

    /** The row of the ring that has the input of a position. */
    static int place(int position, int taps) {
        return TornadoMath.max(0, position) % taps;
    }

    /** The input {@code age} rows after the segment's begin, out of the arena or, before it, out of the window. */
    static float input(FloatArray arena, int at, FloatArray window, int windowAt, int age, int start) {
        float value = 0f;
        int before = (age < 0 ? 1 : 0) & (start + age >= 0 ? 1 : 0);
        if (age >= 0) value = arena.get(at);
        if (before == 1) value = window.get(windowAt);
        return value;
    }
}
