package squall.tornado.kernels;

import squall.ops.DeltaShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.Slab;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Float8;

/**
 * The gated delta rule over the rows of each segment in order, for each value head, from the slot's S, which is zero at
 * position 0: {@code S = e^g S; d = beta (v - S^T k); S = S + k d^T; y = S^T q}. S is kept [valueHeads, dv, dk], so that a
 * column of dv is a row of memory and needs no other.
 */
public final class DeltaRule {
    /** Work-items of a group where each has a column of its own. */
    private static final int ITEMS = 64;
    /** Floats of a vector on CPU devices. */
    private static final int EIGHT = 8;
    /** Lanes that share a column of S in local memory, values of it that each keeps in registers, and columns of a group. */
    private static final int LANES = 8;
    private static final int VALUES = 16;
    private static final int COLUMNS = 16;
    /** Lanes of a warp, warps of a group, the most columns of a warp; a lane keeps WARP_VALUES of each. */
    private static final int WARP = 32;
    private static final int WARPS = 4;
    private static final int WARP_COLUMNS = 4;
    private static final int WARP_VALUES = 4;
    /** Warps of a group for one row, with a column each: it is waiting that such a step takes, and more warps wait for less. */
    private static final int ROW_WARPS = 8;
    /** The longest key whose column fits into the registers of the lanes that share it. */
    private static final int LONGEST_KEY = LANES * VALUES;

    private DeltaRule() {}

    /**
     * Row after row.
     *
     * @param y       [rows, valueHeads * dv]
     * @param qkv     [rows, channels], q and k normalised
     * @param beta, g [rows, valueHeads]; g is the logarithm of the decay
     */
    public static void record(Tape tape, Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape) {
        Traits.Shape kind = tape.frame().traits().shape();
        if (kind == Traits.Shape.ROWS) recordVectors(tape, y, qkv, beta, g, s, shape);
        else if (shape.dk() > LONGEST_KEY) recordColumns(tape, y, qkv, beta, g, s, shape);
        else if (kind == Traits.Shape.GROUPS) recordLanes(tape, y, qkv, beta, g, s, shape);
        else recordWarps(tape, y, qkv, beta, g, s, shape);
    }

    /** Whether a recording is for segments of many rows, and chunks serve them better, or are what the profile wants. */
    public static boolean isChunked(Frame f, DeltaShape shape) {
        return switch (f.traits().choices().delta()) {
            case USUAL -> DeltaTiles.serves(f, shape);
            case ROWS -> false;
            case CHUNKS -> shape.dk() <= DeltaChunks.LONGEST_KEY && !Attention.few(f);
        };
    }

    /**
     * The same in chunks, two tasks, or three on tensor cores; for segments of many rows.
     *
     * @param scratch [rows, {@link #scratchWidth}]
     */
    public static void recordChunked(Tape tape, Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape, Region scratch) {
        if (DeltaTiles.serves(tape.frame(), shape)) DeltaTiles.record(tape, y, qkv, beta, g, s, shape, scratch);
        else DeltaChunks.record(tape, y, qkv, beta, g, s, shape, scratch);
    }

    /** Floats of scratch that a row takes in {@link #recordChunked}. */
    public static int scratchWidth(Frame f, DeltaShape shape) {
        return DeltaTiles.serves(f, shape) ? DeltaProducts.scratchWidth(shape) : DeltaChunks.scratchWidth(shape);
    }

    private static void recordVectors(Tape tape, Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape) {
        Frame f = tape.frame();
        tape.add("deltaRule", columns(shape), (graph, id) -> graph.task(id, DeltaRule::kDeltaRuleVectors, f.context(), f.arena(), f.step(),
                f.layer(), s.array(), y.at(), y.stride(), qkv.at(), qkv.stride(), beta.at(), beta.stride(), g.at(), g.stride(),
                shape.keyHeads(), shape.valueHeads(), shape.dk(), shape.dv(), tiled(shape), s.layerStride(), s.slotStride()));
    }

    private static void recordColumns(Tape tape, Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape) {
        Frame f = tape.frame();
        tape.add("deltaRule", columns(shape), (graph, id) -> graph.task(id, DeltaRule::kDeltaRuleColumns, f.context(), f.arena(), f.step(), f.layer(),
                s.array(), y.at(), y.stride(), qkv.at(), qkv.stride(), beta.at(), beta.stride(), g.at(), g.stride(), shape.keyHeads(),
                shape.valueHeads(), shape.dk(), shape.dv(), tiled(shape), s.layerStride(), s.slotStride()));
    }

