package squall.tornado;

import java.nio.BufferOverflowException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import squall.ops.StepPlan;
import squall.tornado.kernels.Draw;
import squall.tornado.kernels.Residents;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.common.SchedulableTask;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * The TaskGraphs of a model: one that brings everything to the device, one for the embedding, one for each group of layers
 * and one for the head. What depends on the number of rows is recorded several times, for few rows and for many; and where
 * the device can repeat tasks by itself, a whole step of few rows in as few graphs as hold it, every layer's tasks in a row.
 *
 * <p>A graph of TornadoVM shares an array only with the graph that ran just before. So every graph takes all residents
 * from its predecessor, whichever that was, and leaves them for the next: a chain that never breaks.
 */
final class Recordings {
    /** Where the row numbers of the head's step array start; its element 0 counts them. */
    static final int OUTPUTS_AT = 8;
    /** TornadoVM takes 256 in a graph; a part of a step may have so many less. */
    private static final int MOST_TASKS = 256;
    private static final long LOAD_BYTES = 1_000_000_000;
    /** Rows of the comparison's prompt, see ParityProbe. */
    private static final int SHORT_PROMPT = 9;

    /**
     * The graphs for steps of at most {@code step.maxRows} rows.
     *
     * @param layer  which layer of its group is to be played
     * @param enter  graph that brings the step to the device, and plays the embedding if it is here
     * @param stream residual stream from another device; null for a whole model
     * @param take   graph that takes it
     * @param groups graph of each group
     * @param whole  graphs that play everything and draw; none where layers are played by themselves
     * @param head   what the last of them ends with, or null
     */
    record Score(StepArray step, IntArray layer, int enter, FloatArray stream, int take, List<Integer> groups, RepeatedStep whole,
                 Head head) {
        int maxRows() {
            return step.maxRows;
        }
    }

    /**
     * The head for so many rows.
     *
     * @param outputs how many rows go to it, and which
     * @param wishes  what is drawn for each of them
     * @param drawn   the tokens
     * @param logits  where their logits are left, [maxRows, vocab]
     * @param score   graph that leaves them
     * @param draw    graph that draws as well
     */
    record Head(int maxRows, IntArray outputs, FloatArray wishes, IntArray drawn, Region logits, int score, int draw) {}

    /** A graph that brings so many bytes. */
    record Load(int graph, long bytes) {}

    private final DeviceModel device;
    private final KernelContext context = new KernelContext();
    private final Grids scheduler = new Grids();
    private final List<ImmutableTaskGraph> graphs = new ArrayList<>();
    private final List<Tape> tapes = new ArrayList<>();
    private final List<Object> residents;

    /** By most rows, ascending. */
    final List<Score> scores;
    /** Graphs that bring the weights, about a gigabyte each so that it shows how far they are, and make room for everything else; in order. */
    final List<Load> loads;
    /** Copies the states of place {@code copied[0]} to place {@code copied[1]}; -1 without such states. */
    final int copy;
    final IntArray copied = new IntArray(2);
    /** By most rows, ascending; empty where another device has the head. */
    final List<Head> heads;
    /** The index of each layer in its group, for whole steps. */
    private final List<IntArray> layers;

    Recordings(DeviceModel device) {
        this.device = device;
        List<StepArray> steps = device.rows.stream().map(this::step).toList();
        layers = device.places.stream().map(p -> IntArray.fromElements(p.layer())).toList();
        List<Object> sent = new ArrayList<>(device.weights.arrays());
        sent.add(device.halves);
        List<Object> opened = new ArrayList<>(device.state.arrays());
        opened.add(device.arena);
        steps.forEach(s -> opened.add(s.ints));
        opened.addAll(device.scratch.arrays());
        residents = Stream.concat(sent.stream(), opened.stream()).toList();

        StepArray largest = steps.getLast();
        loads = loads(frame(largest, null), sent, opened);
        copy = device.state.slabs().isEmpty() ? -1 : next("copy", frame(largest, null), copied,
                tape -> device.state.slabs().forEach(s -> Residents.copy(tape, s, device.state.layersOf(s), copied)));
        heads = device.head == null ? List.of() : device.headRows.stream().map(this::head).toList();
        scores = steps.stream().map(this::score).toList();
    }

