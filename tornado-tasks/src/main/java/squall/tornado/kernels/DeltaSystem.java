package squall.tornado.kernels;

import squall.ops.DeltaShape;
import squall.tornado.Frame;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * {@link DeltaChunks} on tensor cores, second task: W as an operand of {@link DeltaTiles}, and U in float32 where O will be, in an order of
 * its own where there is room for all of it: see {@link #ordered}. With T_i the inverse of block i of 16 x 16 on the diagonal of I + A, row block i of [U | W] is {@code T_i B_i - sum_j (T_i A_ij) X_j}: no inverse of
 * more than 16 rows is made, so that keys which are alike lose no digits.
 */
final class DeltaSystem {
    private static final int CHUNK = DeltaProducts.CHUNK;
    private static final int WARP = DeltaProducts.WARP;
    /** Eight warps, each for 32 of the columns of [U | W]. */
    private static final int GROUP = DeltaProducts.GROUP;
    private static final int SMALL = DeltaProducts.SMALL;
    private static final int HEADER = DeltaProducts.HEADER;
    private static final int BELOW = DeltaProducts.BELOW;
    /** Ints of a tile of 16 x 16, row by row, with a gap; and tiles of [U | W] from a row block to the next. */
    private static final int LARGE = 2 * SMALL;
    private static final int ACROSS = 2 * DeltaProducts.LONGEST / 8;
    /** Floats of a block on the diagonal, and from a row to the next. */
    private static final int BLOCK = 272;
    private static final int PITCH = 17;

    private DeltaSystem() {}

    static void record(Tape tape, Region y, Region qkv, Region beta, DeltaShape shape, Region scratch) {
        Frame f = tape.frame();
        tape.add("deltaSystem", DeltaProducts.perChunk(shape.valueHeads(), GROUP), (graph, id) -> graph.task(id, DeltaSystem::kDeltaSystem, f.context(),
                f.arena(), f.step(), f.scratch().pairs(), Place.of(y), Place.of(qkv), Place.of(beta), Place.of(scratch),
                DeltaProducts.heads(shape), Pair.of(shape.dk(), shape.dv()), DeltaRule.tiled(shape)));
    }

    /** A group for each chunk and value head: U and W. */
    static void kDeltaSystem(KernelContext context, FloatArray arena, IntArray step, IntArray out, long y, long qkv, long beta, long scratch,
                            long heads, long sizes, int tiled) {
        int[] tiles = context.allocateIntLocalArray(CHUNK / 16 * ACROSS * SMALL);
        int[] blocks = context.allocateIntLocalArray(6 * LARGE);
        int[] inverses = context.allocateIntLocalArray(4 * LARGE);
        // the diagonal, then sums
        float[] diagonal = context.allocateFloatLocalArray(HEADER + GROUP / WARP * DeltaProducts.SUMS);
        FloatArray behind = (FloatArray) (Object) diagonal;
        float[] logs = context.allocateFloatLocalArray(CHUNK);
        float[] betas = context.allocateFloatLocalArray(CHUNK);
        float[] values = new float[32], keys = new float[32], products = new float[16];
        float[] t = new float[16];
        float[] x = new float[16];
        int[] both = new int[8];
        int item = context.localIdx, warp = item >> 5 & 7, lane = item & 31, quad = lane & 3;
        int keyHeads = Pair.first(heads), sharing = Pair.second(heads), valueHeads = keyHeads * sharing, dk = Pair.first(sizes), dv = Pair.second(sizes);
        int head = context.groupIdx % valueHeads, number = context.groupIdx / valueHeads, chunk = number;
        int keyHead = tiled == 1 ? head % keyHeads : head / sharing;
        int segments = step.get(StepArray.SEGMENTS), segment = 0;
        while (segment < segments && chunk >= DeltaProducts.chunks(step, segment)) {
            chunk -= DeltaProducts.chunks(step, segment);
            segment++;
        }
        int alive = segment < segments ? 1 : 0, record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = alive * (step.get(record + StepArray.SEGMENT_BEGIN) + chunk * CHUNK);
        int n = alive * TornadoMath.min(CHUNK, step.get(record + StepArray.SEGMENT_END) - begin), last = TornadoMath.max(n - 1, 0);
        int k = Place.start(qkv, begin) + (keyHeads + keyHead) * dk, v = Place.start(qkv, begin) + 2 * keyHeads * dk + head * dv;
        int pitch = Place.start(qkv, 1) - Place.start(qkv, 0), whole = ordered(n, dv);
        int to = number * DeltaProducts.ints(keyHeads, valueHeads) + keyHeads * DeltaProducts.KEYED + head * DeltaProducts.VALUED + lane;
        int own = warp * DeltaProducts.SUMS + 2 * lane + (lane >> 4), mine = HEADER + own;
        // a warp has eight rows of V and K, a lane two neighbours in each half of them; a load would wait for what is stored before it
        int all = longest(dk) * longest(dv) * (n == CHUNK ? 1 : 0), square = Place.start(scratch, 1) - Place.start(scratch, 0);
        if (all == 1) {
            long valuesAt = Ahead.of(v + warp * 8 * pitch + 2 * lane), keysAt = Ahead.of(k + warp * 8 * pitch + 2 * lane);
            for (int i = 0; i < 32; i++) {
                values[i] = arena.get(Ahead.index(valuesAt, i / 4 * pitch + i / 2 % 2 * 64 + i % 2));
                keys[i] = arena.get(Ahead.index(keysAt, i / 4 * pitch + i / 2 % 2 * 64 + i % 2));
            }
        }
        if (all == 0) {
            for (int i = 0; i < 32; i++) {
                int r = TornadoMath.min(warp * 8 + i / 4, last) * pitch, c = i / 2 % 2 * 64 + 2 * lane + i % 2;
                values[i] = read(arena, v + r, c, dv);
                keys[i] = read(arena, k + r, c, dk);
            }
        }
        int down = warp & 3, high = down * 16 + (lane >> 2), beside = (warp >> 2) * 32 + 2 * quad;
        long productsAt = Ahead.of(Place.start(scratch, begin + warp * 8) + keyHead * CHUNK + lane);
        if (n == CHUNK) for (int i = 0; i < 16; i++) products[i] = arena.get(Ahead.index(productsAt, i / 2 * square + i % 2 * WARP));
        if (n < CHUNK) for (int i = 0; i < 16; i++) products[i] = arena.get(Place.start(scratch, begin + TornadoMath.min(high + i / 2 % 2 * 8, last)) + keyHead * CHUNK + beside + i / 4 * 8 + i % 2);
        int row = item % CHUNK, source = begin + TornadoMath.min(row, last);
        float upTo = arena.get(Place.start(scratch, source) + keyHeads * CHUNK + head), written = arena.get(Place.start(beta, source) + head);
        if (item < CHUNK) logs[row] = upTo;
        if (item < CHUNK) betas[row] = row < n ? written : 0f;
        context.localBarrier();
        for (int i = 0; i < 16; i++) {
            int r = warp * 8 + i / 2, place = ((warp >> 1) * ACROSS + i % 2 * 8 + (lane >> 2)) * SMALL + r % 16 * 4 + quad;
            float share = betas[r], early = share * TornadoMath.exp(logs[r]);
            tiles[place] = Pair.halves(share * values[2 * i], share * values[2 * i + 1]);
            tiles[place + 16 * SMALL] = Pair.halves(early * keys[2 * i], early * keys[2 * i + 1]);
        }
        // A, of which the blocks on the diagonal stay in float32
        for (int side = 0; side < 2; side++) {
            int across = (warp >> 2) * 2 + side, part = (DeltaProducts.triangle(down - 1) + across) * LARGE + lane, onDiagonal = down * BLOCK + (lane >> 2) * PITCH + 2 * quad;
            if (across < down)
                for (int i = 4 * side; i < 4 * side + 4; i++) {
                    int r = high + i % 2 * 8, c = beside + i / 2 * 8;
                    blocks[part + i / 2 % 2 * SMALL + i % 2 * WARP] = Pair.halves(coupled(betas[r], products[2 * i], logs[r], logs[c], r - c), coupled(betas[r], products[2 * i + 1], logs[r], logs[c + 1], r - c - 1));
                }
            if (across == down)
                for (int i = 4 * side; i < 4 * side + 4; i++) {
                    int r = high + i % 2 * 8, c = beside + i / 2 * 8;
                    diagonal[onDiagonal + i % 2 * 8 * PITCH + i / 2 % 2 * 8] = coupled(betas[r], products[2 * i], logs[r], logs[c], r - c);
                    diagonal[onDiagonal + i % 2 * 8 * PITCH + i / 2 % 2 * 8 + 1] = coupled(betas[r], products[2 * i + 1], logs[r], logs[c + 1], r - c - 1);
                }
        }
        context.localBarrier();
        // row by row the inverse of I + A: t (I + A) = e_row, from the last element to the first
        int block = item / 16 % 4, line = item % 16;
        if (item < CHUNK)
            for (int c = 15; c >= 0; c--) {
                float sum = c == line ? 1f : 0f;
                for (int i = c + 1; i < 16; i++) sum -= t[i] * diagonal[block * BLOCK + i * PITCH + c];
                t[c] = c <= line ? sum : 0f;
            }
        for (int i = 0; i < 8; i++)
            if (item < CHUNK) inverses[block * LARGE + line * 8 + i] = Pair.halves(t[2 * i], t[2 * i + 1]);
        context.localBarrier();
        // -T_i A_ij, a block to a warp
        int pair = TornadoMath.min(warp, 5), at = pair * LARGE + lane / 4 * 8 + quad;
        HalfFloat[] left = context.mmaLoadA(inverses, 16, (pair < 1 ? 1 : pair < 3 ? 2 : 3) * LARGE * 4);
        float[] a0 = context.mma(left, context.mmaLoadB(blocks, 16, pair * LARGE * 4), context.mmaFragment(0f), MMAShape.M16N8K16);
        float[] a1 = context.mma(left, context.mmaLoadB(blocks, 16, (pair * LARGE + SMALL) * 4), context.mmaFragment(0f), MMAShape.M16N8K16);
        context.localBarrier();
        context.mmaStore(a0, behind, -(lane >> 2), own - 2 * quad, BELOW / 8);
        int upper = Pair.halves(-diagonal[mine], -diagonal[mine + 1]), lower = Pair.halves(-diagonal[mine + BELOW], -diagonal[mine + BELOW + 1]);
        context.mmaStore(a1, behind, -(lane >> 2), own - 2 * quad, BELOW / 8);
        if (warp < 6) {
            blocks[at] = upper;
            blocks[at + 64] = lower;
            blocks[at + 4] = Pair.halves(-diagonal[mine], -diagonal[mine + 1]);
            blocks[at + 68] = Pair.halves(-diagonal[mine + BELOW], -diagonal[mine + BELOW + 1]);
        }
        context.localBarrier();
        int natural = head * dv + warp * 32 + 2 * quad, pitchOfU = Place.start(y, 1) - Place.start(y, 0);
        long straight = Ahead.of(Place.start(y, begin) + head * dv + warp * 32 + lane), weights = Ahead.of(to + (warp - 4) * 256);
        for (int i = 0; i < CHUNK / 16; i++) {
            HalfFloat[] a = context.mmaLoadA(inverses, 16, i * LARGE * 4);
            int right = (i * ACROSS + warp * 4) * SMALL * 4;
            float[] x0 = context.mma(a, context.mmaLoadB(tiles, 16, right), context.mmaFragment(0f), MMAShape.M16N8K16);
            float[] x1 = context.mma(a, context.mmaLoadB(tiles, 16, right + SMALL * 4), context.mmaFragment(0f), MMAShape.M16N8K16);
            float[] x2 = context.mma(a, context.mmaLoadB(tiles, 16, right + SMALL * 8), context.mmaFragment(0f), MMAShape.M16N8K16);
            float[] x3 = context.mma(a, context.mmaLoadB(tiles, 16, right + SMALL * 12), context.mmaFragment(0f), MMAShape.M16N8K16);
            for (int j = 0; j < i; j++) {
                a = context.mmaLoadA(blocks, 16, (DeltaProducts.triangle(i - 1) + j) * LARGE * 4);
                right = (j * ACROSS + warp * 4) * SMALL * 4;
                x0 = context.mma(a, context.mmaLoadB(tiles, 16, right), x0, MMAShape.M16N8K16);
                x1 = context.mma(a, context.mmaLoadB(tiles, 16, right + SMALL * 4), x1, MMAShape.M16N8K16);
                x2 = context.mma(a, context.mmaLoadB(tiles, 16, right + SMALL * 8), x2, MMAShape.M16N8K16);
                x3 = context.mma(a, context.mmaLoadB(tiles, 16, right + SMALL * 12), x3, MMAShape.M16N8K16);
            }
            context.mmaStore(x0, behind, -(lane >> 2), own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) x[j] = diagonal[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(x1, behind, -(lane >> 2), own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) x[4 + j] = diagonal[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(x2, behind, -(lane >> 2), own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) x[8 + j] = diagonal[mine + j % 2 + j / 2 * BELOW];
            context.mmaStore(x3, behind, -(lane >> 2), own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) x[12 + j] = diagonal[mine + j % 2 + j / 2 * BELOW];
            context.localBarrier();
            // values of less than 128 elements leave warps without columns, whose places are the next head's
            if (whole == 1 && warp * 32 < dv) for (int u = 0; u < 16; u++) arena.set(Ahead.index(straight, (i * 16 + u) * pitchOfU), x[u]);
            if (whole == 0 && warp * 32 < dv)
                for (int u = 0; u < 16; u++) {
                    int r = i * 16 + (lane >> 2) + u / 2 % 2 * 8, c = natural + u / 4 * 8 + u % 2;
                    if (r < n && c < (head + 1) * dv) arena.set(Place.start(y, begin + r) + c, x[u]);
                }
            for (int u = 0; u < 8; u++) {
                both[u] = Pair.halves(x[2 * u], x[2 * u + 1]);
                tiles[(i * ACROSS + warp * 4 + u / 2) * SMALL + u % 2 * WARP + lane] = both[u];
            }
            if (alive == 1 && warp >= 4) for (int u = 0; u < 8; u++) out.set(Ahead.index(weights, i * 1024 + u * WARP), both[u]);
            context.localBarrier();
        }
    }

    /**
     * 1 if U of a chunk lies as its tiles do: number i of lane l of 16 rows and {@link DeltaTiles}' columns of S is in row i, column l of
     * them, so that a warp reads and writes whole lines. Else every number has its own place.
     */
    static int ordered(int rows, int dv) {
        return (rows == CHUNK ? 1 : 0) & ((dv & DeltaTiles.SLICE - 1) == 0 ? 1 : 0);
    }

    /** An element of A, of rows {@code later} apart. */
    private static float coupled(float beta, float product, float upToI, float upToJ, int later) {
        return beta * DeltaProducts.fade(product, upToI, upToJ, later - 1);
    }

    /** 1 if keys or values of this size leave no lane without elements. */
    private static int longest(int size) {
        return size == DeltaProducts.LONGEST ? 1 : 0;
    }

    /** Element c of so many, or 0. */
    private static float read(FloatArray arena, int at, int c, int size) {
        float value = arena.get(at + TornadoMath.min(c, size - 1));
        return c < size ? value : 0f;
    }
}
