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
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The second half of {@link DeltaChunks} on tensor cores: S is kept in float32, what multiplies it is rounded to halves, and so is
 * the copy of S that is multiplied. Tiles of operands lie in local memory as tensor cores load them, 16 x 16 halves for the left
 * one of a product and 16 x 8 for the right one; the sums of a tile are spread over the lanes of a warp, four to a lane.
 */
final class DeltaTiles {
    private static final int CHUNK = DeltaChunks.CHUNK;
    /** Columns of S that a group keeps. */
    private static final int SLICE = 32;
    private static final int WARP = 32;
    /** A warp for each 16 rows of S, and for each tile of 16 rows of a chunk and 8 columns. */
    private static final int GROUP = DeltaChunks.LONGEST_KEY / 16 * WARP;
    private static final int KEY_TILES = DeltaChunks.LONGEST_KEY / 16;
    private static final int ROW_TILES = CHUNK / 16;
    private static final int COLUMN_TILES = SLICE / 8;
    /** Ints of a tile of 16 x 16 halves and of one of 16 x 8, with a gap that keeps neighbours out of each other's banks. */
    private static final int LARGE = 136;
    private static final int SMALL = 68;
    /** Floats of local memory for a warp's 16 x 8 sums, lane by lane, and from a row's sums to those of the row eight below. */
    private static final int SUMS = 138;
    private static final int BELOW = 72;
    /** A FloatArray over local memory has its first element behind a header. */
    private static final int HEADER = 4;
    /** Pairs of numbers of a chunk's W, of its Q and K, and of its P that a work-item brings. */
    private static final int TURNS = CHUNK * KEY_TILES * 8 / GROUP;
    private static final int WEIGHT_TURNS = CHUNK * CHUNK / 2 / GROUP;
    /** Rows of a recording for prompts. */
    private static final int FEWEST_ROWS = 65;

    private DeltaTiles() {}

    /** Whether a recording is for prompts, in chunks, with the scan on tensor cores. */
    public static boolean serves(Frame f, DeltaShape shape) {
        Traits t = f.traits();
        return t.shape() == Traits.Shape.WARPS && !t.precise() && f.maxRows() >= FEWEST_ROWS && shape.dk() <= DeltaChunks.LONGEST_KEY;
    }

    /** What {@link DeltaChunks} says of its scan. */
    static void recordScan(Tape tape, Region y, Region qkv, Region g, Slab s, DeltaShape shape, Region scratch) {
        Frame f = tape.frame();
        int slices = (shape.dv() + SLICE - 1) / SLICE;
        tape.add("deltaScan", Grid.perSegment(shape.valueHeads() * slices, GROUP), (graph, id) -> graph.task(id, DeltaTiles::kScanTensor,
                f.context(), f.arena(), f.step(), f.layer(), s.array(), Place.of(y), Place.of(qkv), Place.of(g), Place.of(scratch),
                shape.keyHeads(), shape.valueHeads(), shape.dk(), shape.dv(), DeltaRule.tiled(shape), s.layerStride(), s.slotStride()));
    }

