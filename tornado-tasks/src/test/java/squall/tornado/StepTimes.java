package squall.tornado;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;
import squall.ops.DeltaShape;
import squall.ops.HeadShape;
import squall.ops.Routing;
import squall.ops.StepPlan;
import squall.quant.Format;
import squall.sample.Sampling;
import squall.tornado.kernels.Attention;
import squall.tornado.kernels.DeltaInputs;
import squall.tornado.kernels.DeltaRule;
import squall.tornado.kernels.DeltaStep;
import squall.tornado.kernels.DeltaSteps;
import squall.tornado.kernels.Draw;
import squall.tornado.kernels.ExpertStep;
import squall.tornado.kernels.Experts;
import squall.tornado.kernels.GatedNorm;
import squall.tornado.kernels.Halves;
import squall.tornado.kernels.HeadNormRope;
import squall.tornado.kernels.Normed;
import squall.tornado.kernels.Planes;
import squall.tornado.kernels.Router;
import squall.tornado.kernels.RowNorm;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Times what is no product in a step of decoding, on TornadoVM's default device, which is a CUDA one:
 * {@code java @SDK/tornado-argfile … -cp … squall.tornado.StepTimes [model,… [rows,… [positions,… [attention|delta]]]]}, models 0.8b, 4b
 * and 35b, the last word for nothing else; of more than {@value #MOST_ROWS} rows, which are the last ones of a prompt, only
 * the attention and the parts of Gated DeltaNet. Tasks are repeated over layers whose states are larger than the caches, in one
 * CUDA graph; what is printed comes from the difference between graphs of many and of few, so that what an
 * execution costs besides is not in it.
 */
final class StepTimes {
    private static final int MOST_ROWS = 64;
    private static final int FEW = 8;
    private static final int MANY = 40;
    private static final Traits TRAITS = new Traits(Traits.Shape.WARPS, 64, true, false, false);
    /** The same of tasks that work for milliseconds, several of which make an attention. */
    private static final int FEW_LONG = 2;
    private static final int MANY_LONG = 10;
    /** The same of what takes three tasks with many arguments, of which a graph has room for so many. */
    private static final int MANY_OF_THREE = 20;
    private static final int EXECUTIONS = 15;
    private static final int TAPS = 4;
    private static final int HEAD = 256;
    private static final int FREQUENCIES = 32;
    private static final float EPS = 1e-6f;
    /** Bytes of states: several times the caches. */
    private static final long STATES = 400_000_000;

    private record Shape(String name, int dim, int heads, int kvHeads, int keyHeads, int valueHeads, int experts) {}

    private static final List<Shape> SHAPES = List.of(new Shape("0.8b", 1024, 8, 2, 16, 16, 0), new Shape("4b", 2560, 16, 4, 16, 32, 0),
            new Shape("35b", 2048, 16, 2, 16, 32, 256));
    private static final int VOCAB = 248320;

    private final Shape shape;
    private final int rows;
    private final int maxRows;
    private final int positions;
    private final int segments;
    private final StepArray step;
    private final IntArray ids = new IntArray(1024);
    private final FloatArray wishes = new FloatArray(64 * Draw.WISH);
    private final FloatArray halves = Halves.table();
    private FloatArray arena;
    private int next;
    private List<Object> arrays;

    private StepTimes(Shape shape, int rows, int positions) {
        this.shape = shape;
        this.rows = rows;
        this.maxRows = rows == 1 ? 1 : rows <= 8 ? 8 : Math.max(rows, MOST_ROWS);
        this.positions = positions;
        segments = rows > MOST_ROWS ? 1 : maxRows;
        step = new StepArray(maxRows, segments, 0);
        StepPlan.Builder plan = new StepPlan.Builder();
        if (rows > MOST_ROWS) plan.add(0, positions - rows, new int[rows], 0, rows, StepPlan.Want.LAST);
        for (int r = 0; r < rows && rows <= MOST_ROWS; r++) plan.add(r, positions - 1, new int[1], 0, 1, StepPlan.Want.LAST);
        step.fill(plan.build(), new int[0], 0);
        for (int i = 0; i < ids.getSize(); i++) ids.set(i, i * 29 % 256);
        wishes.init(0);
        for (int r = 0; r < Math.min(rows, MOST_ROWS); r++) Draw.wish(wishes, r, Sampling.GREEDY, 0, VOCAB);
    }

    private Region region(int width) {
        Region r = new Region(width, next, width);
        next += maxRows * width;
        return r;
    }

    private <T> T keep(T array) {
        arrays.add(array);
        return array;
    }

    private FloatArray floats(long size) {
        FloatArray a = keep(new FloatArray(Math.toIntExact(size)));
        a.init(0.01f);
        return a;
    }

    /** Prints how long a kind of tasks takes; they are recorded after the regions and states that {@code made} makes. */
    private void time(String name, int layers, BiConsumer<Tape, Integer> tasks) throws TornadoExecutionPlanException {
        time(name, layers, rows > MOST_ROWS ? FEW_LONG : FEW, rows > MOST_ROWS ? MANY_LONG : MANY, tasks);
    }

    private void time(String name, int layers, int few, int many, BiConsumer<Tape, Integer> tasks) throws TornadoExecutionPlanException {
        double seconds = (seconds(many, layers, tasks) - seconds(few, layers, tasks)) / (many - few);
        System.out.printf(Locale.ROOT, "%-5s %2d rows %6d positions %-16s %8.2f us%n", shape.name, rows, positions, name, seconds * 1e6);
    }

    private double seconds(int tasks, int layers, BiConsumer<Tape, Integer> record) throws TornadoExecutionPlanException {
        TaskGraph graph = new TaskGraph("tasks" + tasks);
        arena = new FloatArray(next + 1);
        for (int i = 0; i < arena.getSize(); i++) arena.set(i, (i * 37 % 101 - 50) / 50f);
        graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, arena, step.ints, halves, ids, wishes);
        if (!arrays.isEmpty()) graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, arrays.toArray());
        GridScheduler scheduler = new GridScheduler();
        KernelContext context = new KernelContext();
        LibraryScratch scratch = new LibraryScratch();
        record.accept(new Tape(null, null, new Frame(null, null, null, 0, null, null, maxRows, TRAITS, scratch)), 0);
        scratch.allocate(segments);
        if (!scratch.arrays().isEmpty()) graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, scratch.arrays().toArray());
        Tape tape = new Tape(graph, scheduler, null);
        for (int t = 0; t < tasks; t++) {
            IntArray layer = IntArray.fromElements(t % layers);
            graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, layer);
            tape.turnTo(new Frame(context, arena, step.ints, step.rowsAt, layer, halves, maxRows, TRAITS, scratch));
            record.accept(tape, t);
        }
        graph.transferToHost(DataTransferMode.UNDER_DEMAND, arena);
        tape.size(maxRows, segments);
        double[] times = new double[EXECUTIONS];
        try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
            plan.withGridScheduler(scheduler).withCUDAGraph();
            for (int i = 0; i < 3; i++) plan.execute();
            for (int i = 0; i < EXECUTIONS; i++) {
                long start = System.nanoTime();
                plan.execute();
                times[i] = (System.nanoTime() - start) / 1e9;
            }
        }
        Arrays.sort(times);
        return times[EXECUTIONS / 2];
    }

    private void afresh() {
        next = 0;
        arrays = new ArrayList<>();
    }

    private void norm() throws TornadoExecutionPlanException {
        afresh();
        Small w = new Small(floats(shape.dim), 0, 0, shape.dim);
        Region x = region(shape.dim), y = region(shape.dim);
        time("rmsNorm", 1, (tape, t) -> RowNorm.record(tape, y, x, w, EPS));
    }

    private void delta() throws TornadoExecutionPlanException {
        afresh();
        DeltaShape s = new DeltaShape(shape.keyHeads, shape.valueHeads, 128, 128, DeltaShape.HeadOrder.GROUPED);
        int out = s.valueHeads() * s.dv(), memory = out * s.dk(), ring = TAPS * s.channels(), convs = s.channels() * TAPS;
        int slots = rows > MOST_ROWS ? 1 : rows, layers = (int) Math.max(2, STATES / (4L * slots * memory));
        Slab memories = new Slab(floats((long) layers * slots * memory), slots * memory, memory), rings = new Slab(floats((long) layers * slots * ring), slots * ring, ring);
        FloatArray all = floats(convs + 2 * s.valueHeads() + s.dv());
        Small conv = new Small(all, 0, 0, convs), decay = new Small(all, 0, convs, s.valueHeads()), dt = new Small(all, 0, convs + s.valueHeads(), s.valueHeads());
        Small norm = new Small(all, 0, convs + 2 * s.valueHeads(), s.dv());
        Region u = region(s.channels()), b = region(s.valueHeads()), a = region(s.valueHeads()), z = region(out), y = region(out), qkv = region(s.channels());
        Region squares = region(s.valueHeads() * DeltaStep.parts(s));
        DeltaStep.Weights weights = new DeltaStep.Weights(conv, decay, dt, norm);
        if (rows == 1) time("deltaStep", layers, (tape, t) -> DeltaStep.record(tape, y, squares, u, b, a, z, weights, TAPS, rings, memories, s));
        if (rows <= MOST_ROWS) time("deltaSteps", layers, (tape, t) -> DeltaSteps.record(tape, y, u, b, a, z, weights, TAPS, rings, memories, s, EPS));
        time("deltaInputs", layers, (tape, t) -> DeltaInputs.record(tape, qkv, u, conv, TAPS, rings, b, a, decay, dt, s));
        if (rows > MOST_ROWS) {
            Region scratch = region(DeltaRule.scratchWidth(new Frame(null, null, null, 0, null, null, maxRows, TRAITS, null), s));
            time("deltaRuleChunked", layers, (tape, t) -> DeltaRule.recordChunked(tape, y, qkv, b, a, memories, s, scratch));
        } else time("deltaRule", layers, (tape, t) -> DeltaRule.record(tape, y, qkv, b, a, memories, s));
        time("gatedNorm", layers, (tape, t) -> GatedNorm.record(tape, y, z, norm, EPS));
    }

    private void attention() throws TornadoExecutionPlanException {
        afresh();
        int width = shape.kvHeads * HEAD, perSlot = (positions + Pages.SIZE - 1) / Pages.SIZE, slots = rows > MOST_ROWS ? 1 : rows;
        int elements = slots * perSlot * Pages.SIZE * width;
        int layers = (int) Math.max(2, Math.min(16, STATES / (4L * elements)));
        IntArray table = keep(new IntArray(slots * perSlot));
        for (int i = 0; i < slots * perSlot; i++) table.set(i, i);
        Pages pages = new Pages(keep(new HalfFloatArray(layers * elements)), keep(new HalfFloatArray(layers * elements)), table, perSlot, elements,
                shape.kvHeads, HEAD);
        Small both = new Small(floats(2 * HEAD), 0, 0, HEAD), key = new Small(both.array(), 0, HEAD, HEAD);
        FloatArray angles = floats((long) positions * 2 * FREQUENCIES);
        Region projected = region(2 * shape.heads * HEAD + 2 * width), q = region(shape.heads * HEAD), y = region(shape.heads * HEAD);
        Region k = new Region(width, projected.at() + 2 * shape.heads * HEAD, projected.width()), v = new Region(width, k.at() + width, projected.width());
        HeadShape queries = new HeadShape(shape.heads, HEAD, 2 * HEAD, 0), gates = new HeadShape(shape.heads, HEAD, 2 * HEAD, HEAD);
        time("normRopeAppend", layers, (tape, t) -> HeadNormRope.recordAppending(tape, q, new HeadNormRope.Projected(projected, queries, both, k, v, key),
                pages, EPS, angles, FREQUENCIES));
        Frame like = new Frame(null, null, null, 0, null, null, maxRows, TRAITS, null);
        Region partial = region(Attention.partialWidth(like, shape.heads, shape.kvHeads, HEAD));
        time("attention+merge", layers, (tape, t) -> Attention.record(tape, y, q, pages, shape.heads, partial, projected, gates));
    }

    private void router() throws TornadoExecutionPlanException {
        afresh();
        int hidden = 512, used = 9, layers = 4, experts = shape.experts + 1;
        Region logits = region(shape.experts), scalar = region(1), weights = region(used), x = region(shape.dim), h = region(used * hidden), y = region(shape.dim);
        time("route", 1, (tape, t) -> Router.record(tape, new Chosen(ids, weights, used), logits, shape.experts, Routing.Weights.NORMALISED, scalar));
        for (Format format : List.of(Format.Q8_0, Format.Q4_K)) {
            Bank gateUp = bank(format, 2 * hidden, shape.dim, experts, layers), down = bank(format, shape.dim, hidden, experts, layers);
            time("experts " + format, layers, (tape, t) -> Experts.recordAdd(tape, y, h, x, new Chosen(ids, weights, used), gateUp, down));
            mixture(format, layers, gateUp, down, used);
        }
    }

    /** Norm, router and experts of few rows, in steps. */
    private void mixture(Format format, int layers, Bank gateUp, Bank down, int used) throws TornadoExecutionPlanException {
        int experts = gateUp.experts(), matrix = experts * shape.dim;
        FloatArray router = floats((long) layers * matrix);
        for (int i = 0; i < router.getSize(); i++) router.set(i, (i * 7919L % 10007 - 5003) / 5003f);
        Bank routers = new Bank(Format.F32, router, matrix, 0, experts, shape.dim, 1, matrix, null, 0);
        Small norm = new Small(floats(shape.dim), 0, 0, shape.dim);
        Region x = region(shape.dim), logits = region(experts), weights = region(used), steps = region(ExpertStep.steps(shape.dim, used, down.cols()));
        time("mixture " + format, layers, FEW, MANY_OF_THREE, (tape, t) -> ExpertStep.recordAdd(tape, new Normed(x, norm, EPS), new Chosen(ids, weights, used), logits, routers, true,
                Routing.Weights.NORMALISED, gateUp, down, steps));
    }

    private Bank bank(Format format, int outs, int cols, int experts, int layers) {
        int matrix = outs * Planes.rowLongs(format, cols), all = layers * experts;
        LongArray quanta = keep(new LongArray(all * matrix));
        HalfFloatArray scales = keep(new HalfFloatArray(all * outs * Planes.rowScales(format, cols)));
        quanta.init(0x1234567890ABCDEFL);
        scales.init(new HalfFloat(0.01f));
        return new Bank(format, quanta, experts * matrix, 0, outs, cols, experts, matrix, null, 0, new Planes(scales, 1));
    }

    private void draw() throws TornadoExecutionPlanException {
        afresh();
        Region logits = region(VOCAB), scratch = region(Draw.scratchWidth(VOCAB));
        time("draw, greedy", 1, (tape, t) -> Draw.record(tape, ids, logits, wishes, scratch));
    }

    private void besidesAttention() throws TornadoExecutionPlanException {
        norm();
        delta();
        if (shape.experts > 0) router();
        draw();
    }

    public static void main(String[] args) throws TornadoExecutionPlanException {
        List<String> models = List.of((args.length < 1 ? "0.8b,4b,35b" : args[0]).split(","));
        for (Shape shape : SHAPES)
            if (models.contains(shape.name))
                for (String rows : (args.length < 2 ? "1,16,64" : args[1]).split(",")) {
                    StepTimes times = new StepTimes(shape, Integer.parseInt(rows), Math.max(512, Integer.parseInt(rows)));
                    String only = args.length < 4 ? "" : args[3];
                    if (only.isEmpty() && times.rows <= MOST_ROWS) times.besidesAttention();
                    else if (!only.equals("attention")) times.delta();
                    if (!only.equals("delta")) for (String positions : (args.length < 3 ? "512,4096,32768" : args[2]).split(","))
                        if (times.rows == 1 || times.rows > MOST_ROWS || Integer.parseInt(positions) <= 512) new StepTimes(shape, times.rows, Integer.parseInt(positions)).attention();
                }
    }
}