    /** Each shares with the next what it has brought, and what others had before. */
    private List<Load> loads(Frame frame, List<Object> sent, List<Object> opened) {
        List<Load> all = new ArrayList<>();
        for (int from = 0; from < sent.size(); ) {
            int to = from + 1;
            long bytes = bytes(sent.get(from));
            while (to < sent.size() && bytes + bytes(sent.get(to)) <= LOAD_BYTES) bytes += bytes(sent.get(to++));
            Object[] before = sent.subList(0, from).toArray(), part = sent.subList(from, to).toArray();
            TaskGraph graph = new RecordedGraph("load" + all.size()).transferToDevice(DataTransferMode.FIRST_EXECUTION, part);
            if (before.length > 0) graph.consumeFromDevice(before);
            Tape tape = new Tape(graph, scheduler, frame);
            IntArray sink = new IntArray(1);
            for (Object array : part) Residents.send(tape, array, sink);
            boolean last = to == sent.size();
            if (last) open(tape, opened);
            else graph.persistOnDevice(sent.subList(0, to).toArray());
            all.add(new Load(last ? close(graph, tape) : keep(graph, tape), bytes));
            from = to;
        }
        return all;
    }

    private static long bytes(Object array) {
        return ((TornadoNativeArray) array).getNumBytesOfSegment();
    }

    private void open(Tape tape, List<Object> opened) {
        List<Object> slabs = device.state.slabs().stream().<Object>map(Slab::array).toList();
        opened.stream().filter(array -> slabs.stream().noneMatch(s -> s == array)).forEach(array -> Residents.open(tape, array));
        device.state.slabs().forEach(slab -> Residents.clear(tape, slab));
    }

    private StepArray step(DeviceModel.Rows rows) {
        int segments = Math.min(rows.most(), device.slots);
        return new StepArray(rows.most(), rows.alone(), segments, PageTable.mostPatches(rows.most(), segments));
    }

    private Frame frame(StepArray step, IntArray layer) {
        return new Frame(context, device.arena, step.ints, step.rowsAt, layer, device.halves, step.maxRows, step.alone,
                device.traits, device.scratch);
    }

    private Score score(StepArray step) {
        String name = (step.alone ? "alone" : "rows") + step.maxRows;
        IntArray layer = new IntArray(1);
        IntArray only = zero();
        int enter = next(name, frame(step, only), step.ints, tape -> enter(tape, step), only);
        int dim = device.model.config().dim();
        FloatArray stream = device.isPart() ? new FloatArray(step.maxRows * dim) : null;
        int take = stream == null ? -1 : next(name + "Take", frame(step, only), stream, tape -> Residents.take(tape, stream, device.residual()));
        List<Integer> groups = new ArrayList<>();
        for (int g = 0; g < device.groups.size(); g++) {
            int group = g;
            groups.add(next(name + "Layer" + g, frame(step, layer), layer, tape -> layer(tape, device.firstLayerOf(group), group, step)));
        }
        if (!device.isWhole() || step.maxRows == device.manyRows) return new Score(step, layer, enter, stream, take, groups, new RepeatedStep(false, null), null);
        Head head = heads.stream().filter(h -> h.maxRows >= step.maxRows).findFirst().orElse(heads.getLast());
        return new Score(step, layer, enter, stream, take, groups, whole(name, step, head), head);
    }

    private static IntArray zero() {
        return IntArray.fromElements(0);
    }

    private void enter(Tape tape, StepArray step) {
        Residents.patch(tape, device.state.table(), step.patchesAt);
        // rows of its table are nothing beside the weights of a layer: not weighed
        if (device.embedding != null)
            device.model.embedding().forward(new TornadoOps(tape, device.embedding.reader(), step.maxRows, null, 0, 0));
    }