    /**
     * A group for each segment, value head and {@value #SLICE} columns of S, chunk after chunk. Warp w has rows 16 w and on of S, and
     * of a chunk's results the tile of rows {@code w % 2} and columns {@code w / 2}.
     */
    static void kScanTensor(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray s, long y, long qkv, long g,
                            long scratch, int keyHeads, int valueHeads, int dk, int dv, int tiled, int layerStride, int slotStride) {
        int[] solved = context.allocateIntLocalArray(ROW_TILES * KEY_TILES * LARGE);
        int[] queries = context.allocateIntLocalArray(ROW_TILES * KEY_TILES * LARGE);
        int[] keys = context.allocateIntLocalArray(KEY_TILES * ROW_TILES * LARGE);
        int[] weights = context.allocateIntLocalArray(ROW_TILES * ROW_TILES * LARGE);
        int[] states = context.allocateIntLocalArray(KEY_TILES * COLUMN_TILES * SMALL);
        int[] values = context.allocateIntLocalArray(ROW_TILES * COLUMN_TILES * SMALL);
        int[] faded = context.allocateIntLocalArray(ROW_TILES * COLUMN_TILES * SMALL);
        float[] sums = context.allocateFloatLocalArray(HEADER + GROUP / WARP * SUMS);
        float[] logs = context.allocateFloatLocalArray(CHUNK);
        // e^G, then e^(G_n - G)
        float[] decays = context.allocateFloatLocalArray(2 * CHUNK);
        FloatArray behind = (FloatArray) (Object) sums;
        float[] state = new float[4 * COLUMN_TILES];
        float[] ahead = new float[6 * TURNS];
        float[] weightsAhead = new float[2 * WEIGHT_TURNS];
        int lane = context.localIdx, warp = lane / WARP, inWarp = lane % WARP;
        int slices = (dv + SLICE - 1) / SLICE;
        int first = context.groupIdx % slices * SLICE, head = context.groupIdx / slices % valueHeads, segment = context.groupIdx / slices / valueHeads;
        int alive = segment < step.get(StepArray.SEGMENTS) ? 1 : 0;
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN);
        int end = alive == 1 ? step.get(record + StepArray.SEGMENT_END) : begin;
        int at = layer.get(0) * layerStride + step.get(record + StepArray.SEGMENT_SLOT) * slotStride + (head * dv + first) * dk;
        int width = alive * TornadoMath.min(SLICE, dv - first);
        int stored = step.get(record + StepArray.SEGMENT_START) > 0 ? width : 0;
        int keyHead = tiled == 1 ? head % keyHeads : head / (valueHeads / keyHeads);
        int key = warp * 16 + inWarp / 4, column = inWarp % 4 * 2;
        for (int i = 0; i < COLUMN_TILES; i++)
            for (int j = 0; j < 4; j++) {
                int k = key + j / 2 * 8, c = i * 8 + column + j % 2;
                state[4 * i + j] = k < dk && c < stored ? s.get(at + c * dk + k) : 0f;
            }
        int own = warp * SUMS + 2 * inWarp + inWarp / 16, ownRow = -(inWarp / 4), ownColumn = own - column;
        int mine = HEADER + own, tile = warp % 2 * 16 + inWarp / 4, c0 = warp / 2 * 8 + column;
        for (int row = begin; row < end; row += CHUNK) {
            int n = TornadoMath.min(CHUNK, end - row);
            int u = Place.start(y, row + tile) + head * dv + first + c0, lower = Place.start(y, row + tile + 8) + head * dv + first + c0;
            int w = Place.start(scratch, row) + head * (dk + CHUNK), wStride = Place.start(scratch, 1) - Place.start(scratch, 0);
            int q = Place.start(qkv, row) + keyHead * dk, qStride = Place.start(qkv, 1) - Place.start(qkv, 0);
            for (int i = 0; i < COLUMN_TILES; i++) {
                states[(warp * COLUMN_TILES + i) * SMALL + inWarp] = pack(state[4 * i], state[4 * i + 1]);
                states[(warp * COLUMN_TILES + i) * SMALL + 32 + inWarp] = pack(state[4 * i + 2], state[4 * i + 3]);
            }
            // everything is loaded before anything is stored: what comes after a store would wait for what comes before it
            for (int i = 0; i < TURNS; i++) {
                int e = lane + i * GROUP, r = TornadoMath.min(e / (KEY_TILES * 8), n - 1), d = e % (KEY_TILES * 8) * 2;
                int c = TornadoMath.min(d, dk - 1), next = TornadoMath.min(d + 1, dk - 1);
                int k = TornadoMath.min(key(e), dk - 1), t = TornadoMath.min(two(e), n - 1), later = TornadoMath.min(two(e) + 1, n - 1);
                ahead[6 * i] = arena.get(w + r * wStride + c);
                ahead[6 * i + 1] = arena.get(w + r * wStride + next);
                ahead[6 * i + 2] = arena.get(q + r * qStride + c);
                ahead[6 * i + 3] = arena.get(q + r * qStride + next);
                ahead[6 * i + 4] = arena.get(q + keyHeads * dk + t * qStride + k);
                ahead[6 * i + 5] = arena.get(q + keyHeads * dk + later * qStride + k);
            }
            for (int i = 0; i < WEIGHT_TURNS; i++) {
                int e = lane + i * GROUP, r = TornadoMath.min(e / (CHUNK / 2), n - 1), d = e % (CHUNK / 2) * 2;
                weightsAhead[2 * i] = arena.get(w + r * wStride + dk + d);
                weightsAhead[2 * i + 1] = arena.get(w + r * wStride + dk + d + 1);
            }
            for (int i = 0; i < TURNS; i++) {
                int e = lane + i * GROUP, r = e / (KEY_TILES * 8), d = e % (KEY_TILES * 8), to = (r / 16 * KEY_TILES + d / 8) * LARGE + r % 16 * 8 + d % 8;
                float low = r < n && 2 * d < dk ? 1f : 0f, high = r < n && 2 * d + 1 < dk ? 1f : 0f;
                solved[to] = pack(low * ahead[6 * i], high * ahead[6 * i + 1]);
                queries[to] = pack(low * ahead[6 * i + 2], high * ahead[6 * i + 3]);
                int k = key(e), t = two(e);
                float early = k < dk && t < n ? 1f : 0f, late = k < dk && t + 1 < n ? 1f : 0f;
                keys[(k / 16 * ROW_TILES + t / 16) * LARGE + k % 16 * 8 + t % 16 / 2] = pack(early * ahead[6 * i + 4], late * ahead[6 * i + 5]);
            }
            for (int i = 0; i < WEIGHT_TURNS; i++) {
                int e = lane + i * GROUP, r = e / (CHUNK / 2), d = e % (CHUNK / 2);
                float there = r < n ? 1f : 0f;
                weights[(r / 16 * ROW_TILES + d / 8) * LARGE + r % 16 * 8 + d % 8] = pack(there * weightsAhead[2 * i], there * weightsAhead[2 * i + 1]);
            }
            if (lane < CHUNK) logs[lane] = lane < n ? arena.get(Place.start(g, row + lane) + head) : 0f;
            context.localBarrier();
            float sum = 0f;
            for (int i = 0; i < CHUNK; i++) sum += (i > lane % CHUNK ? 1 : 0) == lane / CHUNK ? logs[i] : 0f;
            if (lane < 2 * CHUNK) decays[lane] = TornadoMath.exp(sum);
            float[] ws = context.mmaFragment(0f);
            float[] qs = context.mmaFragment(0f);
            for (int i = 0; i < KEY_TILES; i++) {
                HalfFloat[] b = context.mmaLoadB(states, 16, (i * COLUMN_TILES + warp / 2) * SMALL * 4);
                ws = context.mma(context.mmaLoadA(solved, 16, (warp % 2 * KEY_TILES + i) * LARGE * 4), b, ws, MMAShape.M16N8K16);
                qs = context.mma(context.mmaLoadA(queries, 16, (warp % 2 * KEY_TILES + i) * LARGE * 4), b, qs, MMAShape.M16N8K16);
            }
            context.localBarrier();
            // V' = U - W S
            context.mmaStore(ws, behind, ownRow, ownColumn, BELOW / 8);
            float v0 = read(arena, u, tile < n ? width - c0 : 0) - sums[mine], v1 = read(arena, u + 1, tile < n ? width - c0 - 1 : 0) - sums[mine + 1];
            float v2 = read(arena, lower, tile + 8 < n ? width - c0 : 0) - sums[mine + BELOW];
            float v3 = read(arena, lower + 1, tile + 8 < n ? width - c0 - 1 : 0) - sums[mine + BELOW + 1];
            int to = (warp % 2 * COLUMN_TILES + warp / 2) * SMALL + inWarp;
            values[to] = pack(v0, v1);
            values[to + 32] = pack(v2, v3);
            faded[to] = pack(v0 * decays[CHUNK + tile], v1 * decays[CHUNK + tile]);
            faded[to + 32] = pack(v2 * decays[CHUNK + tile + 8], v3 * decays[CHUNK + tile + 8]);
            context.mmaStore(qs, behind, ownRow, ownColumn, BELOW / 8);
            float o0 = decays[tile] * sums[mine], o1 = decays[tile] * sums[mine + 1];
            float o2 = decays[tile + 8] * sums[mine + BELOW], o3 = decays[tile + 8] * sums[mine + BELOW + 1];
            context.localBarrier();
            // O = e^G Q S + P V'
            float[] pv = context.mmaFragment(0f);
            for (int i = 0; i < ROW_TILES; i++)
                pv = context.mma(context.mmaLoadA(weights, 16, (warp % 2 * ROW_TILES + i) * LARGE * 4),
                        context.mmaLoadB(values, 16, (i * COLUMN_TILES + warp / 2) * SMALL * 4), pv, MMAShape.M16N8K16);
            context.mmaStore(pv, behind, ownRow, ownColumn, BELOW / 8);
            if (tile < n && c0 < width) arena.set(u, o0 + sums[mine]);
            if (tile < n && c0 + 1 < width) arena.set(u + 1, o1 + sums[mine + 1]);
            if (tile + 8 < n && c0 < width) arena.set(lower, o2 + sums[mine + BELOW]);
            if (tile + 8 < n && c0 + 1 < width) arena.set(lower + 1, o3 + sums[mine + BELOW + 1]);
            // S = e^(G_n) S + K^T (e^(G_n - G) V')
            float total = decays[CHUNK - 1];
            HalfFloat[] k0 = context.mmaLoadA(keys, 16, warp * ROW_TILES * LARGE * 4);
            HalfFloat[] k1 = context.mmaLoadA(keys, 16, (warp * ROW_TILES + 1) * LARGE * 4);
            for (int i = 0; i < COLUMN_TILES; i++) {
                float[] kv = context.mma(k0, context.mmaLoadB(faded, 16, i * SMALL * 4), context.mmaFragment(0f), MMAShape.M16N8K16);
                kv = context.mma(k1, context.mmaLoadB(faded, 16, (COLUMN_TILES + i) * SMALL * 4), kv, MMAShape.M16N8K16);
                context.mmaStore(kv, behind, ownRow, ownColumn, BELOW / 8);
                state[4 * i] = total * state[4 * i] + sums[mine];
                state[4 * i + 1] = total * state[4 * i + 1] + sums[mine + 1];
                state[4 * i + 2] = total * state[4 * i + 2] + sums[mine + BELOW];
                state[4 * i + 3] = total * state[4 * i + 3] + sums[mine + BELOW + 1];
            }
            context.localBarrier();
        }
        for (int i = 0; i < COLUMN_TILES; i++)
            for (int j = 0; j < 4; j++) {
                int k = key + j / 2 * 8, c = i * 8 + column + j % 2;
                if (k < dk && c < width) s.set(at + c * dk + k, state[4 * i + j]);
            }
    }

    /** A number where {@code left} says that there is one, else 0. */
    private static float read(FloatArray arena, int at, int left) {
        float value = 0f;
        if (left > 0) value = arena.get(at);
        return value;
    }

    /** Of pair e of K^T the key; a quarter of a warp has neighbours, so that neither memory nor banks are met twice. */
    private static int key(int e) {
        return e % 8 + e / 32 % (KEY_TILES * 2) * 8;
    }

    /** Of pair e of K^T the first row of two. */
    private static int two(int e) {
        return e / 8 % 4 * 2 + e / (KEY_TILES * 64) * 8;
    }

    private static int pack(float low, float high) {
        return (new HalfFloat(low).getHalfFloatValue() & 0xFFFF) | (new HalfFloat(high).getHalfFloatValue() & 0xFFFF) << 16;
    }
}
