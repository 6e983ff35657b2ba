package squall.tornado.kernels;

import squall.ops.DeltaShape;
import squall.tornado.Frame;
import squall.tornado.Region;
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
        // tiles of [U | W]; a triangle of A's below the diagonal and T's on it; the diagonal of A, then sums
        int[] tiles = context.allocateIntLocalArray(CHUNK / 16 * ACROSS * SMALL), blocks = context.allocateIntLocalArray(10 * LARGE);
        float[] diagonal = context.allocateFloatLocalArray(HEADER + GROUP / WARP * DeltaProducts.SUMS);
        FloatArray behind = (FloatArray) (Object) diagonal;
        float[] logs = context.allocateFloatLocalArray(CHUNK), betas = context.allocateFloatLocalArray(CHUNK);
        float[] values = new float[32], keys = new float[32], products = new float[16], t = new float[16], x = new float[16];
        int[] both = new int[8];
        int item = context.localIdx, warp = item >> 5 & 7, lane = item & 31, quad = lane & 3;
        int keyHeads = Pair.first(heads), sharing = Pair.second(heads), valueHeads = keyHeads * sharing, dk = Pair.first(sizes), dv = Pair.second(sizes);
        int head = context.groupIdx % valueHeads, keyHead = tiled == 1 ? head % keyHeads : head / sharing;
        int number = context.groupIdx / valueHeads, segment = DeltaProducts.segment(step, number), alive = DeltaProducts.alive(step, segment);
        int begin = DeltaProducts.begin(step, segment, number), n = DeltaProducts.rows(step, segment, begin), last = TornadoMath.max(n - 1, 0);
        int k = Place.start(qkv, begin) + (keyHeads + keyHead) * dk, v = Place.start(qkv, begin) + 2 * keyHeads * dk + head * dv;
        int to = number * DeltaProducts.ints(keyHeads, valueHeads) + keyHeads * DeltaProducts.KEYED + head * DeltaProducts.VALUED + lane;
        int pitch = Place.start(qkv, 1) - Place.start(qkv, 0), whole = ordered(n, dv), own = warp * DeltaProducts.SUMS + 2 * lane + (lane >> 4), mine = HEADER + own;
        // a warp has eight rows of V and K, a lane two neighbours in each half of them; a load would wait for what is stored before it
        int all = longest(dk) * longest(dv) * (n == CHUNK ? 1 : 0), square = Place.start(scratch, 1) - Place.start(scratch, 0);
        if (all == 1) read(arena, v + warp * 8 * pitch + 2 * lane, k + warp * 8 * pitch + 2 * lane, pitch, values, keys);
        if (all == 0) read(arena, v, k, pitch, warp * 8, last, 2 * lane, dv, dk, values, keys);
        int down = warp & 3, high = down * 16 + (lane >> 2), beside = (warp >> 2) * 32 + 2 * quad;
        if (n == CHUNK) read(arena, Place.start(scratch, begin + warp * 8) + keyHead * CHUNK + lane, square, products);
        if (n < CHUNK) read(arena, Place.start(scratch, begin) + keyHead * CHUNK + beside, square, high, last, products);
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
            int across = (warp >> 2) * 2 + side, part = (DeltaProducts.triangle(down) + across) * LARGE + lane, onDiagonal = down * BLOCK + (lane >> 2) * PITCH + 2 * quad;
            if (across <= down)
                for (int i = 4 * side; i < 4 * side + 4; i++) {
                    int r = high + i % 2 * 8, c = beside + i / 2 * 8, place = onDiagonal + i % 2 * 8 * PITCH + i / 2 % 2 * 8;
                    float one = coupled(betas[r], products[2 * i], logs[r], logs[c], r - c), next = coupled(betas[r], products[2 * i + 1], logs[r], logs[c + 1], r - c - 1);
                    if (across < down) blocks[part + i / 2 % 2 * SMALL + i % 2 * WARP] = Pair.halves(one, next);
                    if (across == down) diagonal[place] = one;
                    if (across == down) diagonal[place + 1] = next;
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
            if (item < CHUNK) blocks[onDiagonal(block) * LARGE + line * 8 + i] = Pair.halves(t[2 * i], t[2 * i + 1]);
        context.localBarrier();
        // -T_i A_ij, a block to a warp
        int pair = TornadoMath.min(warp, 5), rowOfIt = pair < 1 ? 1 : pair < 3 ? 2 : 3, tile = (pair + rowOfIt) * LARGE, at = tile + lane / 4 * 8 + quad;
        HalfFloat[] left = context.mmaLoadA(blocks, 16, onDiagonal(rowOfIt) * LARGE * 4);
        float[] a0 = context.mma(left, context.mmaLoadB(blocks, 16, tile * 4), context.mmaFragment(0f), MMAShape.M16N8K16);
        float[] a1 = context.mma(left, context.mmaLoadB(blocks, 16, (tile + SMALL) * 4), context.mmaFragment(0f), MMAShape.M16N8K16);
        context.localBarrier();
        for (int c = 0; c < 2; c++) {
            context.mmaStore(Fragments.number(c, a0, a1), behind, -(lane >> 2), own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) x[4 * c + j] = diagonal[mine + j % 2 + j / 2 * BELOW];
        }
        for (int j = 0; j < 4; j++)
            if (warp < 6) blocks[at + j / 2 * 4 + j % 2 * 64] = Pair.halves(-x[2 * j], -x[2 * j + 1]);
        context.localBarrier();
        int u = Place.start(y, begin) + head * dv + warp * 32, pitchOfU = Place.start(y, 1) - Place.start(y, 0), columns = dv - warp * 32;
        long weights = Ahead.of(to + (warp - 4) * 256);
        for (int i = 0; i < CHUNK / 16; i++) {
            float[] x0 = context.mmaFragment(0f), x1 = context.mmaFragment(0f), x2 = context.mmaFragment(0f), x3 = context.mmaFragment(0f);
            // T_i B_i, then the blocks beside it
            for (int turn = 0; turn <= i; turn++) {
                int j = turn == 0 ? i : turn - 1, right = (j * ACROSS + warp * 4) * SMALL * 4;
                HalfFloat[] a = context.mmaLoadA(blocks, 16, (DeltaProducts.triangle(i) + j) * LARGE * 4);
                x0 = context.mma(a, context.mmaLoadB(tiles, 16, right), x0, MMAShape.M16N8K16);
                x1 = context.mma(a, context.mmaLoadB(tiles, 16, right + SMALL * 4), x1, MMAShape.M16N8K16);
                x2 = context.mma(a, context.mmaLoadB(tiles, 16, right + SMALL * 8), x2, MMAShape.M16N8K16);
                x3 = context.mma(a, context.mmaLoadB(tiles, 16, right + SMALL * 12), x3, MMAShape.M16N8K16);
            }
            for (int c = 0; c < 4; c++) {
                context.mmaStore(Fragments.number(c, x0, x1, x2, x3), behind, -(lane >> 2), own - 2 * quad, BELOW / 8);
                for (int j = 0; j < 4; j++) x[4 * c + j] = diagonal[mine + j % 2 + j / 2 * BELOW];
            }
            context.localBarrier();
            if (whole == 1 && columns > 0) leave(arena, u + lane, pitchOfU, i * 16, x);
            if (whole == 0) leave(arena, u, pitchOfU, i * 16 + (lane >> 2), n, 2 * quad, columns, x);
            for (int j = 0; j < 8; j++) {
                both[j] = Pair.halves(x[2 * j], x[2 * j + 1]);
                tiles[(i * ACROSS + warp * 4 + j / 2) * SMALL + j % 2 * WARP + lane] = both[j];
            }
            if (alive == 1 && warp >= 4) for (int j = 0; j < 8; j++) out.set(Ahead.index(weights, i * 1024 + j * WARP), both[j]);
            context.localBarrier();
        }
    }

    /** Two neighbours in both halves of V and of K, of eight rows, all of which are there. */
    private static void read(FloatArray arena, int v, int k, int pitch, float[] values, float[] keys) {
        long valuesAt = Ahead.of(v), keysAt = Ahead.of(k);
        for (int i = 0; i < 32; i++) {
            values[i] = arena.get(Ahead.index(valuesAt, i / 4 * pitch + i / 2 % 2 * 64 + i % 2));
            keys[i] = arena.get(Ahead.index(keysAt, i / 4 * pitch + i / 2 % 2 * 64 + i % 2));
        }
    }

    /** The same, elements d and on from row {@code first} on: rows behind the last one are it, elements behind a row's end zeros. */
    private static void read(FloatArray arena, int v, int k, int pitch, int first, int last, int d, int dv, int dk, float[] values, float[] keys) {
        for (int i = 0; i < 32; i++) {
            int r = TornadoMath.min(first + i / 4, last) * pitch, c = i / 2 % 2 * 64 + d + i % 2;
            values[i] = read(arena, v + r, c, dv);
            keys[i] = read(arena, k + r, c, dk);
        }
    }

    /** K K^T of a whole chunk as {@link DeltaProducts} leaves it. */
    private static void read(FloatArray arena, int at, int pitch, float[] products) {
        long productsAt = Ahead.of(at);
        for (int i = 0; i < 16; i++) products[i] = arena.get(Ahead.index(productsAt, i / 2 * pitch + i % 2 * WARP));
    }

    /** A lane's part of K K^T from row {@code first} on: rows behind the last one are it. */
    private static void read(FloatArray arena, int at, int pitch, int first, int last, float[] products) {
        for (int i = 0; i < 16; i++) products[i] = arena.get(at + TornadoMath.min(first + i / 2 % 2 * 8, last) * pitch + i / 4 * 8 + i % 2);
    }

    /** 16 rows of U from row {@code first} on as {@link #ordered} says. */
    private static void leave(FloatArray arena, int at, int pitch, int first, float[] u) {
        long straight = Ahead.of(at);
        for (int i = 0; i < 16; i++) arena.set(Ahead.index(straight, (first + i) * pitch), u[i]);
    }

    /**
     * A lane's part of 16 rows of U to their places, from row {@code first} of a chunk of n and column d of so many on: values of less than 128
     * elements leave warps with fewer columns or none, and behind them the next head's begin.
     */
    private static void leave(FloatArray arena, int at, int pitch, int first, int n, int d, int columns, float[] u) {
        for (int i = 0; i < 16; i++) {
            int r = first + i / 2 % 2 * 8, c = d + i / 4 * 8 + i % 2;
            if (r < n && c < columns) arena.set(at + r * pitch + c, u[i]);
        }
    }

    /** Which tile of the triangle is T of a block. */
    private static int onDiagonal(int block) {
        return DeltaProducts.triangle(block) + block;
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
