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
 * {@link DeltaChunks} on tensor cores for prompts: {@link DeltaProducts}, {@link DeltaSystem}, then the scan. S is kept in float32, what
 * multiplies it is rounded to halves, and so is the copy of S that is multiplied. A warp loads the tiles that it alone multiplies.
 */
final class DeltaTiles {
    private static final int CHUNK = DeltaProducts.CHUNK;
    private static final int WARP = DeltaProducts.WARP;
    private static final int GROUP = DeltaProducts.GROUP;
    private static final int SUMS = DeltaProducts.SUMS;
    private static final int BELOW = DeltaProducts.BELOW;
    private static final int HEADER = DeltaProducts.HEADER;
    /** Columns of S that a group keeps. */
    private static final int SLICE_SHIFT = 5;
    private static final int SLICE = 1 << SLICE_SHIFT;
    /** Ints of a tile of 16 x 8 halves. */
    private static final int TILE = 64;
    /** Ints of operands that a warp has in local memory: eight tiles of 16 x 16. */
    private static final int OPERANDS = 1024;
    /** Rows of a recording for prompts. */
    private static final int FEWEST_ROWS = 65;

    private DeltaTiles() {}

    /** Whether a recording is for prompts, in chunks, on tensor cores. */
    public static boolean serves(Frame f, DeltaShape shape) {
        Traits t = f.traits();
        return t.shape() == Traits.Shape.WARPS && !t.precise() && f.maxRows() >= FEWEST_ROWS && DeltaProducts.serves(shape);
    }

    /** What {@link DeltaRule#recordChunked} says. */
    static void record(Tape tape, Region y, Region qkv, Region beta, Region g, Slab s, DeltaShape shape, Region scratch) {
        Frame f = tape.frame();
        DeltaProducts.record(tape, qkv, g, shape, scratch);
        DeltaSystem.record(tape, y, qkv, beta, shape, scratch);
        int slices = (shape.dv() + SLICE - 1) / SLICE;
        tape.add("deltaScan", Grid.perSegment(shape.valueHeads() * slices, GROUP), (graph, id) -> graph.task(id, DeltaTiles::kScanTensor,
                f.context(), f.arena(), f.step(), f.layer(), s.array(), f.scratch().pairs(), Place.of(y), Place.of(scratch), DeltaProducts.heads(shape),
                Pair.of(shape.dk(), shape.dv()), Pair.of(s.layerStride(), s.slotStride())));
    }

