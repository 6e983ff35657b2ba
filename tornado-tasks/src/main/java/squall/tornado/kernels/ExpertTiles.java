package squall.tornado.kernels;

import squall.ops.Weight;
import squall.tornado.Bank;
import squall.tornado.Chosen;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.LibraryScratch;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * {@link Experts} of many rows on tensor cores, with matrices in {@link Planes} and the rows that {@link LibraryRows} left, when their
 * choices are in {@link ExpertOrder}. A group multiplies a tile of choices with {@value #COLUMNS} rows of its expert's matrix, which it decodes to
 * halves in local memory, part by part. Every choice has a result of its own; a last task sums those of a row, always in one order.
 *
 * <p>Both operands are rounded to eleven bits, the hidden units as well, which are kept within the range of halves; sums are in float32.
 */
public final class ExpertTiles {
    /** Choices of a tile, matrix rows of a group: of the gate and the up matrix half of them each. */
    private static final int TILE = ExpertOrder.TILE;
    /** Choices up to which tiles are multiplied by a task of their own. */
    private static final int FEW = 32;
    private static final int COLUMNS = 128;
    private static final int GROUP = 256;
    private static final int WARP = WarpMatMul.WARP;
    /** Steps of a part, each a strip of {@value Planes#STRIP} numbers of a row. */
    private static final int STEPS = 4;
    /** Ints of 16 x 16 halves of choices, and of a step of a tile; of 16 x 8 halves of a matrix, and of a step. The gaps keep neighbours out of each other's banks. */
    private static final int LARGE = 128;
    private static final int SMALL = 68;
    private static final int SMALL_STEP = COLUMNS / 8 * SMALL + 8;
    /** Floats of local memory for a warp's 16 x 8 sums, lane by lane, and from a row's sums to those of the row eight below. */
    private static final int SUMS = 138;
    private static final int BELOW = 72;
    /** A FloatArray over local memory has its first element behind a header. */
    private static final int HEADER = 4;
    private static final float LARGEST_HALF = 65504f;
    /** Rows of a recording for prompts. */
    private static final int FEWEST_ROWS = 65;

    // what becomes of the sums
    private static final int HIDDEN = 0;
    private static final int OUTPUT = 1;

    private ExpertTiles() {}

    /** Whether experts with such matrices, gate and up in one format, are multiplied here. */
    public static boolean serves(Frame f, Weight gate, Weight down) {
        return LibraryProduct.serves(f, gate.cols()) && f.maxRows() >= FEWEST_ROWS && Planes.fit(gate.format(), gate.cols()) && Planes.fit(down.format(), down.cols());
    }

    /**
     * {@code y[r] += sum over the row's experts of weight * down(silu(gate x[r]) * up x[r])}, x: the scratch's rows, the choices in order.
     *
     * @param y     [rows, dim]
     * @param parts scratch, [rows, used * dim]
     */
    public static void recordAdd(Tape tape, Region y, Region parts, Chosen chosen, Bank gateUp, Bank down) {
        Frame f = tape.frame();
        int used = chosen.used();
        multiply(tape, "expertsHidden", parts, chosen, gateUp, HIDDEN, FEW, TILE);
        multiply(tape, "fewHidden", parts, chosen, gateUp, HIDDEN, 0, FEW);
        multiply(tape, "expertsOutput", parts, chosen, down, OUTPUT, FEW, TILE);
        multiply(tape, "fewOutput", parts, chosen, down, OUTPUT, 0, FEW);
        ExpertOrder.recordSum(tape, y, parts, used);
    }

    private static void multiply(Tape tape, String name, Region parts, Chosen chosen, Bank w, int stage, int least, int most) {
        Frame f = tape.frame();
        LibraryScratch scratch = f.scratch();
        int used = chosen.used(), each = stage == HIDDEN ? COLUMNS / 2 : COLUMNS, outs = stage == HIDDEN ? w.rows() / 2 : w.rows();
        int groups = (outs + each - 1) / each, experts = w.experts(), tilesAt = f.maxRows() * used;
        tape.add(name, new Grid((rows, segments) -> ExpertOrder.tiles(rows, used, experts) * groups, GROUP), (g, id) -> g.task(id, ExpertTiles::kTiles, f.context(),
                f.arena(), f.step(), f.layer(), scratch.choices(), stage == HIDDEN ? scratch.rows() : scratch.hidden(), scratch.factors(),
                (LongArray) w.array(), w.planes().scales(), w.planes().gain(), Planes.layout(w.format()), scratch.hidden(), Place.of(parts),
                Place.of(chosen.weights()), Pair.of(experts, used), Pair.of(w.rows(), w.cols()), Pair.of(tilesAt, least), most, stage,
                stage == HIDDEN ? LibraryScratch.FIRST_HALF : 0));
    }

    /**
     * A group for each tile and {@value #COLUMNS} matrix rows, of which a warp multiplies 32 with 16 choices of each 32. While
     * it multiplies one part the next one is on its way, choices to the other half of local memory, quanta to registers.
     */
    static void kTiles(KernelContext context, FloatArray arena, IntArray step, IntArray layer, IntArray choices, HalfFloatArray operands,
                       FloatArray factors, LongArray quanta, HalfFloatArray scales, float gain, int layout, HalfFloatArray hidden, long parts,
                       long weights, long expertsUsed, long matrix, long tiling, int most, int stage, int operandsAt) {
        int tilesAt = Pair.first(tiling), least = Pair.second(tiling), experts = Pair.first(expertsUsed), used = Pair.second(expertsUsed), rows = Pair.first(matrix), cols = Pair.second(matrix);
        int outs = stage == HIDDEN ? rows >> 1 : rows, each = stage == HIDDEN ? COLUMNS >> 1 : COLUMNS, groups = (outs + each - 1) / each;
        int tiles = (step.get(StepArray.ROWS) * used >> ExpertOrder.SHIFT) + experts, record = tilesAt + ExpertOrder.RECORD * TornadoMath.min(context.groupIdx / groups, tiles - 1);
        int count = context.groupIdx / groups < tiles ? choices.get(record + 2) : 0;
        if (count <= least || count > most) return;
        int[] x = context.allocateIntLocalArray(2 * STEPS * (most / 16 * LARGE + 8));
        int[] w = context.allocateIntLocalArray(STEPS * SMALL_STEP);
        int[] starts = context.allocateIntLocalArray(most);
        float[] sums = context.allocateFloatLocalArray(HEADER + GROUP / WARP * SUMS);
        FloatArray behind = (FloatArray) (Object) sums;
        int item = context.localIdx, warp = item / WARP, lane = item % WARP, first = choices.get(record + 1), out = context.groupIdx % groups * each;
        int mine = first + TornadoMath.min(item, count - 1);
        if (item < most) starts[item] = operandsAt + (stage == HIDDEN ? choices.get(mine) / used : mine) * cols;
        context.localBarrier();
        int strip = item & 3, pair = item >> 2, strips = cols >> 4, chunks = strips + STEPS - 1 >> 2;
        int base = (layer.get(0) * experts + choices.get(record)) * rows, r0 = base + row(stage, out, 2 * pair, outs), r1 = base + row(stage, out, 2 * pair + 1, outs);
        int q0 = r0 * Planes.rowLongs(layout, cols), q1 = r1 * Planes.rowLongs(layout, cols);
        int d0 = r0 * Planes.rowScales(layout, cols), d1 = r1 * Planes.rowScales(layout, cols);
        int above = warp & 1, right = warp >> 1, size = most / 16 * LARGE + 8, to = strip * SMALL_STEP + (pair >> 2) * SMALL + (pair & 3);
        float[] f0 = context.mmaFragment(0f), f1 = context.mmaFragment(0f), f2 = context.mmaFragment(0f), f3 = context.mmaFragment(0f);
        float[] g0 = context.mmaFragment(0f), g1 = context.mmaFragment(0f), g2 = context.mmaFragment(0f), g3 = context.mmaFragment(0f);
        int s = TornadoMath.min(strip, strips - 1);
        long low0 = Planes.low(quanta, q0, s), second0 = Planes.second(layout, quanta, q0, strips, s);
        long low1 = Planes.low(quanta, q1, s), second1 = Planes.second(layout, quanta, q1, strips, s);
        int high0 = Planes.high(layout, quanta, q0, strips, s), high1 = Planes.high(layout, quanta, q1, strips, s);
        float s0 = Planes.scale(layout, scales, d0, s), m0 = Planes.minimum(layout, scales, d0, s);
        float s1 = Planes.scale(layout, scales, d1, s), m1 = Planes.minimum(layout, scales, d1, s);
        for (int i = 0; i < most * WARP / GROUP; i++) {
            int r = warp + i * (GROUP / WARP), column = TornadoMath.min(lane, (cols >> 1) - 1);
            context.asyncCopyToLocal(x, (lane >> 3) * size + (r >> 4) * LARGE + (r & 15) * 8 + (lane & 7), operands, starts[r] + 2 * column);
        }
        context.asyncCopyCommit();
        for (int c = 0; c < chunks; c++) {
            // behind a row's end the numbers are zeros
            float there = c * STEPS + strip < strips ? 1f : 0f, o0 = there * (s0 * Planes.bias(layout) + m0), o1 = there * (s1 * Planes.bias(layout) + m1);
            s0 *= there;
            s1 *= there;
            for (int k = 0; k < Planes.STRIP / 4; k++) {
                int p = Planes.four(layout, low0, second0, high0, k), q = Planes.four(layout, low1, second1, high1, k);
                for (int i = 0; i < 4; i++) w[to + k * 16 + i * 4] = Pair.halves(s0 * quantum(layout, p, i) - o0, s1 * quantum(layout, q, i) - o1);
            }
            context.asyncCopyWaitGroup(0);
            context.localBarrier();
            s = TornadoMath.min((c + 1) * STEPS + strip, strips - 1);
            low0 = Planes.low(quanta, q0, s);
            low1 = Planes.low(quanta, q1, s);
            second0 = Planes.second(layout, quanta, q0, strips, s);
            second1 = Planes.second(layout, quanta, q1, strips, s);
            high0 = Planes.high(layout, quanta, q0, strips, s);
            high1 = Planes.high(layout, quanta, q1, strips, s);
            s0 = Planes.scale(layout, scales, d0, s);
            s1 = Planes.scale(layout, scales, d1, s);
            m0 = Planes.minimum(layout, scales, d0, s);
            m1 = Planes.minimum(layout, scales, d1, s);
            int half = (c & 1) * STEPS * size, other = STEPS * size - half;
            for (int i = 0; i < most * WARP / GROUP; i++) {
                int r = warp + i * (GROUP / WARP), column = TornadoMath.min((c + 1) * STEPS * 8 + lane, (cols >> 1) - 1);
                context.asyncCopyToLocal(x, other + (lane >> 3) * size + (r >> 4) * LARGE + (r & 15) * 8 + (lane & 7), operands, starts[r] + 2 * column);
            }
            context.asyncCopyCommit();
            for (int k = 0; k < STEPS; k++) {
                int at = (k * SMALL_STEP + right * 4 * SMALL) * 4, from = (half + k * size + above * LARGE) * 4;
                HalfFloat[] b0 = context.mmaLoadB(w, 16, at), b1 = context.mmaLoadB(w, 16, at + SMALL * 4);
                HalfFloat[] b2 = context.mmaLoadB(w, 16, at + 2 * SMALL * 4), b3 = context.mmaLoadB(w, 16, at + 3 * SMALL * 4);
                HalfFloat[] a = context.mmaLoadA(x, 16, from);
                f0 = context.mma(a, b0, f0, MMAShape.M16N8K16);
                f1 = context.mma(a, b1, f1, MMAShape.M16N8K16);
                f2 = context.mma(a, b2, f2, MMAShape.M16N8K16);
                f3 = context.mma(a, b3, f3, MMAShape.M16N8K16);
                if (most > 32) {
                    HalfFloat[] d = context.mmaLoadA(x, 16, from + 2 * LARGE * 4);
                    g0 = context.mma(d, b0, g0, MMAShape.M16N8K16);
                    g1 = context.mma(d, b1, g1, MMAShape.M16N8K16);
                    g2 = context.mma(d, b2, g2, MMAShape.M16N8K16);
                    g3 = context.mma(d, b3, g3, MMAShape.M16N8K16);
                }
            }
            context.localBarrier();
        }
        int own = warp * SUMS + 2 * lane + lane / 16, up = -(lane >> 2), aside = own - lane % 4 * 2, slot = HEADER + own;
        int column = out + right * (stage == HIDDEN ? 16 : 32) + lane % 4 * 2, next = column + (stage == HIDDEN ? 8 : 16);
        for (int i = 0; i < most / 16; i++) {
            int r = (above + (i & 2)) * 16 + lane / 4, left = outs - (i % 2 == 0 ? column : next);
            if (i == 0) context.mmaStore(f0, behind, up, aside, BELOW / 8);
            if (i == 1) context.mmaStore(f2, behind, up, aside, BELOW / 8);
            if (i == 2) context.mmaStore(g0, behind, up, aside, BELOW / 8);
            if (i == 3) context.mmaStore(g2, behind, up, aside, BELOW / 8);
            float v0 = sums[slot], v1 = sums[slot + 1], v2 = sums[slot + BELOW], v3 = sums[slot + BELOW + 1];
            if (i == 0) context.mmaStore(f1, behind, up, aside, BELOW / 8);
            if (i == 1) context.mmaStore(f3, behind, up, aside, BELOW / 8);
            if (i == 2) context.mmaStore(g1, behind, up, aside, BELOW / 8);
            if (i == 3) context.mmaStore(g3, behind, up, aside, BELOW / 8);
            float u0 = sums[slot], u1 = sums[slot + 1], u2 = sums[slot + BELOW], u3 = sums[slot + BELOW + 1];
            write(arena, hidden, choices, factors, parts, weights, used, outs, gain, first, r, r < count ? left : 0, stage, v0, v1, u0, u1);
            write(arena, hidden, choices, factors, parts, weights, used, outs, gain, first, r + 8, r + 8 < count ? left : 0, stage, v2, v3, u2, u3);
        }
    }

    /** The matrix row that is number r of a group; behind the last one the last. Eights of the gate and of the up matrix alternate. */
    private static int row(int stage, int out, int r, int outs) {
        int row = TornadoMath.min(out + r, outs - 1);
        if (stage == HIDDEN) row = TornadoMath.min(out + (r >> 4) * 8 + (r & 7), outs - 1) + (r >> 3 & 1) * outs;
        return row;
    }

    /** Sums of choice {@code first + r}: two hidden units, or four outputs, of which the last two are eight further; left: how many follow the first one. */
    private static void write(FloatArray arena, HalfFloatArray hidden, IntArray choices, FloatArray factors, long parts, long weights, int used, int outs,
                              float gain, int first, int r, int left, int stage, float v0, float v1, float u0, float u1) {
        if (left > 0) {
            int choice = choices.get(first + r), row = choice / used;
            if (stage == HIDDEN) {
                float factor = gain * factors.get(row);
                hidden.setHalf2((first + r) * outs + outs - left, Half2.fromFloats(inside(MatMul.silu(factor * v0) * (factor * u0)),
                        inside(MatMul.silu(factor * v1) * (factor * u1))));
            }
            if (stage == OUTPUT) {
                float factor = gain * arena.get(Place.start(weights, row) + choice % used);
                int to = Place.start(parts, row) + choice % used * outs + outs - left;
                arena.set(to, factor * v0);
                arena.set(to + 1, factor * v1);
                if (left > 8) arena.set(to + 8, factor * u0);
                if (left > 8) arena.set(to + 9, factor * u1);
            }
        }
    }

    /** Byte i of four; below eight bits they have no sign, and the conversion takes one as it is. */
    private static float quantum(int layout, int four, int i) {
        float quantum = (float) (four >> 8 * i & 255);
        if ((layout & 15) == 8) quantum = (float) (four << 24 - 8 * i >> 24);
        return quantum;
    }

    private static float inside(float v) {
        return TornadoMath.max(TornadoMath.min(v, LARGEST_HALF), -LARGEST_HALF);
    }
}
