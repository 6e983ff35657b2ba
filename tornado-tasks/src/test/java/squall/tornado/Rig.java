package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import squall.ops.StepPlan;
import squall.tornado.kernels.Halves;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * What a test of kernels needs: an arena full of random numbers with regions that touch neither each other nor its ends, one
 * step padded to a bucket, and the comparison afterwards, in which everything that nobody declared as a result must be untouched.
 */
public final class Rig {
    /** Most rows of a step. */
    public static final int BUCKET = 40;
    private static final int ARENA = 1_500_000;
    private static final int SEGMENTS = 8;
    /** Ints of a column as operands of tensor cores. */
    private static final int MOST_INTS = 32;

    private static final FloatArray HALVES = Halves.table();

    public final Random random;
    public final Traits traits;
    private final FloatArray arena = new FloatArray(ARENA);
    private final IntArray layer = new IntArray(1);
    private final StepArray step = new StepArray(BUCKET, SEGMENTS, 0);
    private final LibraryScratch scratch = new LibraryScratch();
    private final BitSet results = new BitSet();
    private final float[] before = new float[ARENA];
    private List<TornadoNativeArray> changed = List.of();
    private int next = 7;
    private int bucket;
    private int maxRows = BUCKET;
    private int rows;

    public Rig(long seed, int layerIndex, Traits traits) {
        this.random = new Random(seed);
        this.traits = traits;
        for (int i = 0; i < ARENA; i++) arena.set(i, (float) random.nextGaussian());
        layer.set(0, layerIndex);
    }

    /** A step of these segments, each {slot, start, rows}, padded to 1, 8 or all rows. */
    public StepPlan plan(int[]... segments) {
        StepPlan.Builder b = new StepPlan.Builder();
        for (int[] s : segments) b.add(s[0], s[1], new int[s[2]], 0, s[2], StepPlan.Want.LAST);
        StepPlan plan = b.build();
        step.fill(plan, new int[0], 0);
        rows = plan.rows();
        bucket = rows == 1 ? 1 : rows <= 8 ? 8 : BUCKET;
        return plan;
    }

    /** Records as for steps of few rows, which is all that regions have room for. */
    public Rig few() {
        maxRows = 8;
        return this;
    }

    /** Records as for steps of so many rows, of which {@value #BUCKET} at most are played. */
    public Rig rows(int most) {
        maxRows = most;
        return this;
    }

    /** What is recorded in. */
    public Frame frame() {
        return new Frame(new KernelContext(), arena, step.ints, step.rowsAt, layer, HALVES, maxRows, traits, scratch);
    }

    public void token(int row, int id) {
        step.ints.set(step.rowsAt + StepArray.RECORD * row + StepArray.TOKEN, id);
    }

    /** Fills the rows of the step with row numbers, as for the rows whose logits are wanted. */
    public void outputs(int... wanted) {
        rows = wanted.length;
        bucket = rows + 2;
        step.ints.set(StepArray.ROWS, rows);
        for (int i = 0; i < rows; i++) step.ints.set(step.rowsAt + i, wanted[i]);
    }

    /** Forgets the regions. */
    public void afresh() {
        next = 7;
    }

    /** A region whose stride is larger than its width. */
    public Region region(int width) {
        int stride = width + 3;
        Region region = new Region(width, next, stride);
        next += maxRows * stride + 5;
        if (next > ARENA) throw new IllegalStateException("the arena is full");
        return region;
    }

    /** A region that can be read in vectors of eight. */
    public Region aligned(int width) {
        next = (next + 7) / 8 * 8;
        Region region = new Region(width, next, (width + 15) / 8 * 8);
        next += BUCKET * region.stride() + 5;
        if (next > ARENA) throw new IllegalStateException("the arena is full");
        return region;
    }

    /** Columns [offset, offset + width) of a region. */
    public static Region part(Region whole, int offset, int width) {
        return new Region(width, whole.at() + offset, whole.stride());
    }

    /** One weight vector for each of four layers, {@code at} behind the start of its layer. */
    public Small small(int size) {
        return new Small(floats(4 * (size + 9)), size + 9, 4, size);
    }

    /** weight[i] of the layer that is played */
    public double weight(Small w, int i) {
        return w.array().get(layer.get(0) * w.layerStride() + w.at() + i);
    }

    public int layer() {
        return layer.get(0);
    }

    public FloatArray floats(int size) {
        FloatArray array = new FloatArray(size);
        for (int i = 0; i < size; i++) array.set(i, (float) random.nextGaussian());
        return array;
    }

    public float get(Region x, int row, int i) {
        return arena.get(x.at() + row * x.stride() + i);
    }

    public void set(Region x, int row, int i, float value) {
        arena.set(x.at() + row * x.stride() + i, value);
    }

    public double[] row(Region x, int row) {
        double[] values = new double[x.width()];
        for (int i = 0; i < values.length; i++) values[i] = get(x, row, i);
        return values;
    }