    private static void recordLanes(Tape tape, Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape) {
        Frame f = tape.frame();
        int slices = (shape.dv() + COLUMNS - 1) / COLUMNS;
        Grid grid = Grid.perSegment(shape.valueHeads() * slices, LANES * COLUMNS);
        tape.add("deltaRule", grid, (graph, id) -> graph.task(id, DeltaRule::kDeltaRuleLanes, f.context(), f.arena(), f.step(), f.layer(),
                s.array(), y.at(), y.stride(), qkv.at(), qkv.stride(), beta.at(), beta.stride(), g.at(), g.stride(), shape.keyHeads(),
                shape.valueHeads(), shape.dk(), shape.dv(), tiled(shape), s.layerStride(), s.slotStride()));
    }

    private static void recordWarps(Tape tape, Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape) {
        Frame f = tape.frame();
        int warps = f.maxRows() == 1 ? ROW_WARPS : WARPS, columns = f.maxRows() == 1 ? 1 : WARP_COLUMNS;
        int slices = (shape.dv() + warps * columns - 1) / (warps * columns);
        Grid grid = Grid.perSegment(shape.valueHeads() * slices, warps * WARP);
        tape.add("deltaRule", grid, (graph, id) -> graph.task(id, DeltaRule::kDeltaRuleWarps, f.context(), f.arena(), f.step(), f.layer(),
                s.array(), y.at(), y.stride(), qkv.at(), qkv.stride(), beta.at(), beta.stride(), g.at(), g.stride(), packed(shape),
                warps, columns, s.layerStride(), s.slotStride()));
    }

    /** A work-item for each segment and column of S. */
    private static Grid columns(DeltaShape shape) {
        int columns = shape.valueHeads() * shape.dv();
        return new Grid((rows, segments) -> (segments * columns + ITEMS - 1) / ITEMS, ITEMS);
    }

    /** The order of heads as an argument of a task. */
    static int tiled(DeltaShape shape) {
        return shape.order() == DeltaShape.HeadOrder.TILED ? 1 : 0;
    }

