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
 * multiplies it is rounded to halves, and so is the copy of S that is multiplied.
 */
final class DeltaTiles {
    private static final int CHUNK = DeltaProducts.CHUNK;
    private static final int WARP = DeltaProducts.WARP;
    private static final int GROUP = DeltaProducts.GROUP;
    private static final int BELOW = DeltaProducts.BELOW;
    /** Columns of S that a group keeps. */
    private static final int SLICE_SHIFT = 5;
    static final int SLICE = 1 << SLICE_SHIFT;
    /** Ints of a tile of 16 x 16 halves and of one of 16 x 8, and of all of W or Q. */
    private static final int LEFT = 128;
    private static final int RIGHT = 64;
    private static final int ALL = 4096;
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
                Pair.of(shape.dk(), shape.dv() << 1 | DeltaRule.tiled(shape)), Pair.of(s.layerStride(), s.slotStride())));
    }

    /**
     * A group for each segment, value head and {@value #SLICE} columns of S, chunk after chunk. Warp w has rows 16 w and on of S; of V' and O
     * it has 16 rows of the chunk and half of the columns. V' is multiplied with P as it is and, faded to the chunk's end, with K^T.
     */
    static void kScanTensor(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray s, IntArray in, long y, long scratch,
                            long shared, long sizes, long strides) {
        int[] tiles = context.allocateIntLocalArray(2 * ALL);
        // S, then twice V'
        int[] states = context.allocateIntLocalArray(32 * RIGHT);
        float[] sums = context.allocateFloatLocalArray(DeltaProducts.HEADER + GROUP / WARP * DeltaProducts.SUMS);
        FloatArray behind = (FloatArray) (Object) sums;
        float[] state = new float[16], u = new float[8], v = new float[8], o = new float[8];
        int[] first = new int[32], second = new int[24];
        int item = context.localIdx, warp = item >> 5 & 7, lane = item & 31, quad = lane & 3, row = lane >> 2, down = warp & 3, side = warp >> 2;
        int sharing = Pair.second(shared), keyHeads = Pair.first(shared), heads = keyHeads * sharing, dk = Pair.first(sizes), dv = Pair.second(sizes) >> 1;
        int slices = (dv + SLICE - 1) >> SLICE_SHIFT, straight = DeltaProducts.straight(lane);
        int from = context.groupIdx % slices * SLICE, head = context.groupIdx / slices % heads, segment = context.groupIdx / slices / heads;
        int keyHead = (Pair.second(sizes) & 1) == 1 ? head % keyHeads : head / sharing;
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
        int ints = DeltaProducts.ints(keyHeads, heads), keyed = number * ints + keyHead * DeltaProducts.KEYED + item;
        int valued = number * ints + keyHeads * DeltaProducts.KEYED + head * DeltaProducts.VALUED + item;
        int pitch = Place.start(y, 1) - Place.start(y, 0), top = Place.start(y, begin + down * 16) + head * dv + from;
        int left = row * pitch + side * 16 + 2 * quad, straightLeft = side * 8 * pitch + lane;
        int chunks = (end - begin + CHUNK - 1) >> DeltaProducts.CHUNK_SHIFT, rows = TornadoMath.max(end - begin, 1);
        int gates = Place.start(scratch, begin) + keyHeads * CHUNK + head, gatePitch = Place.start(scratch, 1) - Place.start(scratch, 0);
        for (int i = 0; i < 16; i++) {
            first[i] = in.get(alive * (valued + i * GROUP));
            first[16 + i] = in.get(alive * (keyed + i * GROUP));
        }
        int most = (dv & SLICE - 1) == 0 ? SLICE : TornadoMath.max(width, 1) - 1 - 2 * quad - side * 16, last = rows - 1 - down * 16 - row;
        int whole = DeltaSystem.ordered(TornadoMath.min(rows, CHUNK), dv);
        for (int i = 0; i < 8; i++)
            if (alive == 1) u[i] = arena.get(top + (whole == 1 ? straightLeft + i * pitch : left + ahead(i, last, most, pitch)));
        int own = warp * DeltaProducts.SUMS + 2 * lane + (lane >> 4), mine = DeltaProducts.HEADER + own, line = down * 16 + row;
        float total = arena.get(gates + (TornadoMath.min(CHUNK, rows) - 1) * gatePitch), high = arena.get(gates + TornadoMath.min(line, rows - 1) * gatePitch);
        float low = arena.get(gates + TornadoMath.min(line + 8, rows - 1) * gatePitch);
        for (int chunk = 0; chunk < chunks; chunk++) {
            for (int i = 0; i < 4; i++) {
                states[(warp * 4 + i) * RIGHT + lane] = Pair.halves(state[4 * i], state[4 * i + 1]);
                states[(warp * 4 + i) * RIGHT + WARP + lane] = Pair.halves(state[4 * i + 2], state[4 * i + 3]);
            }
            for (int i = 0; i < 32; i++) tiles[i * GROUP + item] = first[i];
            context.localBarrier();
            // all that is asked for here is needed behind the products
            for (int i = 0; i < 16; i++) second[i] = in.get(keyed + DeltaProducts.KEYS + i * GROUP);
            for (int i = 0; i < 8; i++) {
                int across = i % 2 * 2 + side, weight = in.get(valued + DeltaProducts.WEIGHTS + (DeltaProducts.triangle(i / 2) + TornadoMath.min(across, i / 2)) * LEFT - side * LEFT);
                second[16 + i] = across <= i / 2 ? weight : 0;
            }
            float[] w0 = context.mmaFragment(0f), w1 = context.mmaFragment(0f), q0 = context.mmaFragment(0f), q1 = context.mmaFragment(0f);
            for (int i = 0; i < 8; i++) {
                HalfFloat[] w = context.mmaLoadA(tiles, 16, (down * 8 + i) * LEFT * 4 + straight), q = context.mmaLoadA(tiles, 16, (ALL + (down * 8 + i) * LEFT) * 4 + straight);
                HalfFloat[] s0 = context.mmaLoadB(states, 16, (i * 4 + side * 2) * RIGHT * 4), s1 = context.mmaLoadB(states, 16, (i * 4 + side * 2 + 1) * RIGHT * 4);
                w0 = context.mma(w, s0, w0, MMAShape.M16N8K16);
                w1 = context.mma(w, s1, w1, MMAShape.M16N8K16);
                q0 = context.mma(q, s0, q0, MMAShape.M16N8K16);
                q1 = context.mma(q, s1, q1, MMAShape.M16N8K16);
            }
            // V' = U - W S
            context.mmaStore(w0, behind, -row, own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) v[j] = u[j] - sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(w1, behind, -row, own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) v[4 + j] = u[4 + j] - sums[mine + j % 2 + j / 2 * BELOW];
            float upper = TornadoMath.exp(high), lower = TornadoMath.exp(low);
            context.mmaStore(q0, behind, -row, own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) o[j] = (j < 2 ? upper : lower) * sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(q1, behind, -row, own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) o[4 + j] = (j < 2 ? upper : lower) * sums[mine + j % 2 + j / 2 * BELOW];
            upper = TornadoMath.exp(TornadoMath.min(total - high, 0f));
            lower = TornadoMath.exp(TornadoMath.min(total - low, 0f));
            context.localBarrier();
            for (int i = 0; i < 16; i++) tiles[i * GROUP + item] = second[i];
            for (int i = 0; i < 8; i++) tiles[ALL + i * GROUP + item] = second[16 + i];
            for (int i = 0; i < 2; i++) {
                int to = (down * 4 + side * 2 + i) * RIGHT + lane;
                states[to] = Pair.halves(v[4 * i], v[4 * i + 1]);
                states[to + WARP] = Pair.halves(v[4 * i + 2], v[4 * i + 3]);
                states[16 * RIGHT + to] = Pair.halves(upper * v[4 * i], upper * v[4 * i + 1]);
                states[16 * RIGHT + to + WARP] = Pair.halves(lower * v[4 * i + 2], lower * v[4 * i + 3]);
            }
            int next = chunk + 1 < chunks ? 1 : 0, place = (chunk + next) * CHUNK;
            float faded = TornadoMath.exp(total);
            keyed += next * ints;
            valued += next * ints;
            for (int i = 0; i < 16; i++) {
                first[i] = in.get(valued + i * GROUP);
                first[16 + i] = in.get(keyed + i * GROUP);
            }
            whole = DeltaSystem.ordered(TornadoMath.min(rows - place, CHUNK), dv);
            for (int i = 0; i < 8; i++)
                if (next == 1) u[i] = arena.get(top + CHUNK * pitch + (whole == 1 ? straightLeft + i * pitch : left + ahead(i, last - CHUNK, most, pitch)));
            total = arena.get(gates + (TornadoMath.min(place + CHUNK, rows) - 1) * gatePitch);
            high = arena.get(gates + TornadoMath.min(place + line, rows - 1) * gatePitch);
            low = arena.get(gates + TornadoMath.min(place + line + 8, rows - 1) * gatePitch);
            context.localBarrier();
            // O comes where U was, which other lanes have read
            context.globalBarrier();
            // S = e^(G_n) S + K^T (e^(G_n - G) V'), O = e^G Q S + P V'
            float[] s0 = context.mmaFragment(0f), s1 = context.mmaFragment(0f), s2 = context.mmaFragment(0f), s3 = context.mmaFragment(0f);
            float[] o0 = context.mmaFragment(0f), o1 = context.mmaFragment(0f);
            for (int i = 0; i < 4; i++) {
                HalfFloat[] k = context.mmaLoadA(tiles, 16, (warp * 4 + i) * LEFT * 4 + straight), p = context.mmaLoadA(tiles, 16, (ALL + (down * 4 + i) * LEFT) * 4 + straight);
                int right = (16 + i * 4) * RIGHT * 4, plain = (i * 4 + side * 2) * RIGHT * 4;
                s0 = context.mma(k, context.mmaLoadB(states, 16, right), s0, MMAShape.M16N8K16);
                s1 = context.mma(k, context.mmaLoadB(states, 16, right + RIGHT * 4), s1, MMAShape.M16N8K16);
                s2 = context.mma(k, context.mmaLoadB(states, 16, right + RIGHT * 8), s2, MMAShape.M16N8K16);
                s3 = context.mma(k, context.mmaLoadB(states, 16, right + RIGHT * 12), s3, MMAShape.M16N8K16);
                o0 = context.mma(p, context.mmaLoadB(states, 16, plain), o0, MMAShape.M16N8K16);
                o1 = context.mma(p, context.mmaLoadB(states, 16, plain + RIGHT * 4), o1, MMAShape.M16N8K16);
            }
            context.mmaStore(o0, behind, -row, own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) o[j] += sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(o1, behind, -row, own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) o[4 + j] += sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(s0, behind, -row, own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) state[j] = faded * state[j] + sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(s1, behind, -row, own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) state[4 + j] = faded * state[4 + j] + sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(s2, behind, -row, own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) state[8 + j] = faded * state[8 + j] + sums[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(s3, behind, -row, own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) state[12 + j] = faded * state[12 + j] + sums[mine + j % 2 + j / 2 * BELOW];
            for (int i = 0; i < 8; i++) {
                int c = i / 4 * 8 + i % 2;
                if (i / 2 % 2 * 8 <= last && c <= most) arena.set(top + left + i / 2 % 2 * 8 * pitch + c, o[i]);
            }
            last -= CHUNK;
            top += CHUNK * pitch;
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