    private void layer(Tape tape, int layer, int group, StepArray step) {
        Store store = new WeighedStore(device.groupArrays.get(group).reader(), tape);
        device.play(layer, new TornadoOps(tape, store, step.maxRows, null, 0, device.base()));
    }

    // ---- the head

    private Head head(int rows) {
        IntArray outputs = new IntArray(OUTPUTS_AT + rows);
        outputs.init(0);
        FloatArray wishes = new FloatArray(Draw.WISH * rows);
        wishes.init(0);
        IntArray drawn = new IntArray(rows);
        IntArray only = zero();
        Frame frame = frame(outputs, only, rows);
        Region[] logits = new Region[1];
        int score = next("head" + rows, frame, outputs, tape -> logits[0] = play(tape, frame), only);
        TaskGraph drawing = begin("draw" + rows, List.of(outputs, wishes), only);
        int draw = close(drawing.persistOnDevice(drawn), frame, tape -> draw(tape, frame, drawn, wishes));
        return new Head(rows, outputs, wishes, drawn, logits[0], score, draw);
    }

    private Region play(Tape tape, Frame frame) {
        return Region.of(device.model.head().forward(headOps(tape, frame), device.residual()));
    }

    private void draw(Tape tape, Frame frame, IntArray drawn, FloatArray wishes) {
        TornadoOps ops = headOps(tape, frame);
        ops.draw(drawn, Region.of(device.model.head().forward(ops, device.residual())), wishes);
    }

    private TornadoOps headOps(Tape tape, Frame frame) {
        return new TornadoOps(tape, new WeighedStore(device.head.reader(), tape), frame.maxRows(), frame, frame.maxRows(), device.base());
    }

    private Frame frame(IntArray outputs, IntArray layer, int rows) {
        return new Frame(context, device.arena, outputs, OUTPUTS_AT, layer, device.halves, rows, device.traits, device.scratch);
    }

    // ---- whole steps

    /** Everything from the step array to the drawn tokens, in as few graphs as hold it. */
    private RepeatedStep whole(String name, StepArray step, Head head) {
        IntArray only = zero();
        List<Consumer<Tape>> parts = new ArrayList<>();
        parts.add(tape -> enter(tape, step));
        for (int i = 0; i < layers.size(); i++) {
            int at = i;
            parts.add(tape -> {
                tape.turnTo(frame(step, layers.get(at)));
                layer(tape, device.played.get(at), device.places.get(at).group(), step);
            });
        }
        Frame last = frame(head.outputs, only, head.maxRows);
        parts.add(tape -> {
            tape.turnTo(last);
            draw(tape, last, head.drawn, head.wishes);
        });
        RepeatedStep all = new RepeatedStep(device.traits.library(), head.drawn);
        for (int from = 0; from < parts.size(); ) from = fill(name + "Whole" + all.graphs().size(), parts, from, step, head, only, all);
        return all;
    }

    /** Records parts from {@code from} on, as many as a graph takes; says where it ended. */
    private int fill(String name, List<Consumer<Tape>> parts, int from, StepArray step, Head head, IntArray only, RepeatedStep all) {
        for (int end = parts.size(); end > from; ) {
            List<Object> each = new ArrayList<>();
            if (from == 0) each.add(step.ints);
            if (end == parts.size()) each.addAll(List.of(head.outputs, head.wishes));
            TaskGraph graph = begin(name, each, Stream.concat(Stream.of(only), layers.stream()).toArray());
            GridScheduler grids = new GridScheduler();
            Tape tape = new Tape(graph, grids, frame(step, only));
            int done = from;
            boolean fits = false;
            try {
                while (done < end && tape.names().size() <= MOST_TASKS) {
                    parts.get(done).accept(tape);
                    done++;
                }
                all.keep(tape, end == parts.size());
                fits = done == end && tape.names().size() <= MOST_TASKS;
            } catch (BufferOverflowException e) {
                // the part that did not fit begins the next graph
            }
            if (fits) {
                if (end == parts.size()) graph.transferToHost(DataTransferMode.EVERY_EXECUTION, head.drawn);
                grids.keySet().forEach(task -> scheduler.addWorkerGrid(task, grids.get(task)));
                // repeated as they are: for as many rows as there may be
                tape.size(step.maxRows, Math.min(step.maxRows, device.slots));
                all.add(close(graph, tape));
                return end;
            }
            end = Math.min(done, end - 1);
        }
        throw new IllegalStateException(name + ": a layer has more tasks than a graph takes");
    }

