package squall.tornado.kernels;

import squall.ops.DeltaShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.Slab;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The gated delta rule over the rows of each segment in order, for each value head, from the slot's S, which is zero at
 * position 0: {@code S = e^g S; d = beta (v - S^T k); S = S + k d^T; y = S^T q}. S is kept [valueHeads, dv, dk], so that a
 * column of dv is a row of memory and needs no other.
 */
public final class DeltaRule {
    private DeltaRule() {}

    /**
     * Row after row.
     *
     * @param y       [rows, valueHeads * dv]
     * @param qkv     [rows, channels], q and k normalised
     * @param beta, g [rows, valueHeads]; g is the logarithm of the decay
     */
    public static void record(Tape tape, Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape) {
        Frame f = tape.frame();
        int group = f.traits().group();
        int columns = shape.valueHeads() * shape.dv();
        Grid grid = new Grid((rows, segments) -> (segments * columns + group - 1) / group, group);
        tape.add("deltaRule", grid, (graph, id) -> graph.task(id, DeltaRule::kDeltaRuleColumns, f.context(), f.arena(), f.step(), f.layer(),
                s.array(), y.at(), y.stride(), qkv.at(), qkv.stride(), beta.at(), beta.stride(), g.at(), g.stride(), shape.keyHeads(),
                shape.valueHeads(), shape.dk(), shape.dv(), tiled(shape), s.layerStride(), s.slotStride()));
    }

    /** The order of heads as an argument of a task. */
    private static int tiled(DeltaShape shape) {
        return shape.order() == DeltaShape.HeadOrder.TILED ? 1 : 0;
    }

    /** A work-item for each segment and column of S: {@code globalIdx = (segment * valueHeads + head) * dv + column}. */
    static void kDeltaRuleColumns(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray s, int yAt, int yStride,
                                  int qkvAt, int qkvStride, int betaAt, int betaStride, int gAt, int gStride, int keyHeads, int valueHeads,
                                  int dk, int dv, int tiled, int layerStride, int slotStride) {
        int column = context.globalIdx % (valueHeads * dv);
        int segment = context.globalIdx / (valueHeads * dv);
        if (segment >= step.get(StepArray.SEGMENTS)) return;
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        int end = step.get(record + StepArray.SEGMENT_END);
        int start = step.get(record + StepArray.SEGMENT_START);
        int at = layer.get(0) * layerStride + step.get(record + StepArray.SEGMENT_SLOT) * slotStride + column * dk;
        int fresh = start == 0 ? dk : 0;
        for (int i = 0; i < fresh; i++) s.set(at + i, 0f);
        int head = column / dv;
        int keyHead = tiled == 1 ? head % keyHeads : head / (valueHeads / keyHeads);
        for (int row = step.get(record + StepArray.SEGMENT_BEGIN); row < end; row++) {
            int q = qkvAt + row * qkvStride + keyHead * dk;
            int k = q + keyHeads * dk;
            float decay = TornadoMath.exp(arena.get(gAt + row * gStride + head));
            float predicted = 0f;
            for (int i = 0; i < dk; i++) predicted += arena.get(k + i) * s.get(at + i);
            float v = arena.get(qkvAt + row * qkvStride + 2 * keyHeads * dk + column);
            float d = arena.get(betaAt + row * betaStride + head) * (v - decay * predicted);
            float out = 0f;
            for (int i = 0; i < dk; i++) {
                float value = decay * s.get(at + i) + d * arena.get(k + i);
                s.set(at + i, value);
                out += value * arena.get(q + i);
            }
            arena.set(yAt + row * yStride + column, out);
        }
    }
}