    /** A shape as one argument: key and value heads; dk, dv and one bit for tiled heads. */
    static long packed(DeltaShape shape) {
        return Pair.of(Pair.small(shape.keyHeads(), shape.valueHeads()), Pair.small(shape.dk(), shape.dv() << 1 | tiled(shape)));
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

    /**
     * {@link #kDeltaRuleColumns} for CPU devices, eight values at a time: loads of neighbours that fill a vector become one load,
     * which the device's compiler does not make out of the plain loop (0.17 against 0.76 ms for 16 heads of 128 x 128 on PoCL).
     */
    static void kDeltaRuleVectors(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray s, int yAt, int yStride,
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
        int whole = dk - dk % EIGHT;
        for (int row = step.get(record + StepArray.SEGMENT_BEGIN); row < end; row++) {
            int q = qkvAt + row * qkvStride + keyHead * dk;
            int k = q + keyHeads * dk;
            float decay = TornadoMath.exp(arena.get(gAt + row * gStride + head));
            Float8 eight = all(0f);
            for (int i = 0; i < whole; i += EIGHT) eight = Float8.add(eight, Float8.mult(load(arena, k + i), load(s, at + i)));
            float predicted = sum(eight);
            for (int i = whole; i < dk; i++) predicted += arena.get(k + i) * s.get(at + i);
            float v = arena.get(qkvAt + row * qkvStride + 2 * keyHeads * dk + column);
            float d = arena.get(betaAt + row * betaStride + head) * (v - decay * predicted);
            Float8 decays = all(decay);
            Float8 deltas = all(d);
            Float8 read = all(0f);
            for (int i = 0; i < whole; i += EIGHT) {
                Float8 value = Float8.add(Float8.mult(load(s, at + i), decays), Float8.mult(load(arena, k + i), deltas));
                store(s, at + i, value);
                read = Float8.add(read, Float8.mult(value, load(arena, q + i)));
            }
            float out = sum(read);
            for (int i = whole; i < dk; i++) {
                float value = decay * s.get(at + i) + d * arena.get(k + i);
                s.set(at + i, value);
                out += value * arena.get(q + i);
            }
            arena.set(yAt + row * yStride + column, out);
        }
    }

    /** Eight times x: TornadoVM takes the product of a vector and a number for an earlier one where a loop is unrolled. */
    private static Float8 all(float x) {
        return new Float8(x, x, x, x, x, x, x, x);
    }

    private static Float8 load(FloatArray a, int at) {
        return new Float8(a.get(at), a.get(at + 1), a.get(at + 2), a.get(at + 3), a.get(at + 4), a.get(at + 5), a.get(at + 6), a.get(at + 7));
    }

    private static void store(FloatArray a, int at, Float8 v) {
        a.set(at, v.getS0());
        a.set(at + 1, v.getS1());
        a.set(at + 2, v.getS2());
        a.set(at + 3, v.getS3());
        a.set(at + 4, v.getS4());
        a.set(at + 5, v.getS5());
        a.set(at + 6, v.getS6());
        a.set(at + 7, v.getS7());
    }

    private static float sum(Float8 v) {
        return v.getS0() + v.getS1() + v.getS2() + v.getS3() + (v.getS4() + v.getS5() + v.getS6() + v.getS7());
    }

    /**
     * A group for each segment, head and {@value #COLUMNS} columns of S; {@value #LANES} lanes share a column. With the old S,
     * {@code m = e^g S^T k} and {@code y = e^g S^T q + (k q) d}: three sums meet in local memory at once, in one of two places
     * by turns, so that one barrier a row is enough.
     */
    static void kDeltaRuleLanes(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray s, int yAt, int yStride,
                                int qkvAt, int qkvStride, int betaAt, int betaStride, int gAt, int gStride, int keyHeads, int valueHeads,
                                int dk, int dv, int tiled, int layerStride, int slotStride) {
        float[] predictions = context.allocateFloatLocalArray(2 * LANES * COLUMNS);
        float[] readings = context.allocateFloatLocalArray(2 * LANES * COLUMNS);
        float[] products = context.allocateFloatLocalArray(2 * LANES * COLUMNS);
        float[] state = new float[VALUES];
        float[] key = new float[VALUES];
        int slices = (dv + COLUMNS - 1) / COLUMNS;
        int head = context.groupIdx / slices % valueHeads;
        int segment = context.groupIdx / slices / valueHeads;
        int alive = segment < step.get(StepArray.SEGMENTS) ? 1 : 0;
        int lane = context.localIdx & (LANES - 1);
        int column = context.groupIdx % slices * COLUMNS + context.localIdx / LANES;
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN);
        int end = alive == 1 ? step.get(record + StepArray.SEGMENT_END) : begin;
        int at = layer.get(0) * layerStride + step.get(record + StepArray.SEGMENT_SLOT) * slotStride + (head * dv + column) * dk + lane;
        int width = column < dv ? alive * dk : 0;
        int stored = step.get(record + StepArray.SEGMENT_START) > 0 ? width : 0;
        for (int i = 0; i < VALUES; i++) state[i] = lane + LANES * i < stored ? s.get(at + LANES * i) : 0f;
        int keyHead = tiled == 1 ? head % keyHeads : head / (valueHeads / keyHeads);
        int sums = 0;
        for (int row = begin; row < end; row++) {
            int q = qkvAt + row * qkvStride + keyHead * dk + lane;
            int k = q + keyHeads * dk;
            float predicted = 0f;
            float read = 0f;
            float product = 0f;
            for (int i = 0; i < VALUES; i++) {
                float query = lane + LANES * i < dk ? arena.get(q + LANES * i) : 0f;
                key[i] = lane + LANES * i < dk ? arena.get(k + LANES * i) : 0f;
                predicted += key[i] * state[i];
                read += query * state[i];
                product += query * key[i];
            }
            predictions[sums + context.localIdx] = predicted;
            readings[sums + context.localIdx] = read;
            products[sums + context.localIdx] = product;
            float decay = TornadoMath.exp(arena.get(gAt + row * gStride + head));
            float beta = arena.get(betaAt + row * betaStride + head);
            float v = column < dv ? arena.get(qkvAt + row * qkvStride + 2 * keyHeads * dk + head * dv + column) : 0f;
            context.localBarrier();
            float prediction = 0f;
            float reading = 0f;
            float both = 0f;
            for (int i = 0; i < LANES; i++) {
                prediction += predictions[sums + context.localIdx - lane + i];
                reading += readings[sums + context.localIdx - lane + i];
                both += products[sums + context.localIdx - lane + i];
            }
            float d = beta * (v - decay * prediction);
            for (int i = 0; i < VALUES; i++) state[i] = decay * state[i] + d * key[i];
            if (lane == 0 && column < dv) arena.set(yAt + row * yStride + head * dv + column, decay * reading + both * d);
            sums = LANES * COLUMNS - sums;
        }
        for (int i = 0; i < VALUES; i++) if (lane + LANES * i < width) s.set(at + LANES * i, state[i]);
    }

