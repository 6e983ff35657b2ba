package squall.tornado.kernels;

import squall.quant.Format;
import squall.tornado.Bank;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.collections.VectorFloat8;
import uk.ac.manchester.tornado.api.types.vectors.Float8;

/**
 * Products of the rows with a matrix, {@code y[r] = W x[r]}, and what is fused with them. A number of the matrix is read once
 * for up to {@link #TILE} rows.
 */
public final class MatMul {
    /** Rows of x that share what is read of the matrix: as many sums as stay in registers. */
    static final int TILE = 4;

    /** What becomes of the sums: y, y + old y, or SwiGLU of two of them. */
    static final int ASSIGN = 0;
    static final int ADD = 1;
    static final int SWIGLU = 2;

    private MatMul() {}

    /** {@code y = W x}; y: [rows, w.rows], x: [rows, w.cols]. */
    public static void record(Tape tape, Region y, Region x, Bank w) {
        product(tape, "matmul", y, x, null, w, w.rows(), ASSIGN);
    }

    /** {@code y += W x}; y: [rows, w.rows], x: [rows, w.cols]. */
    public static void recordAdd(Tape tape, Region y, Region x, Bank w) {
        product(tape, "matmulAdd", y, x, null, w, w.rows(), ADD);
    }

    /** {@code h = silu(G x) * (U x)}; gateUp is G stacked on U, h: [rows, gateUp.rows / 2], x: [rows, gateUp.cols]. */
    public static void recordSwiGlu(Tape tape, Region h, Region x, Bank gateUp) {
        product(tape, "swiGlu", h, x, null, gateUp, gateUp.rows() / 2, SWIGLU);
    }

    /** Whether products with matrices of a format can norm x by themselves: on warps, for recordings of one row. */
    public static boolean norms(Frame f, Format format, int cols) {
        boolean wide = (format == Format.F32 || format == Format.F16 || format == Format.BF16) && cols % WarpMatMul.UNIT == 0;
        Traits t = f.traits();
        return t.shape() == Traits.Shape.WARPS && f.maxRows() == 1 && (wide || !t.precise() && Planes.fit(format, cols));
    }

    /** {@code y = W n}, n: x normed; where {@link #norms}. */
    public static void record(Tape tape, Region y, Normed x, Bank w) {
        product(tape, "matmul", y, x.x(), x, w, w.rows(), ASSIGN);
    }

    /** {@code y += W n}, n: x normed; where {@link #norms}, and a head has a multiple of four elements. */
    public static void recordAdd(Tape tape, Region y, Normed x, Bank w) {
        product(tape, "matmulAdd", y, x.x(), x, w, w.rows(), ADD);
    }

    /** {@code h = silu(G n) * (U n)}, n: x normed; where {@link #norms}. */
    public static void recordSwiGlu(Tape tape, Region h, Normed x, Bank gateUp) {
        product(tape, "swiGlu", h, x.x(), x, gateUp, gateUp.rows() / 2, SWIGLU);
    }

    private static void product(Tape tape, String name, Region y, Region x, Normed norm, Bank w, int outs, int kind) {
        Frame f = tape.frame();
        if (PlaneMatMul.reads(f, w)) PlaneMatMul.record(tape, name, y, x, norm, w, outs, kind);
        else if (WarpMatMul.reads(f, w)) WarpMatMul.record(tape, name, y, x, norm, w, outs, kind);
        else portable(tape, name, y, x, w, outs, kind);
    }

    private static void portable(Tape tape, String name, Region y, Region x, Bank w, int outs, int kind) {
        Frame f = tape.frame();
        int group = f.traits().group();
        long layout = Blocks.layout(w);
        if (!inVectors(f, x, w.cols()))
            tape.add(name, Grid.perTile(outs, TILE, group), (g, id) -> Blocks.ready(g).task(id, MatMul::kProductGroups, f.context(), f.arena(), f.step(),
                    f.layer(), f.halves(), Blocks.floats(f, w), Blocks.shorts(w), Blocks.bytes(w), layout, Place.of(w), w.rows(), w.cols(),
                    Place.of(y), outs, Place.of(x), kind, group));
        else if (w.format() == Format.F32 && (w.at() | w.layerStride()) % 8 == 0)
            tape.add(name, (g, id) -> g.task(id, MatMul::kProductFloats, f.arena(), f.step(), f.layer(), w.floats(), Place.of(w), w.rows(),
                    w.cols(), Place.of(y), outs, Place.of(x), kind));
        else
            tape.add(name, (g, id) -> Blocks.ready(g).task(id, MatMul::kProductRows, f.arena(), f.step(), f.layer(), f.halves(), Blocks.floats(f, w),
                    Blocks.shorts(w), Blocks.bytes(w), layout, Place.of(w), w.rows(), w.cols(), Place.of(y), outs, Place.of(x), kind));
    }

