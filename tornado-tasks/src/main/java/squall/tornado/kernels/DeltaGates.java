package squall.tornado.kernels;

import squall.ops.DeltaShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.Small;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What the delta rule takes: gates out of two projections, and queries and keys of unit length. */
public final class DeltaGates {
    /** Under the root of a head's length, beside the sum of its squares. */
    static final float EPSILON = 1e-6f;

    /** Work-items of a group where they share nothing. */
    private static final int ITEMS = 64;

    private DeltaGates() {}

    /**
     * {@code b = sigmoid(b)} and {@code a = decay * softplus(a + dt)}, in place.
     *
     * @param b, a      [rows, valueHeads]
     * @param decay, dt [valueHeads]; decay is -exp(A_log)
     */
    public static void record(Tape tape, Region b, Region a, Small decay, Small dt) {
        Frame f = tape.frame();
        tape.add("deltaGates", Grid.itemsPerRow(b.width(), ITEMS), (g, id) -> g.task(id, DeltaGates::kDeltaGates,
                f.context(), f.arena(), f.step(), f.layer(), decay.array(), dt.array(), b.at(), b.stride(), a.at(), a.stride(), b.width(),
                decay.layerStride(), decay.at(), dt.layerStride(), dt.at()));
    }

    /** q and k heads of {@code qkv} to unit length, q also by 1 / sqrt(dk), in place; qkv: [rows, channels] as the shape says. */
    public static void normalise(Tape tape, Region qkv, DeltaShape shape) {
        Frame f = tape.frame();
        int group = f.traits().group();
        tape.add("deltaNormalise", Grid.perRow(2 * shape.keyHeads(), group), (g, id) -> g.task(id, DeltaGates::kDeltaNormalise,
                f.context(), f.arena(), f.step(), qkv.at(), qkv.stride(), shape.keyHeads(), shape.dk(), group));
    }

    /** Both in one task. */
    public static void prepare(Tape tape, Region b, Region a, Small decay, Small dt, Region qkv, DeltaShape shape) {
        Frame f = tape.frame();
        int group = f.traits().group();
        tape.add("deltaPrepare", Grid.perRow(2 * shape.keyHeads() + 1, group), (g, id) -> g.task(id, DeltaGates::kDeltaPrepare,
                f.context(), f.arena(), f.step(), f.layer(), decay.array(), dt.array(), b.at(), b.stride(), a.at(), a.stride(), b.width(),
                decay.layerStride(), decay.at(), dt.layerStride(), dt.at(), qkv.at(), qkv.stride(), shape.keyHeads(), shape.dk(), group));
    }

    /** A work-item for each row and head. */
    static void kDeltaGates(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray decay, FloatArray dt,
                            int bAt, int bStride, int aAt, int aStride, int heads,
                            int decayLayerStride, int decayAt, int dtLayerStride, int dtAt) {
        int row = context.globalIdx / heads;
        int head = context.globalIdx % heads;
        if (row >= step.get(StepArray.ROWS)) return;
        int b = bAt + row * bStride + head;
        int a = aAt + row * aStride + head;
        float shifted = arena.get(a) + dt.get(layer.get(0) * dtLayerStride + dtAt + head);
        arena.set(b, Activation.sigmoid(arena.get(b)));
        arena.set(a, decay.get(layer.get(0) * decayLayerStride + decayAt + head) * Activation.softplus(shifted));
    }

    /** A group for each row and head of q and k. */
    static void kDeltaNormalise(KernelContext context, FloatArray arena, IntArray step, int qkvAt, int qkvStride, int keyHeads, int dk, int group) {
        int row = context.groupIdx / (2 * keyHeads);
        int head = context.groupIdx % (2 * keyHeads);
        int lane = context.localIdx;
        float[] sums = context.allocateFloatLocalArray(group);
        int width = row < step.get(StepArray.ROWS) ? dk : 0;
        int x = qkvAt + row * qkvStride + head * dk;
        float sum = 0f;
        for (int i = lane; i < width; i += group) sum += arena.get(x + i) * arena.get(x + i);
        sums[lane] = sum;
        context.localBarrier();
        for (int half = group >> 1; half > 0; half >>= 1) {
            if (lane < half) sums[lane] += sums[lane + half];
            context.localBarrier();
        }
        float scale = 1f / TornadoMath.sqrt((sums[0] + EPSILON) * (head < keyHeads ? dk : 1));
        for (int i = lane; i < width; i += group) arena.set(x + i, arena.get(x + i) * scale);
    }

    /** A group for each row and head of q and k, and one more a row for its gates. */
    static void kDeltaPrepare(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray decay, FloatArray dt,
                              int bAt, int bStride, int aAt, int aStride, int heads, int decayLayerStride, int decayAt, int dtLayerStride,
                              int dtAt, int qkvAt, int qkvStride, int keyHeads, int dk, int group) {
        int row = context.groupIdx / (2 * keyHeads + 1);
        int unit = context.groupIdx % (2 * keyHeads + 1);
        int lane = context.localIdx;
        float[] sums = context.allocateFloatLocalArray(group);
        int alive = row < step.get(StepArray.ROWS) ? 1 : 0;
        int width = unit < 2 * keyHeads ? alive * dk : 0;
        int x = qkvAt + row * qkvStride + unit * dk;
        float sum = 0f;
        for (int i = lane; i < width; i += group) sum += arena.get(x + i) * arena.get(x + i);
        sums[lane] = sum;
        context.localBarrier();
        for (int half = group >> 1; half > 0; half >>= 1) {
            if (lane < half) sums[lane] += sums[lane + half];
            context.localBarrier();
        }
        float scale = 1f / TornadoMath.sqrt((sums[0] + EPSILON) * (unit < keyHeads ? dk : 1));
        for (int i = lane; i < width; i += group) arena.set(x + i, arena.get(x + i) * scale);
        int gated = unit < 2 * keyHeads ? 0 : alive * heads;
        for (int head = lane; head < gated; head += group) {
            int b = bAt + row * bStride + head;
            int a = aAt + row * aStride + head;
            float shifted = arena.get(a) + dt.get(layer.get(0) * dtLayerStride + dtAt + head);
            arena.set(b, Activation.sigmoid(arena.get(b)));
            arena.set(a, decay.get(layer.get(0) * decayLayerStride + decayAt + head) * Activation.softplus(shifted));
        }
    }
}