    /**
     * A group for each segment, head and {@code warps * columns} columns of S: a warp shares its columns,
     * and sums are exchanged between lanes, without local memory or barriers. What a row needs is loaded while the one before
     * it is worked on: no compiler may move a load before the store of y, which is in the same array.
     *
     * @param shape see {@link #packed}
     */
    static void kDeltaRuleWarps(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray s, int yAt, int yStride,
                                int qkvAt, int qkvStride, int betaAt, int betaStride, int gAt, int gStride, long shape, int warps, int columns,
                                int layerStride, int slotStride) {
        float[] state = new float[WARP_COLUMNS * WARP_VALUES];
        float[] key = new float[WARP_VALUES];
        float[] query = new float[WARP_VALUES];
        float[] nextKey = new float[WARP_VALUES];
        float[] nextQuery = new float[WARP_VALUES];
        float[] value = new float[WARP_COLUMNS];
        float[] nextValue = new float[WARP_COLUMNS];
        int keyHeads = Pair.smallFirst(Pair.first(shape)), valueHeads = Pair.smallSecond(Pair.first(shape));
        int dk = Pair.smallFirst(Pair.second(shape)), dv = Pair.smallSecond(Pair.second(shape)) >> 1, tiled = Pair.second(shape) & 1;
        int slices = (dv + warps * columns - 1) / (warps * columns);
        int head = context.groupIdx / slices % valueHeads;
        int segment = context.groupIdx / slices / valueHeads;
        if (segment >= step.get(StepArray.SEGMENTS)) return;
        int lane = context.localIdx & (WARP - 1);
        int first = (context.groupIdx % slices * warps + context.localIdx / WARP) * columns;
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN);
        int end = step.get(record + StepArray.SEGMENT_END);
        int at = layer.get(0) * layerStride + step.get(record + StepArray.SEGMENT_SLOT) * slotStride + (head * dv + first) * dk + lane;
        int stored = step.get(record + StepArray.SEGMENT_START) > 0 ? dv : 0;
        int q = qkvAt + (tiled == 1 ? head % keyHeads : head / (valueHeads / keyHeads)) * dk + lane;
        int k = q + keyHeads * dk;
        int v = qkvAt + 2 * keyHeads * dk + head * dv + first;
        for (int c = 0; c < columns; c++)
            for (int i = 0; i < WARP_VALUES; i++)
                state[c * WARP_VALUES + i] = first + c < stored && lane + WARP * i < dk ? s.get(at + c * dk + WARP * i) : 0f;
        for (int i = 0; i < WARP_VALUES; i++) {
            nextKey[i] = lane + WARP * i < dk ? arena.get(k + begin * qkvStride + WARP * i) : 0f;
            nextQuery[i] = lane + WARP * i < dk ? arena.get(q + begin * qkvStride + WARP * i) : 0f;
        }
        for (int c = 0; c < columns; c++) nextValue[c] = first + c < dv ? arena.get(v + begin * qkvStride + c) : 0f;
        float nextDecay = arena.get(gAt + begin * gStride + head);
        float nextBeta = arena.get(betaAt + begin * betaStride + head);
        for (int row = begin; row < end; row++) {
            float decay = TornadoMath.exp(nextDecay);
            float beta = nextBeta;
            for (int i = 0; i < WARP_VALUES; i++) {
                key[i] = nextKey[i];
                query[i] = nextQuery[i];
            }
            for (int c = 0; c < columns; c++) value[c] = nextValue[c];
            if (row + 1 < end) {
                nextDecay = arena.get(gAt + (row + 1) * gStride + head);
                nextBeta = arena.get(betaAt + (row + 1) * betaStride + head);
                for (int i = 0; i < WARP_VALUES; i++) {
                    nextKey[i] = lane + WARP * i < dk ? arena.get(k + (row + 1) * qkvStride + WARP * i) : 0f;
                    nextQuery[i] = lane + WARP * i < dk ? arena.get(q + (row + 1) * qkvStride + WARP * i) : 0f;
                }
                for (int c = 0; c < columns; c++) nextValue[c] = first + c < dv ? arena.get(v + (row + 1) * qkvStride + c) : 0f;
            }
            float out = 0f;
            for (int c = 0; c < columns; c++) {
                float predicted = 0f;
                for (int i = 0; i < WARP_VALUES; i++) predicted += key[i] * state[c * WARP_VALUES + i];
                float d = beta * (value[c] - decay * context.simdSum(predicted));
                float read = 0f;
                for (int i = 0; i < WARP_VALUES; i++) {
                    state[c * WARP_VALUES + i] = decay * state[c * WARP_VALUES + i] + d * key[i];
                    read += query[i] * state[c * WARP_VALUES + i];
                }
                float sum = context.simdSum(read);
                out = lane == c ? sum : out;
            }
            if (lane < columns && first + lane < dv) arena.set(yAt + row * yStride + head * dv + first + lane, out);
        }
        for (int c = 0; c < columns; c++)
            for (int i = 0; i < WARP_VALUES; i++)
                if (first + c < dv && lane + WARP * i < dk) s.set(at + c * dk + WARP * i, state[c * WARP_VALUES + i]);
    }
}
