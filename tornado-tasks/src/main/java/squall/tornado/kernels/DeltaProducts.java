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
 * in halves as {@link DeltaTiles} multiplies it. A chunk and value head has {@value #INTS} ints, pairs of halves, all of tiles of 16 x 16 of 128 ints:
 * <pre>
 *   W                    rows x keys, made by {@link DeltaSystem}
 *   e^G Q                rows x keys
 *   (e^(G_n - G) K)^T    keys x rows
 *   P                    rows x rows, the tiles of its lower triangle
 * </pre>
 * K K^T and G stay in float32, in a scratch. Columns 2 i, 2 i + 1, 8 + 2 i and 9 + 2 i of a tile lie together, so that a lane has two ints of
 * them: in a sum over columns their order is free, as long as the rows of the other operand are in the same one.
 */
final class DeltaProducts {
    static final int CHUNK_SHIFT = 6;
    static final int CHUNK = 1 << CHUNK_SHIFT;
    /** The most elements of a key and of a value, and value heads that share a key. */
    static final int LONGEST = 128;
    private static final int MOST_SHARING = 4;

    /** Where the parts of a chunk and value head are. */
    static final int W = 0;
    static final int QUERIES = 4096;
    static final int KEYS = 8192;
    static final int WEIGHTS = 12288;
    static final int INTS = 13568;

    static final int WARP = 32;
    /** Eight warps: four for K K^T and four for Q K^T. */
    static final int GROUP = 256;
    /** Floats of local memory for a warp's 16 x 8 sums, lane by lane, and from a row's sums to those of the row eight below. */
    static final int SUMS = 138;
    static final int BELOW = 72;
    /** A FloatArray over local memory has its first element behind a header. */
    static final int HEADER = 4;
    /** Ints of a tile of 16 x 16 halves and of one of 16 x 8, with a gap that keeps neighbours out of each other's banks. */
    static final int LARGE = 136;
    static final int SMALL = 68;
    /** Where the tiles of half of Q and of K^T are in local memory, behind those of K. */
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
        f.scratch().needChunks(f.maxRows() / CHUNK, shape.valueHeads() * INTS);
        tape.add("deltaProducts", perChunk(shape.keyHeads()), (graph, id) -> graph.task(id, DeltaProducts::kDeltaProducts, f.context(), f.arena(),
                f.step(), f.scratch().pairs(), Place.of(qkv), Place.of(g), Place.of(scratch), heads(shape),
                Pair.of(shape.dk(), shape.dv()), DeltaRule.tiled(shape)));
    }

    /** Key heads, and the value heads that share each. */
    static long heads(DeltaShape shape) {
        return Pair.of(shape.keyHeads(), shape.valueHeads() / shape.keyHeads());
    }

    static Grid perChunk(int heads) {
        return new Grid((rows, segments) -> (rows / CHUNK + segments) * heads, GROUP);
    }

    /** A group for each chunk and key head: its products, and what of Q and K its value heads multiply with S. */
    static void kDeltaProducts(KernelContext context, FloatArray arena, IntArray step, IntArray out, long qkv, long g, long scratch,
                               long heads, long sizes, int tiled) {
        int[] tiles = context.allocateIntLocalArray(K_TILES + 32 * SMALL);
        float[] sums = context.allocateFloatLocalArray(HEADER + GROUP / WARP * SUMS);
        float[] steps = context.allocateFloatLocalArray(MOST_SHARING * CHUNK);
        float[] logs = context.allocateFloatLocalArray(MOST_SHARING * CHUNK);
        FloatArray behind = (FloatArray) (Object) sums;
        float[] ks = new float[16];
        float[] qs = new float[16];
        float[] p = new float[32];
        int item = context.localIdx, warp = item / WARP % 8, lane = item % WARP, quad = lane & 3;
        int keyHeads = Pair.first(heads), sharing = Pair.second(heads), valueHeads = keyHeads * sharing, dk = Pair.first(sizes);
        int keyHead = context.groupIdx % keyHeads, number = context.groupIdx / keyHeads, chunk = number;
        int segments = step.get(StepArray.SEGMENTS), segment = 0;
        while (segment < segments && chunk >= chunks(step, segment)) {
            chunk -= chunks(step, segment);
            segment++;
        }
        int alive = segment < segments ? 1 : 0, record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = alive * (step.get(record + StepArray.SEGMENT_BEGIN) + chunk * CHUNK), served = alive * sharing;
        int n = alive * TornadoMath.min(CHUNK, step.get(record + StepArray.SEGMENT_END) - begin), last = TornadoMath.max(n - 1, 0);
        int q = Place.start(qkv, begin) + keyHead * dk, k = q + keyHeads * dk, pitch = Place.start(qkv, 1) - Place.start(qkv, 0);
        int from = number * valueHeads * INTS, kk = Place.start(scratch, begin) + keyHead * CHUNK, kkPitch = Place.start(scratch, 1) - Place.start(scratch, 0);
        int own = warp * SUMS + 2 * lane + lane / 16, mine = HEADER + own, ownRow = -(lane / 4), ownColumn = own - 2 * quad;
        // G of all heads that share the key
        int row = item % CHUNK, sharer = head(keyHead, TornadoMath.min(item / CHUNK, sharing - 1), keyHeads, sharing, tiled);
        float log = arena.get(Place.start(g, begin + TornadoMath.min(row, last)) + sharer), upTo = 0f;
        steps[item] = row < n ? log : 0f;
        context.localBarrier();
        for (int i = 0; i < CHUNK; i++) upTo += i <= row ? steps[item - row + i] : 0f;
        logs[item] = upTo;
        if (row < n && item / CHUNK < sharing) arena.set(kk + row * kkPitch + (keyHeads - keyHead) * CHUNK + sharer, upTo);
        // four rows and four elements of half of the keys for each work-item
        int two = item >> 2 & 3, keyTile = item >> 4 & 3, rowTile = item >> 6 & 3;
        float[] f0 = context.mmaFragment(0f), f1 = context.mmaFragment(0f), f2 = context.mmaFragment(0f), f3 = context.mmaFragment(0f);
        float[] f4 = context.mmaFragment(0f), f5 = context.mmaFragment(0f), f6 = context.mmaFragment(0f), f7 = context.mmaFragment(0f);
        for (int half = 0; half < 2; half++) {
            for (int i = 0; i < 16; i++) {
                int r = rowTile * 16 + spread(two, i / 4), d = half * 64 + keyTile * 16 + spread(quad, i % 4);
                int at = TornadoMath.min(r, last) * pitch + TornadoMath.min(d, dk - 1);
                float live = r < n && d < dk ? 1f : 0f;
                ks[i] = live * arena.get(k + at);
                qs[i] = live * arena.get(q + at);
            }
            context.localBarrier();
            for (int i = 0; i < 4; i++) {
                int to = (rowTile * 4 + keyTile) * LARGE + spread(two, i) * 8 + 2 * quad;
                int right = K_TILES + (keyTile * 8 + rowTile * 2) * SMALL + (4 * quad + i) * 4 + two;
                tiles[to] = Pair.halves(ks[4 * i], ks[4 * i + 1]);
                tiles[to + 1] = Pair.halves(ks[4 * i + 2], ks[4 * i + 3]);
                tiles[Q_TILES + to] = Pair.halves(qs[4 * i], qs[4 * i + 1]);
                tiles[Q_TILES + to + 1] = Pair.halves(qs[4 * i + 2], qs[4 * i + 3]);
                tiles[right] = Pair.halves(ks[i], ks[4 + i]);
                tiles[right + SMALL] = Pair.halves(ks[8 + i], ks[12 + i]);
            }
            for (int s = 0; s < served; s++) {
                int to = from + head(keyHead, s, keyHeads, sharing, tiled) * INTS, first = s * CHUNK + rowTile * 16 + 2 * two;
                float all = logs[s * CHUNK + CHUNK - 1];
                float e0 = TornadoMath.exp(all - logs[first]), e1 = TornadoMath.exp(all - logs[first + 1]);
                float e2 = TornadoMath.exp(all - logs[first + 8]), e3 = TornadoMath.exp(all - logs[first + 9]);
                for (int i = 0; i < 4; i++) {
                    float early = TornadoMath.exp(logs[first + i % 2 + i / 2 * 8]);
                    int query = to + QUERIES + (rowTile * 8 + half * 4 + keyTile) * 128 + spread(two, i) * 8 + 2 * quad;
                    int key = to + KEYS + ((half * 4 + keyTile) * 4 + rowTile) * 128 + spread(quad, i) * 8 + 2 * two;
                    out.set(query, Pair.halves(early * qs[4 * i], early * qs[4 * i + 1]));
                    out.set(query + 1, Pair.halves(early * qs[4 * i + 2], early * qs[4 * i + 3]));
                    out.set(key, Pair.halves(e0 * ks[i], e1 * ks[4 + i]));
                    out.set(key + 1, Pair.halves(e2 * ks[8 + i], e3 * ks[12 + i]));
                }
            }
            context.localBarrier();
            for (int i = 0; i < 4; i++) {
                HalfFloat[] a = context.mmaLoadA(tiles, 16, (warp * 4 + i) * LARGE * 4);
                int right = (K_TILES + i * 8 * SMALL) * 4;
                f0 = context.mma(a, context.mmaLoadB(tiles, 16, right), f0, MMAShape.M16N8K16);
                f1 = context.mma(a, context.mmaLoadB(tiles, 16, right + SMALL * 4), f1, MMAShape.M16N8K16);
                f2 = context.mma(a, context.mmaLoadB(tiles, 16, right + 2 * SMALL * 4), f2, MMAShape.M16N8K16);
                f3 = context.mma(a, context.mmaLoadB(tiles, 16, right + 3 * SMALL * 4), f3, MMAShape.M16N8K16);
                f4 = context.mma(a, context.mmaLoadB(tiles, 16, right + 4 * SMALL * 4), f4, MMAShape.M16N8K16);
                f5 = context.mma(a, context.mmaLoadB(tiles, 16, right + 5 * SMALL * 4), f5, MMAShape.M16N8K16);
                f6 = context.mma(a, context.mmaLoadB(tiles, 16, right + 6 * SMALL * 4), f6, MMAShape.M16N8K16);
                f7 = context.mma(a, context.mmaLoadB(tiles, 16, right + 7 * SMALL * 4), f7, MMAShape.M16N8K16);
            }
        }
        context.mmaStore(f0, behind, ownRow, ownColumn, BELOW / 8);
        for (int j = 0; j < 4; j++) p[j] = sums[mine + j % 2 + j / 2 * BELOW];
        context.mmaStore(f1, behind, ownRow, ownColumn, BELOW / 8);
        for (int j = 0; j < 4; j++) p[4 + j] = sums[mine + j % 2 + j / 2 * BELOW];
        context.mmaStore(f2, behind, ownRow, ownColumn, BELOW / 8);
        for (int j = 0; j < 4; j++) p[8 + j] = sums[mine + j % 2 + j / 2 * BELOW];
        context.mmaStore(f3, behind, ownRow, ownColumn, BELOW / 8);
        for (int j = 0; j < 4; j++) p[12 + j] = sums[mine + j % 2 + j / 2 * BELOW];
        context.mmaStore(f4, behind, ownRow, ownColumn, BELOW / 8);
        for (int j = 0; j < 4; j++) p[16 + j] = sums[mine + j % 2 + j / 2 * BELOW];
        context.mmaStore(f5, behind, ownRow, ownColumn, BELOW / 8);
        for (int j = 0; j < 4; j++) p[20 + j] = sums[mine + j % 2 + j / 2 * BELOW];
        context.mmaStore(f6, behind, ownRow, ownColumn, BELOW / 8);
        for (int j = 0; j < 4; j++) p[24 + j] = sums[mine + j % 2 + j / 2 * BELOW];
        context.mmaStore(f7, behind, ownRow, ownColumn, BELOW / 8);
        for (int j = 0; j < 4; j++) p[28 + j] = sums[mine + j % 2 + j / 2 * BELOW];
        int down = warp % 4, high = down * 16 + lane / 4, low = high + 8;
        for (int i = 0; i < 8; i++) {
            int c = i * 8 + 2 * quad;
            if (warp < 4 && high < n) {
                arena.set(kk + high * kkPitch + c, p[4 * i]);
                arena.set(kk + high * kkPitch + c + 1, p[4 * i + 1]);
            }
            if (warp < 4 && low < n) {
                arena.set(kk + low * kkPitch + c, p[4 * i + 2]);
                arena.set(kk + low * kkPitch + c + 1, p[4 * i + 3]);
            }
        }
        int weighed = warp < 4 ? 0 : served;
        for (int s = 0; s < weighed; s++) {
            int to = from + head(keyHead, s, keyHeads, sharing, tiled) * INTS + WEIGHTS + triangle(down) * 128 + 2 * lane;
            float upper = logs[s * CHUNK + high], lower = logs[s * CHUNK + low];
            for (int i = 0; i < 4; i++) {
                int c = i * 16 + 2 * quad, of = s * CHUNK + c;
                if (i <= down) {
                    int above = to + i * 128, below = above + 2 * WARP;
                    out.set(above, Pair.halves(fade(p[8 * i], upper, logs[of], high - c), fade(p[8 * i + 1], upper, logs[of + 1], high - c - 1)));
                    out.set(above + 1, Pair.halves(fade(p[8 * i + 4], upper, logs[of + 8], high - c - 8), fade(p[8 * i + 5], upper, logs[of + 9], high - c - 9)));
                    out.set(below, Pair.halves(fade(p[8 * i + 2], lower, logs[of], low - c), fade(p[8 * i + 3], lower, logs[of + 1], low - c - 1)));
                    out.set(below + 1, Pair.halves(fade(p[8 * i + 6], lower, logs[of + 8], low - c - 8), fade(p[8 * i + 7], lower, logs[of + 9], low - c - 9)));
                }
            }
        }
    }

    /** A product that decays from row j to row i, nothing if that is {@code later} than its own: the rows between are {@code sinceJ - sinceI}. */
    static float fade(float product, float upToI, float upToJ, int later) {
        float value = product * TornadoMath.exp(TornadoMath.min(upToI - upToJ, 0f));
        return later >= 0 ? value : 0f;
    }

    /** Which of 16 columns are in the two ints {@code quad} of a tile's row. */
    private static int spread(int quad, int i) {
        return 2 * quad + i % 2 + i / 2 * 8;
    }

    /** Tiles of a lower triangle above a row of them. */
    static int triangle(int down) {
        return down * (down + 1) >> 1;
    }

    private static int head(int keyHead, int s, int keyHeads, int sharing, int tiled) {
        return tiled == 1 ? keyHead + s * keyHeads : keyHead * sharing + s;
    }

    /** Chunks of a segment. */
    static int chunks(IntArray step, int segment) {
        int record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment;
        return (step.get(record + StepArray.SEGMENT_END) - step.get(record + StepArray.SEGMENT_BEGIN) + CHUNK - 1) >> CHUNK_SHIFT;
    }
}
