package squall.tornado;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import squall.ops.StepPlan;
import squall.tornado.kernels.Draw;
import squall.tornado.kernels.Residents;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The TaskGraphs of a model: one that brings everything to the device, one for the embedding, one for each group of layers
 * and one for the head. What depends on the number of rows is recorded twice, for few rows and for many.
 *
 * <p>A graph of TornadoVM shares an array only with the graph that ran just before. So every graph takes all residents
 * from its predecessor, whichever that was, and leaves them for the next: a chain that never breaks.
 */
final class Recordings {
    /** Where the row numbers of the head's step array start; its element 0 counts them. */
    static final int OUTPUTS_AT = 8;

    /**
     * The graphs for steps of at most {@code step.maxRows} rows.
     *
     * @param layer  which layer of its group is to be played
     * @param enter  graph that brings the step to the device, and plays the embedding if it is here
     * @param stream residual stream from another device; null for a whole model
     * @param take   graph that takes it
     * @param groups graph of each group
     */
    record Score(StepArray step, IntArray layer, int enter, FloatArray stream, int take, List<Integer> groups) {}

    private final DeviceModel device;
    private final KernelContext context = new KernelContext();
    private final GridScheduler scheduler = new GridScheduler();
    private final List<ImmutableTaskGraph> graphs = new ArrayList<>();
    private final List<Tape> tapes = new ArrayList<>();
    private final List<Object> residents;

    final Score few;
    final Score many;
    final int load;
    /** Copies the states of place {@code copied[0]} to place {@code copied[1]}; -1 without such states. */
    final int copy;
    final IntArray copied = new IntArray(2);
    final int head;
    /** The head, and tokens drawn from its logits as {@code wishes} has it; -1 like head. */
    final int draw;
    final FloatArray wishes;
    final IntArray drawn;
    /** How many rows go to the head, and which. */
    final IntArray outputs;
    private Region logits;

    Recordings(DeviceModel device) {
        this.device = device;
        StepArray fewStep = step(device.fewRows);
        StepArray manyStep = step(device.manyRows);
        outputs = new IntArray(OUTPUTS_AT + device.maxOutputs);
        wishes = new FloatArray(Draw.WISH * device.maxOutputs);
        wishes.init(0);
        drawn = new IntArray(device.maxOutputs);
        List<Object> sent = new ArrayList<>(device.weights.arrays());
        sent.add(device.halves);
        List<Object> opened = new ArrayList<>(device.state.arrays());
        opened.addAll(List.of(device.arena, fewStep.ints, manyStep.ints));
        residents = Stream.concat(sent.stream(), opened.stream()).toList();

        IntArray sink = new IntArray(1);
        load = first(frame(manyStep, null), sent, tape -> {
            sent.forEach(array -> Residents.send(tape, array, sink));
            opened.forEach(array -> Residents.open(tape, array));
        });
        copy = device.state.slabs().isEmpty() ? -1 : next("copy", frame(manyStep, null), copied,
                tape -> device.state.slabs().forEach(s -> Residents.copy(tape, s, device.state.layersOf(s), copied)));
        head = device.head == null ? -1 : head("head", List.of(outputs), _ -> {});
        draw = device.head == null ? -1 : head("draw", List.of(outputs, wishes), ops -> ops.draw(drawn, logits, wishes));
        few = score("few", fewStep);
        many = score("many", manyStep);
    }

    private StepArray step(int rows) {
        int segments = Math.min(rows, device.slots);
        return new StepArray(rows, segments, PageTable.mostPatches(rows, segments));
    }

    private Frame frame(StepArray step, IntArray layer) {
        return new Frame(context, device.arena, step.ints, step.rowsAt, layer, device.halves, step.maxRows, device.traits);
    }