    // ---- graphs

    private int next(String name, Frame frame, Object each, Consumer<Tape> score, Object... once) {
        return close(begin(name, List.of(each), once), frame, score);
    }

    /** each: the arrays that are sent at every execution; once: others that are sent at the first. */
    private TaskGraph begin(String name, List<Object> each, Object... once) {
        TaskGraph graph = new RecordedGraph(name);
        if (!each.isEmpty()) graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, each.toArray());
        if (once.length > 0) graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, once);
        return graph.consumeFromDevice(residents.stream().filter(r -> each.stream().noneMatch(e -> e == r)).toArray());
    }

    private int close(TaskGraph graph, Frame frame, Consumer<Tape> score) {
        Tape tape = new Tape(graph, scheduler, frame);
        score.accept(tape);
        return close(graph, tape);
    }

    private int close(TaskGraph graph, Tape tape) {
        return keep(graph.persistOnDevice(residents.toArray()), tape);
    }

    private int keep(TaskGraph graph, Tape tape) {
        graphs.add(graph.snapshot());
        tapes.add(tape);
        return graphs.size() - 1;
    }

    ImmutableTaskGraph[] graphs() {
        return graphs.toArray(ImmutableTaskGraph[]::new);
    }

    Grids scheduler() {
        return scheduler;
    }

    /** The tasks of a graph, as TornadoVM's runtime has them. */
    List<SchedulableTask> tasks(int graph) {
        return tapes.get(graph).recorded();
    }

    /**
     * The graphs that are played first, in order: those of the comparison with the CPU player, which looks at the stream after each layer of a short prompt and
     * of a token; those of prompts of so many rows and those of tokens.
     */
    List<Integer> soon(int prompt) {
        Set<Integer> all = new LinkedHashSet<>();
        for (int rows : List.of(SHORT_PROMPT, 1, prompt)) {
            Score s = scores.stream().filter(score -> score.maxRows() >= rows).findFirst().orElseGet(scores::getLast);
            all.add(s.enter);
            all.addAll(s.groups);
            heads.stream().limit(1).forEach(h -> all.add(h.score));
        }
        all.addAll(scores.getFirst().whole.graphs());
        return List.copyOf(all);
    }

    /** Sets the grids of a graph for a step. */
    void size(int graph, int rows, int segments) {
        tapes.get(graph).size(rows, segments);
    }

    /** What a graph plays: a layer type by its blocks, or the embedding, the head. */
    String part(int graph) {
        for (Score s : scores) {
            if (graph == s.enter) return "embedding";
            int group = s.groups.indexOf(graph);
            if (group >= 0) return device.type(group);
            if (s.whole.graphs().contains(graph)) return "step";
        }
        return heads.stream().anyMatch(h -> graph == h.score || graph == h.draw) ? "head" : "housekeeping";
    }

    /** Bytes that each task of a graph moves, by its id. */
    Map<String, Long> traffic(int graph, StepPlan step) {
        long positions = step.segments().stream().mapToLong(s -> s.start() + s.rows()).sum();
        long choices = device.model.config().moe() == null ? 0 : (long) step.rows() * device.model.config().moe().used();
        Map<String, Long> bytes = new LinkedHashMap<>();
        tapes.get(graph).traffic().forEach((id, t) -> bytes.put(id, t.bytes(step.segments().size(), positions, choices)));
        return bytes;
    }
}
