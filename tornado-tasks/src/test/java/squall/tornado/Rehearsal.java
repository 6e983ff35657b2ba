package squall.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import squall.checker.lint.KernelReport;
import squall.checker.lint.Lint;
import squall.ops.StepPlan;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Tasks of one tape, played step after step as the player would: weights and states stay on the device, the arena is
 * handed over and back. Grids are larger than the steps, so that kernels must find out which rows are alive.
 */
public final class Rehearsal implements AutoCloseable {
    /** Rows and segments that the grids have too many. */
    private static final int PADDING = 3;

    private final StepArray step;
    private final FloatArray arena;
    private final Tape tape;
    private final TornadoExecutionPlan plan;

    /**
     * @param layer  which layer of its group is played
     * @param score  records the tasks
     * @param arrays weights and states among their arguments
     */
    public Rehearsal(Traits traits, int maxRows, int arenaSize, int layer, Consumer<Tape> score, FloatArray... arrays) {
        step = new StepArray(maxRows, maxRows, 1);
        arena = new FloatArray(arenaSize);
        IntArray layers = IntArray.fromElements(layer);
        TaskGraph graph = new TaskGraph("rehearsal");
        GridScheduler scheduler = new GridScheduler();
        LibraryScratch scratch = new LibraryScratch();
        score.accept(new Tape(null, null, new Frame(null, null, null, 0, null, null, maxRows, traits, scratch)));
        scratch.allocate(maxRows);
        tape = new Tape(graph, scheduler, new Frame(new KernelContext(), arena, step.ints, step.rowsAt, layers, new FloatArray(1), maxRows, traits, scratch));
        graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, arena, step.ints, layers);
        if (!scratch.arrays().isEmpty()) graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, scratch.arrays().toArray());
        if (arrays.length > 0) graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, (Object[]) arrays);
        score.accept(tape);
        graph.transferToHost(DataTransferMode.EVERY_EXECUTION, arena);
        plan = new TornadoExecutionPlan(graph.snapshot()).withGridScheduler(scheduler);
    }

    public static Region region(int width, int at, int stride) {
        return new Region(width, at, stride);
    }

    public FloatArray arena() {
        return arena;
    }

    public int tasks() {
        return tape.names().size();
    }

    public void play(StepPlan rows) {
        step.fill(rows, new int[0], 0);
        tape.size(rows.rows() + PADDING, rows.segments().size() + PADDING);
        plan.execute();
    }

    /** A row of slots 0, 1, …: how many rows each takes; its position is moved on in {@code lengths}. */
    public static StepPlan plan(int[] legs, int[] lengths) {
        StepPlan.Builder plan = new StepPlan.Builder();
        for (int slot = 0; slot < legs.length; slot++) {
            if (legs[slot] == 0) continue;
            plan.add(slot, lengths[slot], new int[legs[slot]], 0, legs[slot], StepPlan.Want.NONE);
            lengths[slot] += legs[slot];
        }
        return plan.build();
    }

    public static FloatArray gaussian(Random random, int size) {
        FloatArray array = new FloatArray(size);
        for (int i = 0; i < size; i++) array.set(i, (float) random.nextGaussian());
        return array;
    }

    public static float[] copy(FloatArray array) {
        float[] copy = new float[array.getSize()];
        for (int i = 0; i < copy.length; i++) copy[i] = array.get(i);
        return copy;
    }

    /** Fails for an element of the arena outside of {@code region}'s first {@code rows} rows that is not as before. */
    public void assertOnlyWrote(float[] before, int rows, Region... regions) {
        boolean[] allowed = new boolean[before.length];
        for (Region r : regions)
            for (int row = 0; row < rows; row++)
                for (int i = 0; i < r.width(); i++) allowed[r.at() + row * r.stride() + i] = true;
        for (int i = 0; i < before.length; i++)
            if (!allowed[i]) assertEquals(before[i], arena.get(i), "element " + i + " of the arena was written");
    }

    /** Nothing in these kernels is what TornadoVM refuses or miscompiles. */
    public static void assertSound(Class<?> kernels) {
        List<KernelReport> reports = Lint.kernelsOf(kernels);
        assertEquals(List.of(), reports.stream().flatMap(r -> r.violations().stream()).toList());
        assertEquals(true, !reports.isEmpty(), kernels + " has no kernels");
    }

    /** Rows of a region, packed. */
    public float[] rows(Region region, int rows) {
        float[] packed = new float[rows * region.width()];
        IntStream.range(0, packed.length).forEach(i -> packed[i] = arena.get(region.at() + i / region.width() * region.stride() + i % region.width()));
        return packed;
    }

    public void put(Region region, float[] packed) {
        for (int i = 0; i < packed.length; i++) arena.set(region.at() + i / region.width() * region.stride() + i % region.width(), packed[i]);
    }

    @Override public void close() {
        try {
            plan.close();
        } catch (TornadoExecutionPlanException e) {
            throw new IllegalStateException(e);
        }
    }
}
