package squall.tornado.kernels;

import squall.ops.DeltaShape;
import squall.tornado.Frame;
import squall.tornado.Grid;
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
 * {@link DeltaChunks} on tensor cores, first task, in chunks of {@value #CHUNK} rows: what needs neither S nor the system of equations, laid out
 * in halves as {@link DeltaTiles} multiplies it. A chunk has so many ints, pairs of halves:
 * <pre>
 *   {@value #KEYED} of each key head:    Q  rows x keys, K^T  keys x rows
 *   {@value #VALUED} of each value head:  W  rows x keys, made by {@link DeltaSystem}, P  rows x rows, the tiles of its lower triangle
 * </pre>
 * all of left tiles: 16 x 16 halves in 128 ints, which are four matrices of 8 x 8, upper left, lower left, upper right, lower right, each row by
 * row. So a warp's sums of 16 x 8 are two matrices, a lane's number in both its own, and a left tile is two right ones, of 16 x 8, row by row.
 * K K^T and G stay in float32, in a scratch; K K^T of a whole chunk as lanes have it, number i of lane l of 16 x 32 in row i / 2, column
 * i % 2 * 32 + l of eight rows.
 */
final class DeltaProducts {
    static final int CHUNK_SHIFT = 6;
    static final int CHUNK = 1 << CHUNK_SHIFT;
    /** The most elements of a key and of a value, and value heads that share a key. */
    static final int LONGEST = 128;
    private static final int MOST_SHARING = 4;

    /** Ints of a key head, and where K^T is among them; ints of a value head, and where P is. */
    static final int KEYED = 8192;
    static final int KEYS = 4096;
    static final int VALUED = 5376;
    static final int WEIGHTS = 4096;

    static final int WARP = 32;
    /** Work-items of a group of the other tasks, and of this one's: sixteen warps, eight for either half of the columns, four of them for K K^T. */
    static final int GROUP = 256;
    private static final int ITEMS = 512;
    /** Floats of local memory for a warp's 16 x 8 sums, lane by lane, and from a row's sums to those of the row eight below. */
    static final int SUMS = 138;
    static final int BELOW = 72;
    /** A FloatArray over local memory has its first element behind a header. */
    static final int HEADER = 4;
    /** Ints of a right tile, 16 x 8 halves, with a gap that keeps neighbours out of each other's banks of local memory. */
    static final int SMALL = 68;
    /** Ints of a left tile here, and from one of its matrices to the next: with gaps too. */
    private static final int LARGE = 164;
    private static final int MATRIX = 40;
    /** Where the tiles of half of Q are in local memory, behind those of K, and those of K^T. */
    private static final int Q_TILES = 16 * LARGE;
    private static final int K_TILES = 2 * Q_TILES;

    private DeltaProducts() {}

    static boolean serves(DeltaShape shape) {
        return shape.dk() <= LONGEST && shape.dv() <= LONGEST && shape.valueHeads() / shape.keyHeads() <= MOST_SHARING;
    }

    /** Floats of scratch that a row takes: K K^T of each key head, then G of each value head. */
    static int scratchWidth(DeltaShape shape) {
        return shape.keyHeads() * CHUNK + shape.valueHeads();
    }

    static void record(Tape tape, Region qkv, Region g, DeltaShape shape, Region scratch) {
        Frame f = tape.frame();
        f.scratch().needChunks(f.maxRows() / CHUNK, ints(shape.keyHeads(), shape.valueHeads()));
        tape.add("deltaProducts", perChunk(shape.keyHeads(), ITEMS), (graph, id) -> graph.task(id, DeltaProducts::kDeltaProducts, f.context(), f.arena(),
                f.step(), f.scratch().pairs(), Place.of(qkv), Place.of(g), Place.of(scratch), heads(shape),
                Pair.of(shape.dk(), shape.dv()), DeltaRule.tiled(shape)));
    }

    /** Key heads, and the value heads that share each. */
    static long heads(DeltaShape shape) {
        return Pair.of(shape.keyHeads(), shape.valueHeads() / shape.keyHeads());
    }

    static Grid perChunk(int heads, int group) {
        return new Grid((rows, segments) -> (rows / CHUNK + segments) * heads, group);
    }

    /** A group for each chunk and key head: its products, and Q and K in tiles. */
    static void kDeltaProducts(KernelContext context, FloatArray arena, IntArray step, IntArray out, long qkv, long g, long scratch,
                               long heads, long sizes, int tiled) {
        int[] tiles = context.allocateIntLocalArray(K_TILES + 32 * SMALL);
        float[] logs = context.allocateFloatLocalArray(MOST_SHARING * CHUNK);
        float[] sums = context.allocateFloatLocalArray(HEADER + ITEMS / WARP * SUMS);
        FloatArray behind = (FloatArray) (Object) sums;
        float[] ks = new float[8], qs = new float[8], p = new float[16];
        int item = context.localIdx, warp = item >> 5 & 15, lane = item & 31, quad = lane & 3;
        int keyHeads = Pair.first(heads), sharing = Pair.second(heads), valueHeads = keyHeads * sharing, dk = Pair.first(sizes);
        int keyHead = context.groupIdx % keyHeads, number = context.groupIdx / keyHeads, segment = segment(step, number), alive = alive(step, segment);
        int begin = begin(step, segment, number), n = rows(step, segment, begin), last = TornadoMath.max(n - 1, 0), served = alive * sharing;
        int q = Place.start(qkv, begin) + keyHead * dk, k = q + keyHeads * dk, pitch = Place.start(qkv, 1) - Place.start(qkv, 0);
        int base = number * ints(keyHeads, valueHeads), to = base + keyHead * KEYED;
        int kk = Place.start(scratch, begin) + keyHead * CHUNK, kkPitch = Place.start(scratch, 1) - Place.start(scratch, 0);
        int own = warp * SUMS + 2 * lane + (lane >> 4), mine = HEADER + own, straight = (lane >> 3) * 4 * MATRIX + (lane & 7) * 16 - plain(lane);
        // G from the last row to the first: a lane adds what lanes behind it have
        int row = CHUNK - 1 - item % CHUNK, sharer = head(keyHead, TornadoMath.min(item / CHUNK, sharing - 1), keyHeads, sharing, tiled);
        float log = arena.get(Place.start(g, begin + TornadoMath.min(row, last)) + sharer), upTo = row < n ? log : 0f;
        int whole = (n == CHUNK ? 1 : 0) * (dk == LONGEST ? 1 : 0);
        long keysAt = Ahead.of(k + warp * 4 * pitch + 2 * lane);
        if (whole == 1) read(arena, keysAt, pitch, 0, -keyHeads * dk, ks, qs);
        if (whole == 0) read(arena, k, q, pitch, warp * 4, last, 2 * lane, dk, ks, qs);
        upTo = fromHere(context, lane, upTo);
        int first = item % (MOST_SHARING * CHUNK) / CHUNK * CHUNK;
        if (item < MOST_SHARING * CHUNK) logs[first + row] = upTo;
        context.localBarrier();
        upTo += row >= WARP ? logs[first + WARP - 1] : 0f;
        if (item < MOST_SHARING * CHUNK && row >= WARP) logs[first + row] = upTo;
        if (row < n && item / CHUNK < sharing) arena.set(kk + row * kkPitch + (keyHeads - keyHead) * CHUNK + sharer, upTo);
        float[] f0 = context.mmaFragment(0f), f1 = context.mmaFragment(0f), f2 = context.mmaFragment(0f), f3 = context.mmaFragment(0f);
        int wide = warp >> 3, in = item & 127;
        for (int half = 0; half < 2; half++) {
            context.localBarrier();
            int place = ((warp >> 2) * 4 + (lane >> 3)) * LARGE + ((warp >> 1 & 1) + (lane >> 2 & 1) * 2) * MATRIX + (warp & 1) * 16 + quad;
            int right = K_TILES + ((warp >> 1) * 4 + (lane >> 3)) * SMALL + (lane & 7) * 8 + (warp & 1) * 2;
            // i / 4 is a pair of rows, i / 2 % 2 one of it, i % 2 one of the neighbours
            for (int i = 0; i < 8; i++) {
                float live = TornadoMath.min(TornadoMath.max(n - warp * 4 - i / 2, 0), 1) * TornadoMath.min(TornadoMath.max(dk - half * 64 - 2 * lane - i % 2, 0), 1);
                ks[i] = live * ks[i];
                qs[i] = live * qs[i];
            }
            for (int i = 0; i < 4; i++) {
                tiles[place + i * 4] = Pair.halves(ks[2 * i], ks[2 * i + 1]);
                tiles[Q_TILES + place + i * 4] = Pair.halves(qs[2 * i], qs[2 * i + 1]);
            }
            for (int i = 0; i < 4; i++) tiles[right + i % 2 * 4 + i / 2] = Pair.halves(ks[i / 2 * 4 + i % 2], ks[i / 2 * 4 + 2 + i % 2]);
            context.localBarrier();
            // the second half is on its way while the first is multiplied
            if (half == 0 && whole == 1) read(arena, keysAt, pitch, 64, 64 - keyHeads * dk, ks, qs);
            if (half == 0 && whole == 0) read(arena, k, q, pitch, warp * 4, last, 64 + 2 * lane, dk, ks, qs);
            long operands = Ahead.of(to + (warp >> 2) * 128 + in);
            if (alive == 1)
                for (int i = 0; i < 4; i++) {
                    int left = tiles[Q_TILES + (4 * i + (warp >> 2)) * LARGE + (in >> 5) * MATRIX + lane];
                    int turned = tiles[K_TILES + ((warp >> 2) * 8 + (in >> 6) * 4 + i) * SMALL + (in & 63)];
                    out.set(Ahead.index(operands, (i * 8 + half * 4) * 128), left);
                    out.set(Ahead.index(operands, KEYS + (half * 16 + 4 * i) * 128), turned);
                }
            for (int i = 0; i < 4; i++) {
                HalfFloat[] a = context.mmaLoadA(tiles, 16, ((warp & 7) * 4 + i) * LARGE * 4 + straight);
                int b = (K_TILES + (wide * 16 + i) * SMALL) * 4;
                f0 = context.mma(a, context.mmaLoadB(tiles, 16, b), f0, MMAShape.M16N8K16);
                f1 = context.mma(a, context.mmaLoadB(tiles, 16, b + SMALL * 16), f1, MMAShape.M16N8K16);
                f2 = context.mma(a, context.mmaLoadB(tiles, 16, b + 2 * SMALL * 16), f2, MMAShape.M16N8K16);
                f3 = context.mma(a, context.mmaLoadB(tiles, 16, b + 3 * SMALL * 16), f3, MMAShape.M16N8K16);
            }
        }
        for (int c = 0; c < 4; c++) {
            context.mmaStore(Fragments.number(c, f0, f1, f2, f3), behind, -(lane >> 2), own - 2 * quad, BELOW / 8);
            for (int j = 0; j < 4; j++) p[4 * c + j] = sums[mine + j % 2 + j / 2 * BELOW];
        }
        int down = warp & 3, high = down * 16 + (lane >> 2), weighed = (warp & 7) < 4 ? 0 : served;
        // K K^T of a whole chunk in whole lines: a warp has eight rows of the scratch
        long squareAt = Ahead.of(kk + (wide * 4 + down) * 8 * kkPitch + lane);
        if ((warp & 7) < 4 && n == CHUNK) for (int i = 0; i < 16; i++) arena.set(Ahead.index(squareAt, i / 2 * kkPitch + i % 2 * WARP), p[i]);
        if ((warp & 7) < 4 && n < CHUNK) square(arena, kk + wide * 32 + 2 * quad, kkPitch, high, n, p);
        for (int s = 0; s < weighed; s++) {
            int weights = base + keyHeads * KEYED + head(keyHead, s, keyHeads, sharing, tiled) * VALUED + WEIGHTS + (triangle(down) + wide * 2) * 128 + lane;
            long weightsAt = Ahead.of(weights);
            for (int t = 0; t < 2; t++)
                if (wide * 2 + t <= down)
                    for (int i = 4 * t; i < 4 * t + 4; i++) {
                        int c = wide * 32 + i / 2 * 8 + 2 * quad, of = s * CHUNK + c, r = high + i % 2 * 8;
                        float upToR = logs[s * CHUNK + r];
                        out.set(Ahead.index(weightsAt, i * WARP), Pair.halves(fade(p[2 * i], upToR, logs[of], r - c), fade(p[2 * i + 1], upToR, logs[of + 1], r - c - 1)));
                    }
        }
    }

    /** Of K and of Q two neighbours of each of four rows, all of which are there, {@code k} and {@code q} ahead of a place. */
    private static void read(FloatArray arena, long at, int pitch, int k, int q, float[] ks, float[] qs) {
        for (int i = 0; i < 8; i++) ks[i] = arena.get(Ahead.index(at, i / 2 * pitch + k + i % 2));
        for (int i = 0; i < 8; i++) qs[i] = arena.get(Ahead.index(at, i / 2 * pitch + q + i % 2));
    }

    /** The same, elements d and on from row {@code first} on: rows behind the last one are it, elements behind a row's end its last. */
    private static void read(FloatArray arena, int k, int q, int pitch, int first, int last, int d, int dk, float[] ks, float[] qs) {
        for (int i = 0; i < 8; i++) ks[i] = arena.get(k + inside(i, pitch, first, last, d, dk));
        for (int i = 0; i < 8; i++) qs[i] = arena.get(q + inside(i, pitch, first, last, d, dk));
    }

    private static int inside(int i, int pitch, int first, int last, int d, int dk) {
        return TornadoMath.min(first + i / 2, last) * pitch + TornadoMath.min(d + i % 2, dk - 1);
    }

    /** What this lane and those behind it have together. */
    private static float fromHere(KernelContext context, int lane, float x) {
        float sum = x;
        for (int distance = 1; distance < WARP; distance *= 2) {
            float there = context.simdShuffleDown(sum, distance);
            sum += lane + distance < WARP ? there : 0f;
        }
        return sum;
    }

    /** Ints of a chunk. */
    static int ints(int keyHeads, int valueHeads) {
        return keyHeads * KEYED + valueHeads * VALUED;
    }

    /** Bytes from the start of a left tile to the row of which mmaLoadA asks a lane for the start, were the tile row by row. */
    private static int plain(int lane) {
        return (lane & 15) * 32 + (lane >> 4) * 16;
    }

    /** What is to be added to a left tile's bytes in mmaLoadA, for its four matrices are one behind the other. */
    static int straight(int lane) {
        return lane * 16 - plain(lane);
    }

    /** A product that decays from row j to row i, nothing if that is {@code later} than its own: the rows between are {@code sinceJ - sinceI}. */
    static float fade(float product, float upToI, float upToJ, int later) {
        float value = product * TornadoMath.exp(TornadoMath.min(upToI - upToJ, 0f));
        return later >= 0 ? value : 0f;
    }

    /** Tiles of a lower triangle above a row of them. */
    static int triangle(int down) {
        return down * (down + 1) >> 1;
    }

    /** A lane's part of K K^T into the rows that are there, from row {@code high} on. */
    private static void square(FloatArray arena, int kk, int pitch, int high, int n, float[] p) {
        for (int i = 0; i < 16; i++)
            if (high + i / 2 % 2 * 8 < n) arena.set(kk + high * pitch + i / 2 % 2 * 8 * pitch + i / 4 * 8 + i % 2, p[i]);
    }

    private static int head(int keyHead, int s, int keyHeads, int sharing, int tiled) {
        return tiled == 1 ? keyHead + s * keyHeads : keyHead * sharing + s;
    }

    /** The segment of which chunk number n of all is; the number of segments where there are not so many chunks. */
    static int segment(IntArray step, int n) {
        int segment = 0, left = n;
        while (segment < step.get(StepArray.SEGMENTS) && left >= chunks(step, segment)) {
            left -= chunks(step, segment);
            segment++;
        }
        return segment;
    }

    /** 1 if there is such a segment. */
    static int alive(IntArray step, int segment) {
        return segment < step.get(StepArray.SEGMENTS) ? 1 : 0;
    }

    /** The first row of chunk number n of all, which is this segment's; 0 where there is no such segment. */
    static int begin(IntArray step, int segment, int n) {
        int alive = alive(step, segment), record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        return alive * (step.get(record + StepArray.SEGMENT_BEGIN) + (n - before(step, segment)) * CHUNK);
    }

    /** Rows of the segment's chunk that begins there; 0 where there is no such segment. */
    static int rows(IntArray step, int segment, int begin) {
        int alive = alive(step, segment), record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        return alive * TornadoMath.min(CHUNK, step.get(record + StepArray.SEGMENT_END) - begin);
    }

    /** Chunks of all segments before this one. */
    static int before(IntArray step, int segment) {
        int all = 0;
        for (int s = 0; s < segment; s++) all += chunks(step, s);
        return all;
    }

    /** Chunks of a segment. */
    static int chunks(IntArray step, int segment) {
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        return (step.get(record + StepArray.SEGMENT_END) - step.get(record + StepArray.SEGMENT_BEGIN) + CHUNK - 1) >> CHUNK_SHIFT;
    }
}