    /** These arrays are changed by what is played next: they come back, and keep what no kernel writes. */
    public Rig changing(TornadoNativeArray... arrays) {
        changed = List.of(arrays);
        return this;
    }

    /** Makes room for products of a library with matrices [outs, cols]. */
    public void library(int outs, int cols) {
        scratch.need(BUCKET, outs, cols);
        scratch.needPairs(BUCKET, cols * MOST_INTS);
        scratch.needBrains(BUCKET, cols);
        scratch.allocate(SEGMENTS);
    }

    /** Makes room for the choices of all rows. */
    public void experts(int experts, int used, int hidden, int dim) {
        scratch.need(maxRows, dim, dim);
        scratch.needChoices(maxRows * used + 3 * (maxRows * used / 64 + experts), maxRows * used * hidden);
        scratch.allocate(SEGMENTS);
    }

    /** Makes room for so many longs of operands of tensor cores. */
    public void tiles(int longs) {
        scratch.needTiles(longs);
        scratch.allocate(SEGMENTS);
    }

    /** Plays on a fresh device; {@code arrays} are what the kernels read besides the arena. */
    public void play(Consumer<Tape> score, TornadoNativeArray... arrays) {
        for (int i = 0; i < ARENA; i++) before[i] = arena.get(i);
        results.clear();
        TaskGraph graph = new TaskGraph("kernels");
        graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, arena, step.ints, layer, HALVES);
        if (arrays.length > 0) graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, (Object[]) arrays);
        if (!changed.isEmpty()) graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, changed.toArray());
        GridScheduler scheduler = new GridScheduler();
        Tape tape = new Tape(graph, scheduler, frame());
        keep(tape, arena);
        for (TornadoNativeArray array : changed) keep(tape, array);
        score.accept(tape);
        graph.transferToHost(DataTransferMode.EVERY_EXECUTION, arena);
        if (!changed.isEmpty()) graph.transferToHost(DataTransferMode.EVERY_EXECUTION, changed.toArray());
        tape.size(bucket, Math.min(SEGMENTS, bucket));
        try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
            plan.withGridScheduler(scheduler).execute();
        } catch (TornadoExecutionPlanException e) {
            throw new AssertionError(e);
        }
    }

    /** An array that its first task only writes would not be uploaded. */
    private static void keep(Tape tape, TornadoNativeArray array) {
        Frame f = tape.frame();
        switch (array) {
            case FloatArray a -> tape.add("keep", Grid.fixed(1, 1), (g, id) -> g.task(id, Rig::kKeepFloats, f.context(), a));
            case IntArray a -> tape.add("keep", Grid.fixed(1, 1), (g, id) -> g.task(id, Rig::kKeepInts, f.context(), a));
            case HalfFloatArray a -> tape.add("keep", Grid.fixed(1, 1), (g, id) -> g.task(id, Rig::kKeepHalves, f.context(), a));
            default -> throw new IllegalArgumentException("arrays of floats, halves and ints only");
        }
    }

    public static void kKeepFloats(KernelContext context, FloatArray array) {
        array.set(context.globalIdx, array.get(context.globalIdx));
    }

    public static void kKeepInts(KernelContext context, IntArray array) {
        array.set(context.globalIdx, array.get(context.globalIdx));
    }

    public static void kKeepHalves(KernelContext context, HalfFloatArray array) {
        array.set(context.globalIdx, array.get(context.globalIdx));
    }

    /** y[row] must be this; the tolerance is relative to the row's largest value. */
    public void expect(Region y, int row, double[] expected, double tolerance) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], get(y, row, i), tolerance * largest, "row " + row + ", element " + i);
        }
        scratch(y, row, 0, expected.length);
    }

    /** The same with a bound for each number. */
    public void expect(Region y, int row, double[] expected, double[] bounds) {
        for (int i = 0; i < expected.length; i++) assertEquals(expected[i], get(y, row, i), bounds[i], "row " + row + ", element " + i);
        scratch(y, row, 0, expected.length);
    }

    /** Elements [from, to) of y[row] may hold anything. */
    public void scratch(Region y, int row, int from, int to) {
        results.set(y.at() + row * y.stride() + from, y.at() + row * y.stride() + to);
    }

    /** All of a region may hold anything. */
    public void scratch(Region y) {
        for (int row = 0; row < maxRows; row++) scratch(y, row, 0, y.width());
    }

    /** Everything that was neither expected nor scratch is as before. */
    public void nothingElseChanged() {
        for (int i = results.nextClearBit(0); i < ARENA; i = results.nextClearBit(i + 1))
            if (Float.floatToRawIntBits(arena.get(i)) != Float.floatToRawIntBits(before[i]))
                fail("element " + i + " of the arena was " + before[i] + " and is " + arena.get(i));
    }

    /** What the arena held before the play. */
    public double[] rowBefore(Region x, int row) {
        int from = x.at() + row * x.stride();
        double[] values = new double[x.width()];
        for (int i = 0; i < values.length; i++) values[i] = before[from + i];
        return values;
    }

    public int rows() {
        return rows;
    }
}