    private Score score(String name, StepArray step) {
        IntArray layer = new IntArray(1);
        IntArray only = new IntArray(1);
        only.init(0);
        int enter = next(name, frame(step, only), step.ints, tape -> {
            Residents.patch(tape, device.state.table(), step.patchesAt);
            // rows of its table are nothing beside the weights of a layer: not weighed
            if (device.embedding != null)
                device.model.embedding().forward(new TornadoOps(tape, device.embedding.reader(), step.maxRows, null, 0, 0));
        }, only);
        int dim = device.model.config().dim();
        FloatArray stream = device.isPart() ? new FloatArray(step.maxRows * dim) : null;
        int take = stream == null ? -1 : next(name + "Take", frame(step, only), stream, tape -> Residents.take(tape, stream, dim));
        List<Integer> groups = new ArrayList<>();
        for (int g = 0; g < device.groups.size(); g++) {
            int group = g;
            groups.add(next(name + "Layer" + g, frame(step, layer), layer, tape ->
                    device.play(device.firstLayerOf(group), ops(tape, device.groupArrays.get(group), step.maxRows, device.base()))));
        }
        return new Score(step, layer, enter, stream, take, groups);
    }

    /** each: what is sent at every execution; after: what follows the logits. */
    private int head(String name, List<Object> each, Consumer<TornadoOps> after) {
        IntArray only = new IntArray(1);
        only.init(0);
        Frame frame = new Frame(context, device.arena, outputs, OUTPUTS_AT, only, device.halves, device.maxOutputs, device.traits);
        return next(name, frame, each, tape -> {
            TornadoOps ops = new TornadoOps(tape, new WeighedStore(device.head.reader(), tape), device.maxOutputs, frame, device.maxOutputs, device.base());
            logits = Region.of(device.model.head().forward(ops, device.residual()));
            after.accept(ops);
        }, only);
    }

    private TornadoOps ops(Tape tape, GroupArrays arrays, int rows, int base) {
        return new TornadoOps(tape, new WeighedStore(arrays.reader(), tape), rows, null, 0, base);
    }

    // ---- graphs

    private int first(Frame frame, List<Object> sent, Consumer<Tape> score) {
        TaskGraph graph = new TaskGraph("load").transferToDevice(DataTransferMode.FIRST_EXECUTION, sent.toArray());
        return close(graph, frame, score);
    }

    private int next(String name, Frame frame, Object each, Consumer<Tape> score, Object... once) {
        return next(name, frame, List.of(each), score, once);
    }

    /** each: the arrays that are sent at every execution; once: others that are sent at the first. */
    private int next(String name, Frame frame, List<Object> each, Consumer<Tape> score, Object... once) {
        TaskGraph graph = new TaskGraph(name).transferToDevice(DataTransferMode.EVERY_EXECUTION, each.toArray());
        if (once.length > 0) graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, once);
        graph.consumeFromDevice(residents.stream().filter(r -> each.stream().noneMatch(e -> e == r)).toArray());
        return close(graph, frame, score);
    }

    private int close(TaskGraph graph, Frame frame, Consumer<Tape> score) {
        Tape tape = new Tape(graph, scheduler, frame);
        score.accept(tape);
        graph.persistOnDevice(residents.toArray());
        if (tape.names().contains("draw")) graph.persistOnDevice(drawn);
        graphs.add(graph.snapshot());
        tapes.add(tape);
        return graphs.size() - 1;
    }

    ImmutableTaskGraph[] graphs() {
        return graphs.toArray(ImmutableTaskGraph[]::new);
    }

    GridScheduler scheduler() {
        return scheduler;
    }

    /** Sets the grids of a graph for a step. */
    void size(int graph, int rows, int segments) {
        tapes.get(graph).size(rows, segments);
    }

    /** What a graph plays: a layer type by its blocks, or the embedding, the head. */
    String part(int graph) {
        for (Score s : List.of(few, many)) {
            if (graph == s.enter) return "embedding";
            int group = s.groups.indexOf(graph);
            if (group >= 0) return device.type(group);
        }
        return graph == head || graph == draw ? "head" : "housekeeping";
    }

    /** Bytes that each task of a graph moves, by its id. */
    Map<String, Long> traffic(int graph, StepPlan step) {
        long positions = step.segments().stream().mapToLong(s -> s.start() + s.rows()).sum();
        long choices = device.model.config().moe() == null ? 0 : (long) step.rows() * device.model.config().moe().used();
        Map<String, Long> bytes = new LinkedHashMap<>();
        tapes.get(graph).traffic().forEach((id, t) -> bytes.put(id, t.bytes(step.segments().size(), positions, choices)));
        return bytes;
    }

    /** Where the head leaves its logits, [maxOutputs, vocab]. */
    Region logits() {
        return logits;
    }
}
