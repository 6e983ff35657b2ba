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
    /** Ints of a tile of 16 x 16 halves and of one of 16 x 8. */
    private static final int LEFT = 128;
    private static final int RIGHT = 64;
    /** Floats of O from a row to the next in local memory, which spreads a warp's sums over its banks. */
    private static final int PITCH = SLICE + 5;
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
     * A group for each segment, value head and {@value #SLICE} columns of S, chunk after chunk. Warp w has rows 16 w and on of S; the first
     * four have 16 rows each of W, U and V', the others the same of Q, P and O: nothing that comes from the other tasks is read twice,
     * all of it becomes an operand without local memory. V' is multiplied with P as it is and, faded to the chunk's end, with K^T.
     */
    static void kScanTensor(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray s, IntArray in, long y, long scratch,
                            long shared, long sizes, long strides) {
        int[] states = context.allocateIntLocalArray(32 * RIGHT), values = context.allocateIntLocalArray(32 * RIGHT), zeros = context.allocateIntLocalArray(LEFT);
        float[] sums = context.allocateFloatLocalArray(DeltaProducts.HEADER + GROUP / WARP * DeltaProducts.SUMS);
        float[] rowsOfO = context.allocateFloatLocalArray(DeltaProducts.HEADER + CHUNK * PITCH);
        FloatArray behind = (FloatArray) (Object) sums, outputs = (FloatArray) (Object) rowsOfO;
        float[] state = new float[16], u = new float[16], v = new float[16], o = new float[16], part = new float[4];
        int[] first = new int[32], second = new int[16], third = new int[16], bits = new int[4];
        int item = context.localIdx, warp = item >> 5 & 7, lane = item & 31, quad = lane & 3, row = lane >> 2, down = warp & 3, reads = warp >> 2;
        int sharing = Pair.second(shared), keyHeads = Pair.first(shared), heads = keyHeads * sharing, dk = Pair.first(sizes), dv = Pair.second(sizes) >> 1;
        int slices = (dv + SLICE - 1) >> SLICE_SHIFT;
        int from = context.groupIdx % slices * SLICE, head = context.groupIdx / slices % heads, segment = context.groupIdx / slices / heads;
        int keyHead = (Pair.second(sizes) & 1) == 1 ? head % keyHeads : head / sharing;
        int alive = segment < step.get(StepArray.SEGMENTS) ? 1 : 0, record = StepArray.FIRST_SEGMENT + StepArray.RECORD * segment * alive;
        int begin = step.get(record + StepArray.SEGMENT_BEGIN), end = alive == 1 ? step.get(record + StepArray.SEGMENT_END) : begin;
        int at = layer.get(0) * Pair.first(strides) + step.get(record + StepArray.SEGMENT_SLOT) * Pair.second(strides) + (head * dv + from) * dk;
        int width = alive * TornadoMath.min(SLICE, dv - from), stored = step.get(record + StepArray.SEGMENT_START) > 0 ? width : 0;
        for (int i = 0; i < 16; i++) state[i] = stored(s, at, warp * 16 + row + i / 2 % 2 * 8, dk, i / 4 * 8 + 2 * quad + i % 2, stored);
        int ints = DeltaProducts.ints(keyHeads, heads), number = DeltaProducts.before(step, segment * alive), keyed = number * ints + keyHead * DeltaProducts.KEYED + lane;
        int valued = number * ints + keyHeads * DeltaProducts.KEYED + head * DeltaProducts.VALUED + lane;
        int pitch = Place.start(y, 1) - Place.start(y, 0), top = Place.start(y, begin + down * 16) + head * dv + from, left = row * pitch + 2 * quad;
        int chunks = (end - begin + CHUNK - 1) >> DeltaProducts.CHUNK_SHIFT, rows = TornadoMath.max(end - begin, 1);
        int gates = Place.start(scratch, begin) + keyHeads * CHUNK + head, gatePitch = Place.start(scratch, 1) - Place.start(scratch, 0);
        // no conditions within loops: each would be a branch of its own
        int rowsAt = valued + reads * (keyed - valued) + down * 8 * LEFT;
        int keysAt = DeltaProducts.KEYS + warp * 4 * LEFT, weightsAt = DeltaProducts.WEIGHTS + DeltaProducts.triangle(down) * LEFT;
        take(in, alive * rowsAt, 32, first);
        take(in, alive * (keyed + keysAt), 16, second);
        for (int i = 0; i < 16; i++) third[i] = 0;
        if (reads == 1) take(in, alive * (valued + weightsAt), 16, third);
        int most = (dv & SLICE - 1) == 0 ? SLICE : TornadoMath.max(width, 1) - 1 - 2 * quad, last = rows - 1 - down * 16 - row;
        int whole = DeltaSystem.ordered(TornadoMath.min(rows, CHUNK), dv);
        for (int i = 0; i < 16; i++) u[i] = 0f;
        takeU(arena, alive * (1 - reads), whole, top, lane, left, last, most, pitch, u);
        int own = warp * DeltaProducts.SUMS + 2 * lane + (lane >> 4), mine = DeltaProducts.HEADER + own, line = down * 16 + row;
        float total = upTo(arena, gates, gatePitch, CHUNK - 1, rows), high = upTo(arena, gates, gatePitch, line, rows), low = upTo(arena, gates, gatePitch, line + 8, rows);
        // O leaves in whole lines: a warp has eight rows of it
        int linesAt = Place.start(y, begin + warp * 8) + head * dv + from + lane, lineOfO = DeltaProducts.HEADER + warp * 8 * PITCH + lane, leaves = lane < width ? 1 : 0;
        if (item < LEFT) zeros[item] = 0;
        context.localBarrier();
        byte[] none = context.mmaLoadAInt8(zeros, 32), nothing = context.mmaLoadBInt8(zeros, 32);
        for (int chunk = 0; chunk < chunks; chunk++) {
            for (int i = 0; i < 8; i++) states[warp * 4 * RIGHT + i * WARP + lane] = Pair.halves(state[2 * i], state[2 * i + 1]);
            context.localBarrier();
            // O of the chunk before, whose rows are in local memory since the barrier
            long lines = Ahead.of(linesAt + (chunk - 1) * CHUNK * pitch);
            if (chunk * leaves > 0) for (int i = 0; i < 8; i++) arena.set(Ahead.index(lines, i * pitch), rowsOfO[lineOfO + i * PITCH]);
            float[] f0 = context.mmaFragment(0f), f1 = context.mmaFragment(0f), f2 = context.mmaFragment(0f), f3 = context.mmaFragment(0f);
            for (int i = 0; i < 8; i++) {
                Operand[] rowsOf = Operand.of(context, none, nothing, first, i, bits);
                f0 = context.mma(rowsOf, context.mmaLoadB(states, 16, i * 16 * RIGHT), f0, MMAShape.M16N8K16);
                f1 = context.mma(rowsOf, context.mmaLoadB(states, 16, i * 16 * RIGHT + 4 * RIGHT), f1, MMAShape.M16N8K16);
                f2 = context.mma(rowsOf, context.mmaLoadB(states, 16, i * 16 * RIGHT + 8 * RIGHT), f2, MMAShape.M16N8K16);
                f3 = context.mma(rowsOf, context.mmaLoadB(states, 16, i * 16 * RIGHT + 12 * RIGHT), f3, MMAShape.M16N8K16);
            }
            // what a product has taken up is asked for again at once, of the next chunk
            int next = chunk + 1 < chunks ? 1 : 0, place = (chunk + next) * CHUNK;
            keyed += next * ints;
            valued += next * ints;
            rowsAt += next * ints;
            take(in, rowsAt, 32, first);
            for (int c = 0; c < 4; c++) {
                context.mmaStore(Fragments.number(c, f0, f1, f2, f3), behind, -row, own - 2 * quad, BELOW / 8);
                for (int j = 0; j < 4; j++) v[4 * c + j] = sums[mine + j % 2 + j / 2 * BELOW];
            }
            // e^G Q S, V' = U - W S
            float upper = TornadoMath.exp(high), lower = TornadoMath.exp(low);
            for (int i = 0; i < 16; i++) {
                o[i] = (i / 2 % 2 == 0 ? upper : lower) * v[i];
                v[i] = u[i] - v[i];
            }
            upper = TornadoMath.exp(TornadoMath.min(total - high, 0f));
            lower = TornadoMath.exp(TornadoMath.min(total - low, 0f));
            if (reads == 0)
                for (int i = 0; i < 8; i++) {
                    int to = down * 4 * RIGHT + i * WARP + lane;
                    float fade = i % 2 == 0 ? upper : lower;
                    values[to] = Pair.halves(v[2 * i], v[2 * i + 1]);
                    values[16 * RIGHT + to] = Pair.halves(fade * v[2 * i], fade * v[2 * i + 1]);
                }
            float faded = TornadoMath.exp(total);
            whole = DeltaSystem.ordered(TornadoMath.min(rows - place, CHUNK), dv);
            takeU(arena, next * alive * (1 - reads), whole, top + CHUNK * pitch, lane, left, last - CHUNK, most, pitch, u);
            total = upTo(arena, gates, gatePitch, place + CHUNK - 1, rows);
            high = upTo(arena, gates, gatePitch, place + line, rows);
            low = upTo(arena, gates, gatePitch, place + line + 8, rows);
            context.localBarrier();
            // O comes where U was, which other lanes have read
            context.globalBarrier();
            // S = e^(G_n) S + K^T (e^(G_n - G) V'), O = e^G Q S + P V'
            float[] s0 = context.mmaFragment(0f), s1 = context.mmaFragment(0f), s2 = context.mmaFragment(0f), s3 = context.mmaFragment(0f);
            for (int i = 0; i < 4; i++) {
                Operand[] keysOf = Operand.of(context, none, nothing, second, i, bits);
                s0 = context.mma(keysOf, context.mmaLoadB(values, 16, (64 + i * 16) * RIGHT), s0, MMAShape.M16N8K16);
                s1 = context.mma(keysOf, context.mmaLoadB(values, 16, (68 + i * 16) * RIGHT), s1, MMAShape.M16N8K16);
                s2 = context.mma(keysOf, context.mmaLoadB(values, 16, (72 + i * 16) * RIGHT), s2, MMAShape.M16N8K16);
                s3 = context.mma(keysOf, context.mmaLoadB(values, 16, (76 + i * 16) * RIGHT), s3, MMAShape.M16N8K16);
            }
            take(in, keyed + keysAt, 16, second);
            for (int c = 0; c < 4; c++) {
                context.mmaStore(Fragments.number(c, s0, s1, s2, s3), behind, -row, own - 2 * quad, BELOW / 8);
                for (int j = 0; j < 4; j++) state[4 * c + j] = faded * state[4 * c + j] + sums[mine + j % 2 + j / 2 * BELOW];
            }
            if (reads == 1) {
                Operand[] foremost = Operand.of(context, none, nothing, third, 0, bits);
                float[] o0 = context.mma(foremost, context.mmaLoadB(values, 16, 0), quarter(o, 0, part), MMAShape.M16N8K16);
                float[] o1 = context.mma(foremost, context.mmaLoadB(values, 16, 4 * RIGHT), quarter(o, 1, part), MMAShape.M16N8K16);
                float[] o2 = context.mma(foremost, context.mmaLoadB(values, 16, 8 * RIGHT), quarter(o, 2, part), MMAShape.M16N8K16);
                float[] o3 = context.mma(foremost, context.mmaLoadB(values, 16, 12 * RIGHT), quarter(o, 3, part), MMAShape.M16N8K16);
                for (int i = 1; i < 4; i++) {
                    for (int j = 0; j < 4; j++) bits[j] = i <= down ? third[4 * i + j] : 0;
                    Operand[] weightsOf = Operand.of(context, none, nothing, bits);
                    o0 = context.mma(weightsOf, context.mmaLoadB(values, 16, i * 16 * RIGHT), o0, MMAShape.M16N8K16);
                    o1 = context.mma(weightsOf, context.mmaLoadB(values, 16, (4 + i * 16) * RIGHT), o1, MMAShape.M16N8K16);
                    o2 = context.mma(weightsOf, context.mmaLoadB(values, 16, (8 + i * 16) * RIGHT), o2, MMAShape.M16N8K16);
                    o3 = context.mma(weightsOf, context.mmaLoadB(values, 16, (12 + i * 16) * RIGHT), o3, MMAShape.M16N8K16);
                }
                take(in, valued + weightsAt, 16, third);
                for (int c = 0; c < 4; c++) context.mmaStore(Fragments.number(c, o0, o1, o2, o3), outputs, down * 16, 8 * c, PITCH);
            }
            last -= CHUNK;
            top += CHUNK * pitch;
        }
        context.localBarrier();
        context.globalBarrier();
        int remaining = chunks * leaves > 0 ? end - begin - (chunks - 1) * CHUNK - warp * 8 : 0;
        for (int i = 0; i < 8; i++) if (i < remaining) arena.set(linesAt + ((chunks - 1) * CHUNK + i) * pitch, rowsOfO[lineOfO + i * PITCH]);
        for (int i = 0; i < 16; i++) keep(s, at, warp * 16 + row + i / 2 % 2 * 8, dk, i / 4 * 8 + 2 * quad + i % 2, width, state[i]);
    }

    /** Element k of column c of so many of S; 0 where there is none. */
    private static float stored(FloatArray s, int at, int k, int dk, int c, int columns) {
        return k < dk && c < columns ? s.get(at + c * dk + k) : 0f;
    }

    private static void keep(FloatArray s, int at, int k, int dk, int c, int columns, float value) {
        if (k < dk && c < columns) s.set(at + c * dk + k, value);
    }

    /** G of a row of a segment, of the last one behind it. */
    private static float upTo(FloatArray arena, int gates, int pitch, int row, int rows) {
        return arena.get(gates + TornadoMath.min(row, rows - 1) * pitch);
    }

    /** A lane's ints of operands that lie one behind the other. */
    private static void take(IntArray in, int at, int count, int[] to) {
        long ahead = Ahead.of(at);
        for (int i = 0; i < count; i++) to[i] = in.get(Ahead.index(ahead, i * WARP));
    }

    /** A lane's part of U of a chunk, if {@code takes} is 1: in an order of its own if {@code whole} is, else from its place {@code left} on. */
    private static void takeU(FloatArray arena, int takes, int whole, int top, int lane, int left, int last, int most, int pitch, float[] u) {
        long ahead = Ahead.of(top + lane);
        if (takes * whole == 1) for (int i = 0; i < 16; i++) u[i] = arena.get(Ahead.index(ahead, i * pitch));
        if (takes * (1 - whole) == 1) for (int i = 0; i < 16; i++) u[i] = arena.get(top + left + ahead(i, last, most, pitch));
    }

    /** Number c of four parts of a lane's sums. */
    private static float[] quarter(float[] sums, int c, float[] to) {
        for (int j = 0; j < 4; j++) to[j] = sums[4 * c + j];
        return to;
    }

    /** From a lane's place in U to its number i of a chunk that has {@code last} rows more: numbers that are not there are others. */
    private static int ahead(int i, int last, int most, int pitch) {
        return TornadoMath.min(i / 2 % 2 * 8, last) * pitch + TornadoMath.min(i / 4 * 8 + i % 2, most);
    }
}