    /** Whether the device is for vectors of eight and x can be read in them. */
    static boolean inVectors(Frame f, Region x, int cols) {
        return f.traits().shape() == Traits.Shape.ROWS && (cols | x.at() | x.stride()) % 8 == 0;
    }

    /** A group for each output and {@link #TILE} rows, a number of the matrix row for each work-item; sums meet in a tree. */
    static void kProductGroups(KernelContext context, FloatArray arena, IntArray step, IntArray layer, FloatArray halves,
                               FloatArray floats, ShortArray shorts, ByteArray bytes, long layout, long w, int rows, int cols,
                               long y, int outs, long x, int kind, int group) {
        int first = context.groupIdx / outs * TILE, out = context.groupIdx % outs, lane = context.localIdx;
        int n = step.get(StepArray.ROWS) - first;
        int size = n > 0 ? cols : 0;
        float[] sums = context.allocateFloatLocalArray(2 * TILE * group);
        int from = Place.start(w, layer.get(0)) + out * Blocks.rowElements(layout, cols), grid = Blocks.grid(layer.get(0), rows, cols, out);
        int fromUp = from + outs * Blocks.rowElements(layout, cols), gridUp = Blocks.grid(layer.get(0), rows, cols, outs + out);
        int x0 = Place.start(x, first), x1 = Place.start(x, first + TornadoMath.min(1, n - 1));
        int x2 = Place.start(x, first + TornadoMath.min(2, n - 1)), x3 = Place.start(x, first + TornadoMath.min(3, n - 1));
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0, u0 = 0, u1 = 0, u2 = 0, u3 = 0;
        for (int i = lane; i < size; i += group) {
            float v = Blocks.at(layout, halves, floats, shorts, bytes, from, grid, i), u = 0;
            if (kind == SWIGLU) u = Blocks.at(layout, halves, floats, shorts, bytes, fromUp, gridUp, i);
            float a = arena.get(x0 + i);
            s0 += v * a;
            u0 += u * a;
            if (n > 1) {
                float b = arena.get(x1 + i), c = arena.get(x2 + i), d = arena.get(x3 + i);
                s1 += v * b;
                u1 += u * b;
                s2 += v * c;
                u2 += u * c;
                s3 += v * d;
                u3 += u * d;
            }
        }
        int at = lane * 2 * TILE;
        sums[at] = s0;
        sums[at + 1] = s1;
        sums[at + 2] = s2;
        sums[at + 3] = s3;
        sums[at + 4] = u0;
        sums[at + 5] = u1;
        sums[at + 6] = u2;
        sums[at + 7] = u3;
        context.localBarrier();
        for (int half = group * TILE; half >= 2 * TILE; half >>= 1) {
            for (int i = lane; i < half; i += group) sums[i] += sums[half + i];
            context.localBarrier();
        }
        if (lane < TornadoMath.min(TILE, n)) write(arena, Place.start(y, first + lane) + out, sums[lane], sums[TILE + lane], kind);
    }

    /**
     * An output for each turn, the matrix row in vectors; for SwiGLU the gate's row first, then the other. cols, and where rows
     * of x start, are multiples of eight.
     */
    static void kProductRows(FloatArray arena, IntArray step, IntArray layer, FloatArray halves, FloatArray floats, ShortArray shorts,
                             ByteArray bytes, long layout, long w, int rows, int cols, long y, int outs, long x, int kind) {
        for (@Parallel int out = 0; out < outs; out++) {
            VectorFloat8 xs = new VectorFloat8(arena);
            int alive = step.get(StepArray.ROWS);
            for (int first = 0; first < alive; first += TILE) {
                int n = alive - first;
                int x0 = Place.start(x, first) >> 3, x1 = Place.start(x, first + TornadoMath.min(1, n - 1)) >> 3;
                int x2 = Place.start(x, first + TornadoMath.min(2, n - 1)) >> 3, x3 = Place.start(x, first + TornadoMath.min(3, n - 1)) >> 3;
                for (int row = out; row < rows; row += outs) {
                    int from = Place.start(w, layer.get(0)) + row * Blocks.rowElements(layout, cols), grid = Blocks.grid(layer.get(0), rows, cols, row);
                    Float8 s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
                    for (int i = 0; i < cols; i += 8) {
                        Float8 v = Blocks.eight(layout, halves, floats, shorts, bytes, from, grid, i);
                        s0 = Float8.add(s0, Float8.mult(v, xs.get(x0 + (i >> 3))));
                        if (n > 1) {
                            s1 = Float8.add(s1, Float8.mult(v, xs.get(x1 + (i >> 3))));
                            s2 = Float8.add(s2, Float8.mult(v, xs.get(x2 + (i >> 3))));
                            s3 = Float8.add(s3, Float8.mult(v, xs.get(x3 + (i >> 3))));
                        }
                    }
                    put(arena, Place.start(y, first) + out, sum(s0), kind, row >= outs);
                    if (n > 1) put(arena, Place.start(y, first + 1) + out, sum(s1), kind, row >= outs);
                    if (n > 2) put(arena, Place.start(y, first + 2) + out, sum(s2), kind, row >= outs);
                    if (n > 3) put(arena, Place.start(y, first + 3) + out, sum(s3), kind, row >= outs);
                }
            }
        }
    }