    /**
     * A group for each segment, value head and {@value #SLICE} columns of S, chunk after chunk. Warp w has rows 16 w and on of S. Of a chunk's
     * results warps 0 to 3 have 16 rows each of V', the others of O.
     */
    static void kScanTensor(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray s, IntArray in, long y, long scratch,
                            long shared, long sizes, long strides) {
        int[] tiles = context.allocateIntLocalArray(GROUP / WARP * OPERANDS);
        // S, and V' while nobody reads S
        int[] states = context.allocateIntLocalArray(2048);
        float[] sums = context.allocateFloatLocalArray(HEADER + GROUP / WARP * SUMS);
        FloatArray behind = (FloatArray) (Object) sums;
        float[] state = new float[16];
        float[] u = new float[16];
        float[] sum = new float[16];
        int[] first = new int[32];
        int[] second = new int[32];
        int warp = context.localIdx / WARP % 8, lane = context.localIdx % WARP, quad = lane & 3, row = lane / 4, down = warp % 4, isOut = warp / 4;
        int keyHeads = Pair.first(shared), heads = keyHeads * Pair.second(shared), dk = Pair.first(sizes), dv = Pair.second(sizes);
        int slices = (dv + SLICE - 1) >> SLICE_SHIFT;
        int from = context.groupIdx % slices * SLICE, head = context.groupIdx / slices % heads, segment = context.groupIdx / slices / heads;
        int alive = segment < step.get(StepArray.SEGMENTS) ? 1 : 0, record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN), end = alive == 1 ? step.get(record + StepArray.SEGMENT_END) : begin;
        int number = 0;
        for (int i = 0; i < segment * alive; i++) number += DeltaProducts.chunks(step, i);
        int at = layer.get(0) * Pair.first(strides) + step.get(record + StepArray.SEGMENT_SLOT) * Pair.second(strides) + (head * dv + from) * dk;
        int width = alive * TornadoMath.min(SLICE, dv - from), stored = step.get(record + StepArray.SEGMENT_START) > 0 ? width : 0;
        for (int i = 0; i < 16; i++) {
            int k = warp * 16 + row + i / 2 % 2 * 8, c = i / 4 * 8 + 2 * quad + i % 2;
            state[i] = k < dk && c < stored ? s.get(at + c * dk + k) : 0f;
        }
        int own = warp * SUMS + 2 * lane + lane / 16, mine = HEADER + own, ownRow = -row, ownColumn = own - 2 * quad;
        // rows of the right operand in the order of the left one's columns
        int ordered = (row / 2 * 4 + row % 2) * 4 + quad, right = DeltaProducts.triangle(down) * 128;
        int left = isOut * DeltaProducts.QUERIES + down * 1024 + lane, pitch = Place.start(y, 1) - Place.start(y, 0);
        int base = (number * heads + head) * DeltaProducts.INTS, o = Place.start(y, begin + down * 16 + row) + head * dv + from + 2 * quad;
        int chunks = (end - begin + CHUNK - 1) >> DeltaProducts.CHUNK_SHIFT;
        int rows = TornadoMath.max(end - begin, 1), gates = Place.start(scratch, begin) + keyHeads * CHUNK + head;
        int gatePitch = Place.start(scratch, 1) - Place.start(scratch, 0);
        for (int i = 0; i < 32; i++) first[i] = in.get(alive * (base + left) + i * WARP);
        int most = (dv & SLICE - 1) == 0 ? SLICE : TornadoMath.max(width, 1) - 1 - 2 * quad, last = rows - 1 - down * 16 - row;
        for (int i = 0; i < 16; i++)
            if (alive == 1) u[i] = arena.get(o + ahead(i, last, most, pitch));
        float faded = arena.get(gates + (TornadoMath.min(CHUNK, rows) - 1) * gatePitch);
        for (int chunk = 0; chunk < chunks; chunk++) {
            for (int i = 0; i < 4; i++) {
                states[(warp * 4 + i) * TILE + ordered] = Pair.halves(state[4 * i], state[4 * i + 1]);
                states[(warp * 4 + i) * TILE + ordered + 8] = Pair.halves(state[4 * i + 2], state[4 * i + 3]);
            }
            for (int i = 0; i < 32; i++) tiles[warp * OPERANDS + i * WARP + lane] = first[i];
            context.localBarrier();
            // all that is asked for here is needed behind the products
            for (int i = 0; i < 16; i++) {
                second[i] = in.get(base + DeltaProducts.KEYS + warp * 512 + i * WARP + lane);
                int weight = in.get(base + DeltaProducts.WEIGHTS + right + TornadoMath.min(i, 4 * down + 3) * WARP + lane);
                second[16 + i] = i < 4 * down + 4 ? weight : 0;
            }
            float[] f0 = context.mmaFragment(0f), f1 = context.mmaFragment(0f), f2 = context.mmaFragment(0f), f3 = context.mmaFragment(0f);
            for (int i = 0; i < 8; i++) {
                HalfFloat[] a = context.mmaLoadA(tiles, 16, (warp * OPERANDS + i * 128) * 4);
                f0 = context.mma(a, context.mmaLoadB(states, 16, i * 16 * TILE), f0, MMAShape.M16N8K16);
                f1 = context.mma(a, context.mmaLoadB(states, 16, (i * 4 + 1) * 4 * TILE), f1, MMAShape.M16N8K16);
                f2 = context.mma(a, context.mmaLoadB(states, 16, (i * 4 + 2) * 4 * TILE), f2, MMAShape.M16N8K16);
                f3 = context.mma(a, context.mmaLoadB(states, 16, (i * 4 + 3) * 4 * TILE), f3, MMAShape.M16N8K16);
            }
            // V' = U - W S
            context.mmaStore(f0, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) sum[j] = u[j] - sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(f1, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) sum[4 + j] = u[4 + j] - sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(f2, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) sum[8 + j] = u[8 + j] - sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(f3, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) sum[12 + j] = u[12 + j] - sums[mine + j % 2 + j / 2 * BELOW];
            context.localBarrier();
            for (int i = 0; i < 32; i++) tiles[warp * OPERANDS + i * WARP + lane] = second[i];
            for (int i = 0; i < 4; i++)
                if (isOut == 0) {
                    states[(warp * 4 + i) * TILE + ordered] = Pair.halves(sum[4 * i], sum[4 * i + 1]);
                    states[(warp * 4 + i) * TILE + ordered + 8] = Pair.halves(sum[4 * i + 2], sum[4 * i + 3]);
                }
            int next = chunk + 1 < chunks ? 1 : 0;
            base += next * heads * DeltaProducts.INTS;
            for (int i = 0; i < 32; i++) first[i] = in.get(base + left + i * WARP);
            for (int i = 0; i < 16; i++)
                if (next == 1) u[i] = arena.get(o + CHUNK * pitch + ahead(i, last - CHUNK, most, pitch));
            float total = TornadoMath.exp(faded);
            faded = arena.get(gates + (TornadoMath.min((chunk + next + 1) * CHUNK, rows) - 1) * gatePitch);
            context.localBarrier();
            // O comes where U was, which other lanes have read
            context.globalBarrier();
            // S = e^(G_n) S + (e^(G_n - G) K)^T V', O = e^G Q S + P V'
            float[] s0 = context.mmaFragment(0f), s1 = context.mmaFragment(0f), s2 = context.mmaFragment(0f), s3 = context.mmaFragment(0f);
            for (int i = 0; i < 4; i++) {
                HalfFloat[] k = context.mmaLoadA(tiles, 16, (warp * OPERANDS + i * 128) * 4);
                HalfFloat[] p = context.mmaLoadA(tiles, 16, (warp * OPERANDS + 512 + i * 128) * 4);
                HalfFloat[] v0 = context.mmaLoadB(states, 16, i * 16 * TILE), v1 = context.mmaLoadB(states, 16, (i * 4 + 1) * 4 * TILE);
                HalfFloat[] v2 = context.mmaLoadB(states, 16, (i * 4 + 2) * 4 * TILE), v3 = context.mmaLoadB(states, 16, (i * 4 + 3) * 4 * TILE);
                s0 = context.mma(k, v0, s0, MMAShape.M16N8K16);
                s1 = context.mma(k, v1, s1, MMAShape.M16N8K16);
                s2 = context.mma(k, v2, s2, MMAShape.M16N8K16);
                s3 = context.mma(k, v3, s3, MMAShape.M16N8K16);
                f0 = context.mma(p, v0, f0, MMAShape.M16N8K16);
                f1 = context.mma(p, v1, f1, MMAShape.M16N8K16);
                f2 = context.mma(p, v2, f2, MMAShape.M16N8K16);
                f3 = context.mma(p, v3, f3, MMAShape.M16N8K16);
            }
            context.mmaStore(s0, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) state[j] = total * state[j] + sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(f0, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) sum[j] = sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(s1, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) state[4 + j] = total * state[4 + j] + sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(f1, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) sum[4 + j] = sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(s2, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) state[8 + j] = total * state[8 + j] + sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(f2, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) sum[8 + j] = sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(s3, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) state[12 + j] = total * state[12 + j] + sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(f3, behind, ownRow, ownColumn, BELOW / 8);
            for (int j = 0; j < 4; j++) sum[12 + j] = sums[mine + j % 2 + j / 2 * BELOW];
            for (int i = 0; i < 16; i++) {
                int c = i / 4 * 8 + i % 2;
                if (isOut == 1 && i / 2 % 2 * 8 <= last && c + 2 * quad < width) arena.set(o + i / 2 % 2 * 8 * pitch + c, sum[i]);
            }
            last -= CHUNK;
            o += CHUNK * pitch;
            context.localBarrier();
        }
        for (int i = 0; i < 16; i++) {
            int k = warp * 16 + row + i / 2 % 2 * 8, c = i / 4 * 8 + 2 * quad + i % 2;
            if (k < dk && c < width) s.set(at + c * dk + k, state[i]);
        }
    }

    /** From a lane's place in U to its number i of a chunk that has {@code last} rows more: numbers that are not there are others. */
    private static int ahead(int i, int last, int most, int pitch) {
        return TornadoMath.min(i / 2 % 2 * 8, last) * pitch + TornadoMath.min(i / 4 * 8 + i % 2, most);
    }
}
