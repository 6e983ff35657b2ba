package squall.tornado;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import squall.engine.EngineOptions.KvFormat;
import squall.ops.Buf;
import squall.ops.Stage;
import squall.ops.StepPlan;
import squall.tornado.kernels.Halves;
import squall.tornado.kernels.Residents;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The recorder as the contract sees it: a score is recorded when it is first played, as the second layer of its group, and
 * replayed from then on. The arena goes to the device filled with NaN, so that nothing comes from what was never written.
 */
final class TornadoStage implements Stage {
    private static final int CONTEXT_LENGTH = 1024;
    private static final int BASE = 3;

    private final Traits traits;
    private final int slots;
    private final int maxRows;
    private final boolean alone;
    private final PageTable table;
    private final StepArray step;
    private final IntArray layer = IntArray.fromElements(0);
    private Score recorded;
    private FloatArray arena;
    private IntArray outputs;
    private Region[] in;
    private Region[] out;
    private int[] outRows;
    private Tape tape;
    private TornadoExecutionPlan plan;

    TornadoStage(Traits traits, int slots, int maxRows) {
        this(traits, slots, maxRows, false);
    }

    /** alone: for rows that are alone in their segments. */
    TornadoStage(Traits traits, int slots, int maxRows, boolean alone) {
        this.traits = traits;
        this.slots = slots;
        this.maxRows = maxRows;
        this.alone = alone;
        this.table = new PageTable(slots, CONTEXT_LENGTH);
        this.step = new StepArray(maxRows, alone, slots, PageTable.mostPatches(maxRows, slots));
    }

    @Override public float[][] play(StepPlan steps, int[] widths, float[][] inputs, Score score) {
        if (recorded == null) record(widths, score);
        if (score != recorded) throw new IllegalStateException("a stage plays one score");
        for (StepPlan.Segment s : steps.segments()) table.reserve(s.slot(), s.start() + s.rows());
        step.fill(steps, table.patches(), table.patchCount());
        outputs.set(0, steps.outputs().length);
        for (int i = 0; i < steps.outputs().length; i++) outputs.set(Recordings.OUTPUTS_AT + i, steps.outputs()[i]);
        arena.init(Float.NaN);
        for (int i = 0; i < in.length; i++)
            for (int j = 0; j < inputs[i].length; j++) arena.set(in[i].at() + j, inputs[i][j]);
        tape.size(steps.rows(), steps.segments().size());
        plan.withGraph(1).execute();
        table.patched();
        float[][] results = new float[out.length][];
        for (int i = 0; i < out.length; i++)
            results[i] = read(out[i], outRows[i] == 0 ? steps.rows() : steps.outputs().length);
        return results;
    }

    private float[] read(Region r, int rows) {
        float[] values = new float[rows * r.width()];
        for (int row = 0; row < rows; row++)
            for (int i = 0; i < r.width(); i++) values[row * r.width() + i] = arena.get(r.at() + row * r.stride() + i);
        return values;
    }

    private void record(int[] widths, Score score) {
        recorded = score;
        Survey survey = new Survey();
        LibraryScratch scratch = new LibraryScratch();
        Frame bare = new Frame(null, null, null, 0, null, null, maxRows, alone, traits, scratch);
        Tape names = new Tape(null, null, bare);
        TornadoOps first = new TornadoOps(names, survey, maxRows, bare, maxRows, BASE);
        score.play(first, inputs(first, widths));
        LayerGroup group = new LayerGroup(survey.sites(), names.names(), List.of(survey.parts()));
        DeviceWeights weights = new DeviceWeights(traits);
        LayerGroup.Capacity capacity = new LayerGroup.Capacity(slots, table.pages());
        DeviceState state = new DeviceState(CONTEXT_LENGTH, capacity, table, KvFormat.F32, survey.routes() ? 64 * maxRows : 0);
        GroupArrays arrays = new GroupArrays(group, weights, state);
        survey.ropes().forEach(rope -> weights.angles(rope, CONTEXT_LENGTH));
        arena = new FloatArray(first.highWater() + 1);
        scratch.allocate(slots);
        outputs = new IntArray(Recordings.OUTPUTS_AT + maxRows);
        FloatArray halves = Halves.table();
        List<Object> sent = Stream.concat(weights.arrays().stream(), Stream.of(halves, layer)).toList();
        List<Object> opened = state.arrays();
        Object[] residents = Stream.concat(sent.stream(), opened.stream()).toArray();

        KernelContext context = new KernelContext();
        GridScheduler scheduler = new GridScheduler();
        Frame frame = new Frame(context, arena, step.ints, step.rowsAt, layer, halves, maxRows, alone, traits, scratch);
        Frame outputFrame = new Frame(context, arena, outputs, Recordings.OUTPUTS_AT, layer, halves, maxRows, alone, traits, scratch);
        TaskGraph load = new TaskGraph("load").transferToDevice(DataTransferMode.FIRST_EXECUTION, sent.toArray());
        Tape loading = new Tape(load, scheduler, frame);
        IntArray sink = new IntArray(1);
        sent.forEach(a -> Residents.send(loading, a, sink));
        opened.forEach(a -> Residents.open(loading, a));
        load.persistOnDevice(residents);

        TaskGraph graph = new TaskGraph("score").transferToDevice(DataTransferMode.EVERY_EXECUTION, step.ints, outputs, arena)
                .consumeFromDevice(residents);
        tape = new Tape(graph, scheduler, frame);
        Residents.send(tape, arena, new IntArray(1));   // a score that only writes would leave the arena at home
        Residents.patch(tape, state.table(), step.patchesAt);
        TornadoOps ops = new TornadoOps(tape, arrays.reader(), maxRows, outputFrame, maxRows, BASE);
        in = inputs(ops, widths);
        Buf[] results = score.play(ops, in.clone());
        out = Arrays.stream(results).map(Region::of).toArray(Region[]::new);
        outRows = Arrays.stream(results).mapToInt(b -> ops.isOutput(Region.of(b)) ? 1 : 0).toArray();
        graph.persistOnDevice(residents).transferToHost(DataTransferMode.EVERY_EXECUTION, arena);
        plan = new TornadoExecutionPlan(load.snapshot(), graph.snapshot()).withGridScheduler(scheduler);
        loading.size(1, 1);
        plan.withGraph(0).execute();
    }

    private static Region[] inputs(TornadoOps ops, int[] widths) {
        return Arrays.stream(widths).mapToObj(ops::placed).toArray(Region[]::new);
    }

    @Override public void clear(int slot) {
        table.cut(slot, 0);
    }

    @Override public void close() {
        try {
            if (plan != null) plan.close();
        } catch (TornadoExecutionPlanException e) {
            throw new IllegalStateException(e);
        }
    }
}
