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
 * The gated delta rule in chunks of {@value #CHUNK} rows of a segment, exact. Within a chunk, G_i = g_1 + … + g_i,
 * M_ij = e^(G_i - G_j) for i >= j, else 0, S the state before it:
 * <pre>
 *   A  = strictlyLower(beta_i (K K^T)_ij M_ij)      [U | W] = (I + A)^-1 [beta V | beta e^G K]
 *   P  = lower(Q K^T M)
 *   V' = U - W S                                    the d of every row
 *   O  = e^G Q S + P V'
 *   S  = e^(G_n) S + (e^(G_n - G) K)^T V'
 * </pre>
 * The first task does what needs no S, all chunks at once, by forward substitution: an explicit inverse by doubling loses all
 * digits in float32 when keys are alike. The second goes from chunk to chunk with a slice of S in local memory. The exponents
 * of M are summed over the rows between, never a difference of two sums from the beginning, which would lose digits where
 * decays are strong. A work-item computes tiles of {@value #TILE} x {@value #TILE} in registers.
 */
final class DeltaChunks {
    private static final int CHUNK_SHIFT = 5;
    static final int CHUNK = 1 << CHUNK_SHIFT;
    private static final int TILE = 4;
    /** Work-items of a group: one for each tile of a chunk's square. */
    private static final int GROUP = CHUNK / TILE * (CHUNK / TILE);
    private static final int ACROSS = CHUNK / TILE;
    /** Columns of S that a group of the scan keeps, and from one row of its local memory to the next. */
    private static final int SLICE = 32;
    private static final int PITCH = SLICE + 1;
    /** Rows substituted together. */
    private static final int BLOCK = 8;
    static final int LONGEST_KEY = 128;

    private DeltaChunks() {}

    /** Floats of scratch that a row takes: W and P of each value head. */
    static int scratchWidth(DeltaShape shape) {
        return shape.valueHeads() * (shape.dk() + CHUNK);
    }

    static void record(Tape tape, Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape, Region scratch) {
        if (shape.dk() > LONGEST_KEY) throw new IllegalArgumentException("keys of " + shape.dk() + " elements; chunks take at most " + LONGEST_KEY);
        Frame f = tape.frame();
        int tiled = shape.order() == DeltaShape.HeadOrder.TILED ? 1 : 0;
        Grid chunks = new Grid((rows, segments) -> (rows / CHUNK + segments) * shape.keyHeads(), GROUP);
        tape.add("deltaChunks", chunks, (graph, id) -> graph.task(id, DeltaChunks::kDeltaChunks, f.context(), f.arena(), f.step(), y.at(),
                y.stride(), qkv.at(), qkv.stride(), beta.at(), beta.stride(), g.at(), g.stride(), scratch.at(), scratch.stride(),
                shape.keyHeads(), shape.valueHeads(), shape.dk(), shape.dv(), tiled));
        int slices = (shape.dv() + SLICE - 1) / SLICE;
        tape.add("deltaScan", Grid.perSegment(shape.valueHeads() * slices, GROUP), (graph, id) -> graph.task(id, DeltaChunks::kDeltaScan,
                f.context(), f.arena(), f.step(), f.layer(), s.array(), y.at(), y.stride(), qkv.at(), qkv.stride(), g.at(), g.stride(),
                scratch.at(), scratch.stride(), shape.keyHeads(), shape.valueHeads(), shape.dk(), shape.dv(), tiled, s.layerStride(),
                s.slotStride()));
    }

    /** A group for each chunk and key head: U of its value heads into y, W and P into the scratch. */
    static void kDeltaChunks(KernelContext context, FloatArray arena, IntArray step, int yAt, int yStride, int qkvAt, int qkvStride,
                             int betaAt, int betaStride, int gAt, int gStride, int scratchAt, int scratchStride, int keyHeads,
                             int valueHeads, int dk, int dv, int tiled) {
        float[] kk = context.allocateFloatLocalArray(CHUNK * CHUNK);
        float[] qk = context.allocateFloatLocalArray(CHUNK * CHUNK);
        float[] a = context.allocateFloatLocalArray(CHUNK * CHUNK);
        float[] logs = context.allocateFloatLocalArray(CHUNK);
        float[] betas = context.allocateFloatLocalArray(CHUNK);
        // of the right-hand sides: beta of V, then beta e^G of K
        float[] factors = context.allocateFloatLocalArray(2 * CHUNK);
        float[] kTile = new float[TILE * TILE];
        float[] qTile = new float[TILE * TILE];
        float[] x = new float[BLOCK];
        int lane = context.localIdx;
        int keyHead = context.groupIdx % keyHeads;
        int chunk = context.groupIdx / keyHeads;
        int segments = step.get(StepArray.SEGMENTS);
        int segment = 0;
        while (segment < segments && chunk >= chunks(step, segment)) {
            chunk -= chunks(step, segment);
            segment++;
        }
        int alive = segment < segments ? 1 : 0;
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN) + chunk * CHUNK;
        int n = alive * TornadoMath.min(CHUNK, step.get(record + StepArray.SEGMENT_END) - begin);
        int q = qkvAt + begin * qkvStride + keyHead * dk;
        int k = q + keyHeads * dk;
        int top = lane / ACROSS * TILE;
        int left = lane % ACROSS * TILE;
        for (int i = 0; i < TILE * TILE; i++) {
            kTile[i] = 0f;
            qTile[i] = 0f;
        }
        int width = n > 0 ? dk : 0;
        for (int c = 0; c < width; c++)
            for (int i = 0; i < TILE; i++) {
                float key = arena.get(k + TornadoMath.min(top + i, n - 1) * qkvStride + c);
                float query = arena.get(q + TornadoMath.min(top + i, n - 1) * qkvStride + c);
                for (int j = 0; j < TILE; j++) {
                    float other = arena.get(k + TornadoMath.min(left + j, n - 1) * qkvStride + c);
                    kTile[i * TILE + j] += key * other;
                    qTile[i * TILE + j] += query * other;
                }
            }
        for (int i = 0; i < TILE; i++)
            for (int j = 0; j < TILE; j++) {
                kk[(top + i) * CHUNK + left + j] = kTile[i * TILE + j];
                qk[(top + i) * CHUNK + left + j] = qTile[i * TILE + j];
            }
        int perKey = alive * (valueHeads / keyHeads);
        for (int sibling = 0; sibling < perKey; sibling++) {
            int head = tiled == 1 ? keyHead + sibling * keyHeads : keyHead * perKey + sibling;
            int w = scratchAt + begin * scratchStride + head * (dk + CHUNK);
            if (lane < CHUNK) {
                logs[lane] = lane < n ? arena.get(gAt + (begin + lane) * gStride + head) : 0f;
                betas[lane] = lane < n ? arena.get(betaAt + (begin + lane) * betaStride + head) : 0f;
            }
            context.localBarrier();
            // no branch: PoCL 3.1, optimising, loses what is stored to local memory in a branch with a loop in it
            float upTo = 0f;
            for (int i = 0; i < CHUNK; i++) upTo += i <= lane % CHUNK ? logs[i] : 0f;
            factors[lane] = betas[lane % CHUNK] * TornadoMath.exp(upTo * (lane / CHUNK));
            for (int e = lane; e < CHUNK * CHUNK; e += GROUP) {
                int i = e / CHUNK;
                int j = e % CHUNK;
                float sum = 0f;
                for (int between = j + 1; between <= i; between++) sum += logs[between];
                float m = i >= j ? TornadoMath.exp(sum) : 0f;
                a[e] = i > j ? betas[i] * kk[e] * m : 0f;
                if (i < n) arena.set(w + i * scratchStride + dk + j, qk[e] * m);
            }
            context.localBarrier();
            for (int column = lane; column < dv + dk; column += GROUP) {
                int isKey = column < dv ? 0 : 1;
                int from = isKey == 1 ? k + column - dv : qkvAt + begin * qkvStride + 2 * keyHeads * dk + head * dv + column;
                int to = isKey == 1 ? w + column - dv : yAt + begin * yStride + head * dv + column;
                int toStride = isKey == 1 ? scratchStride : yStride;
                for (int block = 0; block < n; block += BLOCK) {
                    for (int i = 0; i < BLOCK; i++)
                        x[i] = factors[isKey * CHUNK + block + i] * arena.get(from + TornadoMath.min(block + i, n - 1) * qkvStride);
                    for (int j = 0; j < block; j++) {
                        float solved = arena.get(to + j * toStride);
                        for (int i = 0; i < BLOCK; i++) x[i] -= a[(block + i) * CHUNK + j] * solved;
                    }
                    for (int i = 0; i < BLOCK; i++) {
                        for (int j = 0; j < i; j++) x[i] -= a[(block + i) * CHUNK + block + j] * x[j];
                        if (block + i < n) arena.set(to + (block + i) * toStride, x[i]);
                    }
                }
            }
            context.localBarrier();
        }
    }

    /** A group for each segment, value head and {@value #SLICE} columns of S, chunk after chunk. */
    static void kDeltaScan(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray s, int yAt, int yStride,
                           int qkvAt, int qkvStride, int gAt, int gStride, int scratchAt, int scratchStride, int keyHeads, int valueHeads,
                           int dk, int dv, int tiled, int layerStride, int slotStride) {
        float[] state = context.allocateFloatLocalArray(LONGEST_KEY * PITCH);
        float[] values = context.allocateFloatLocalArray(CHUNK * PITCH);
        float[] logs = context.allocateFloatLocalArray(CHUNK);
        // e^G, then e^(G_n - G)
        float[] decays = context.allocateFloatLocalArray(2 * CHUNK);
        float[] v = new float[TILE * TILE];
        float[] o = new float[TILE * TILE];
        int slices = (dv + SLICE - 1) / SLICE;
        int lane = context.localIdx;
        int first = context.groupIdx % slices * SLICE;
        int head = context.groupIdx / slices % valueHeads;
        int segment = context.groupIdx / slices / valueHeads;
        int alive = segment < step.get(StepArray.SEGMENTS) ? 1 : 0;
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN);
        int end = alive == 1 ? step.get(record + StepArray.SEGMENT_END) : begin;
        int at = layer.get(0) * layerStride + step.get(record + StepArray.SEGMENT_SLOT) * slotStride + (head * dv + first) * dk;
        int width = alive * TornadoMath.min(SLICE, dv - first);
        int stored = step.get(record + StepArray.SEGMENT_START) > 0 ? width : 0;
        for (int e = lane; e < SLICE * dk; e += GROUP) state[e % dk * PITCH + e / dk] = e / dk < stored ? s.get(at + e) : 0f;
        int q = qkvAt + (tiled == 1 ? head % keyHeads : head / (valueHeads / keyHeads)) * dk;
        int top = lane / ACROSS * TILE;
        int left = lane % ACROSS;
        for (int row = begin; row < end; row += CHUNK) {
            int n = TornadoMath.min(CHUNK, end - row);
            int w = scratchAt + row * scratchStride + head * (dk + CHUNK);
            if (lane < CHUNK) logs[lane] = lane < n ? arena.get(gAt + (row + lane) * gStride + head) : 0f;
            context.localBarrier();
            float sum = 0f;
            for (int i = 0; i < CHUNK; i++) sum += (i > lane % CHUNK ? 1 : 0) == lane / CHUNK ? logs[i] : 0f;
            decays[lane] = TornadoMath.exp(sum);
            context.localBarrier();
            // V' = U - W S and Q S
            for (int i = 0; i < TILE * TILE; i++) {
                v[i] = 0f;
                o[i] = 0f;
            }
            for (int c = 0; c < dk; c++)
                for (int i = 0; i < TILE; i++) {
                    int r = TornadoMath.min(top + i, n - 1);
                    float weight = arena.get(w + r * scratchStride + c);
                    float query = arena.get(q + (row + r) * qkvStride + c);
                    for (int j = 0; j < TILE; j++) {
                        float old = state[c * PITCH + left + ACROSS * j];
                        v[i * TILE + j] += weight * old;
                        o[i * TILE + j] += query * old;
                    }
                }
            for (int i = 0; i < TILE; i++)
                for (int j = 0; j < TILE; j++) {
                    int column = left + ACROSS * j;
                    int own = yAt + (row + top + i) * yStride + head * dv + first + column;
                    values[(top + i) * PITCH + column] = top + i < n && column < width ? arena.get(own) - v[i * TILE + j] : 0f;
                    o[i * TILE + j] = o[i * TILE + j] * decays[top + i];
                }
            context.localBarrier();
            // O = e^G Q S + P V'
            for (int c = 0; c < n; c++)
                for (int i = 0; i < TILE; i++) {
                    float weight = arena.get(w + TornadoMath.min(top + i, n - 1) * scratchStride + dk + c);
                    for (int j = 0; j < TILE; j++) o[i * TILE + j] += weight * values[c * PITCH + left + ACROSS * j];
                }
            for (int i = 0; i < TILE; i++)
                for (int j = 0; j < TILE; j++) {
                    int column = left + ACROSS * j;
                    if (top + i < n && column < width) arena.set(yAt + (row + top + i) * yStride + head * dv + first + column, o[i * TILE + j]);
                }
            // S = e^(G_n) S + (e^(G_n - G) K)^T V', a tile of keys and columns at a time
            float total = decays[CHUNK - 1];
            for (int key = lane / ACROSS * TILE; key < dk; key += CHUNK) {
                for (int i = 0; i < TILE * TILE; i++) v[i] = 0f;
                for (int r = 0; r < n; r++)
                    for (int i = 0; i < TILE; i++) {
                        float weight = decays[CHUNK + r] * arena.get(q + keyHeads * dk + (row + r) * qkvStride + TornadoMath.min(key + i, dk - 1));
                        for (int j = 0; j < TILE; j++) v[i * TILE + j] += weight * values[r * PITCH + left + ACROSS * j];
                    }
                for (int i = 0; i < TILE; i++)
                    for (int j = 0; j < TILE; j++) {
                        int place = (key + i) * PITCH + left + ACROSS * j;
                        if (key + i < dk) state[place] = total * state[place] + v[i * TILE + j];
                    }
            }
            context.localBarrier();
        }
        context.localBarrier();
        for (int e = lane; e < width * dk; e += GROUP) s.set(at + e, state[e % dk * PITCH + e / dk]);
    }

    /** Chunks of a segment. */
    private static int chunks(IntArray step, int segment) {
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        return (step.get(record + StepArray.SEGMENT_END) - step.get(record + StepArray.SEGMENT_BEGIN) + CHUNK - 1) >> CHUNK_SHIFT;
    }
}