    /**
     * Four outputs for each turn, so that four streams come from memory and a vector of x is loaded once for them; F32. Where
     * rows of the matrix start, too, are multiples of eight.
     */
    static void kProductFloats(FloatArray arena, IntArray step, IntArray layer, FloatArray floats, long w, int rows, int cols, long y,
                               int outs, long x, int kind) {
        for (@Parallel int part = 0; part < (outs + 3) / 4; part++) {
            VectorFloat8 xs = new VectorFloat8(arena), ws = new VectorFloat8(floats);
            int alive = step.get(StepArray.ROWS), out = 4 * part, left = outs - out, vectors = cols >> 3;
            for (int first = 0; first < alive; first += 2) {
                int n = alive - first, x0 = Place.start(x, first) >> 3, x1 = Place.start(x, first + TornadoMath.min(1, n - 1)) >> 3;
                for (int row = out; row < rows; row += outs) {
                    int w0 = (Place.start(w, layer.get(0)) >> 3) + row * vectors, w1 = w0 + TornadoMath.min(1, left - 1) * vectors;
                    int w2 = w0 + TornadoMath.min(2, left - 1) * vectors, w3 = w0 + TornadoMath.min(3, left - 1) * vectors;
                    Float8 s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero(), t0 = zero(), t1 = zero(), t2 = zero(), t3 = zero();
                    int alone = n > 1 ? 0 : vectors;
                    for (int i = 0; i < alone; i++) {
                        Float8 v = xs.get(x0 + i);
                        s0 = Float8.add(s0, Float8.mult(ws.get(w0 + i), v));
                        s1 = Float8.add(s1, Float8.mult(ws.get(w1 + i), v));
                        s2 = Float8.add(s2, Float8.mult(ws.get(w2 + i), v));
                        s3 = Float8.add(s3, Float8.mult(ws.get(w3 + i), v));
                    }
                    for (int i = alone; i < vectors; i++) {
                        Float8 a = ws.get(w0 + i), b = ws.get(w1 + i), c = ws.get(w2 + i), d = ws.get(w3 + i), v = xs.get(x0 + i), u = xs.get(x1 + i);
                        s0 = Float8.add(s0, Float8.mult(a, v));
                        s1 = Float8.add(s1, Float8.mult(b, v));
                        s2 = Float8.add(s2, Float8.mult(c, v));
                        s3 = Float8.add(s3, Float8.mult(d, v));
                        t0 = Float8.add(t0, Float8.mult(a, u));
                        t1 = Float8.add(t1, Float8.mult(b, u));
                        t2 = Float8.add(t2, Float8.mult(c, u));
                        t3 = Float8.add(t3, Float8.mult(d, u));
                    }
                    int at = Place.start(y, first) + out, next = Place.start(y, first + 1) + out;
                    put(arena, at, sum(s0), kind, row >= outs);
                    if (left > 1) put(arena, at + 1, sum(s1), kind, row >= outs);
                    if (left > 2) put(arena, at + 2, sum(s2), kind, row >= outs);
                    if (left > 3) put(arena, at + 3, sum(s3), kind, row >= outs);
                    if (n > 1) {
                        put(arena, next, sum(t0), kind, row >= outs);
                        if (left > 1) put(arena, next + 1, sum(t1), kind, row >= outs);
                        if (left > 2) put(arena, next + 2, sum(t2), kind, row >= outs);
                        if (left > 3) put(arena, next + 3, sum(t3), kind, row >= outs);
                    }
                }
            }
        }
    }

    /** Stores a sum; {@code up}: the place holds the gate's by now. */
    private static void put(FloatArray arena, int at, float value, int kind, boolean up) {
        float result = value;
        if (kind == ADD) result = arena.get(at) + value;
        if (up) result = silu(arena.get(at)) * value;
        arena.set(at, result);
    }

    /** Stores a group's sums. */
    static void write(FloatArray arena, int at, float value, float up, int kind) {
        float result = value;
        if (kind == ADD) result = arena.get(at) + value;
        if (kind == SWIGLU) result = silu(value) * up;
        arena.set(at, result);
    }

    /** {@code a / (1 + e^-a)}. Below -60 it is nothing beside other numbers, and OpenCL's fast division fails for large divisors. */
    static float silu(float a) {
        return a / (1 + TornadoMath.exp(TornadoMath.min(-a, 60f)));
    }

    static Float8 zero() {
        return new Float8(0f, 0f, 0f, 0f, 0f, 0f, 0f, 0f);
    }

    static float sum(Float8 s) {
        return ((s.getS0() + s.getS1()) + (s.getS2() + s.getS3())) + ((s.getS4() + s.getS5()) + (s.getS6() + s.getS7()));
    }
}
