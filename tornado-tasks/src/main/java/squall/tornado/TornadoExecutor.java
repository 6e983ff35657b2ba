package squall.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import squall.engine.EngineOptions;
import squall.engine.Journey;
import squall.engine.Logits;
import squall.engine.Meter;
import squall.engine.PartExecutor;
import squall.engine.Placement;
import squall.engine.SlotLengths;
import squall.model.Model;
import squall.ops.StateSpec;
import squall.ops.StepPlan;
import squall.ops.Tap;
import squall.sample.Sampling;
import squall.sample.Wish;
import squall.tornado.kernels.Draw;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * Runs a model through TornadoVM. Weights, KV pages and states are on the device from the start to the end; a step sends its
 * {@link StepArray} and takes back what was asked for. Owned by one thread.
 */
final class TornadoExecutor implements PartExecutor {
    private static final Logits NONE = new Logits(new float[0], 0, 0);
    /** Backends that can repeat a graph's tasks without handing them over again. */
    private static final Set<TornadoVMBackendType> REPEATING = EnumSet.of(TornadoVMBackendType.CUDA, TornadoVMBackendType.PTX);

    /** A copy of a slot's states, in a place of its own on the device. */
    private record Saved(SlotLengths.Mark mark, int place) {}

    private final Model model;
    private final DeviceModel device;
    private final Recordings recordings;
    private final TornadoExecutionPlan plan;
    private final SlotLengths lengths;
    private final Deque<Integer> freePlaces = new ArrayDeque<>();
    private final long stateBytes;
    private final long laidOut;
    private final long sent;
    private final Compiler compiler;
    private float[] logits = new float[0];
    /** The step that is running, its graphs, and what the last of them left. */
    private StepPlan running;
    private Recordings.Score score;
    private TornadoExecutionResult result;
    private boolean closed;
    private StepMeter meter;

    /** device: null for the runtime's default one. */
    TornadoExecutor(Model model, TornadoDevice on, EngineOptions options, Traits traits) {
        this(model, on, options, traits, Journey.UNSEEN);
    }

    /** told: how far the weights are on their way */
    TornadoExecutor(Model model, TornadoDevice on, EngineOptions options, Traits traits, Journey told) {
        this.model = model;
        long largest = on == null ? DeviceModel.MOST_ELEMENTS : on.getPhysicalDevice().getDeviceMaxAllocationSize() / Float.BYTES;
        long began = System.nanoTime();
        device = new DeviceModel(model, options, traits, largest, told);
        laidOut = System.nanoTime() - began;
        recordings = new Recordings(device);
        lengths = new SlotLengths(options, model.config().vocab());
        stateBytes = model.layers().stream().flatMap(l -> Stream.of(l.mixer(), l.feedForward()))
                .flatMap(b -> b.state().stream()).mapToLong(StateSpec::fixedBytes).sum();
        for (int i = options.slots(); i < options.slots() * (1 + KEPT_STATES); i++) freePlaces.add(i);
        plan = new TornadoExecutionPlan(recordings.graphs());
        if (on != null) plan.withDevice(on);
        plan.withGridScheduler(recordings.scheduler());
        recordings.scheduler().taken();
        TornadoDevice used = on == null ? TornadoRuntimeProvider.getTornadoRuntime().getDefaultDevice() : on;
        if (REPEATING.contains(used.getTornadoVMBackend()))
            for (Recordings.Score s : recordings.scores) s.whole().graphs().forEach(g -> plan.withGraph(g).withCUDAGraph());
        compiler = new Compiler(used, plan.getId(), recordings.scheduler(), recordings::tasks);
        List<Integer> loads = recordings.loads.stream().map(Recordings.Load::graph).toList();
        compiler.ahead(loads);
        // on a processor it would take time from what is played meanwhile
        if (traits.shape() != Traits.Shape.ROWS) compiler.ahead(recordings.soon(options.batch()));
        loads.forEach(compiler::await);
        began = System.nanoTime();
        send(told);
        sent = System.nanoTime() - began;
        NativeOutput.check();
    }

    private void send(Journey told) {
        long total = recordings.loads.stream().mapToLong(Recordings.Load::bytes).sum(), done = 0;
        for (Recordings.Load load : recordings.loads) {
            run(load.graph(), 1, 1);
            told.at(Journey.Leg.SEND, done += load.bytes(), total);
        }
    }

    private TornadoExecutionResult run(int graph, int rows, int segments) {
        compiler.await(graph);
        recordings.size(graph, rows, segments);
        TornadoExecutionResult done = plan.withGraph(graph).execute();
        if (meter != null) meter.ran(graph, recordings.part(graph), running == null ? Map.of() : recordings.traffic(graph, running), done);
        return done;
    }

    @Override public Logits step(StepPlan step, Tap tap) {
        begun(step);
        if (tap == null && isWhole(step.outputs().length)) {
            whole(true);
            if (step.outputs().length > 0) fetch(score.head(), 0, step.outputs().length);
            end(step);
            return answer(step.outputs().length);
        }
        enter();
        int dim = model.config().dim();
        if (tap != null) tap.at(0, residual(step.rows()), step.rows(), dim);
        for (int i = 0; i < device.places.size(); i++) {
            layer(i);
            if (tap != null) {
                float[] x = residual(step.rows());
                if (i + 1 == device.places.size()) model.head().norm().apply(x, step.rows());
                tap.at(i + 1, x, step.rows(), dim);
            }
        }
        Logits logits = head();
        end(step);
        return logits;
    }

    /** Whether the running step can be played as a whole; layer by layer it can be measured. */
    private boolean isWhole(int outputs) {
        return meter == null && score.head() != null && outputs <= score.head().maxRows();
    }

    /** Plays the running step, drawing included; with TornadoVM if logits are to be fetched, which takes a result of its. */
    private void whole(boolean logits) {
        choose(score.head(), running.outputs(), 0);
        // what repeats tasks repeats them for as many rows as were recorded
        if (logits || !score.whole().repeat())
            for (int graph : score.whole().graphs()) result = run(graph, score.maxRows(), Math.min(score.maxRows(), device.slots));
        device.table.patched();
    }

    @Override public void begin(StepPlan step) {
        begun(step);
        enter();
    }

    private void enter() {
        play(score.enter());
        device.table.patched();
    }

    /** Makes ready what the step sends. */
    private void begun(StepPlan step) {
        if (closed) throw new IllegalStateException("the executor is closed");
        if (step.rows() > device.manyRows)
            throw new IllegalArgumentException("a step of " + step.rows() + " rows: the device was set up for " + device.manyRows
                    + "; a larger --batch-size helps");
        lengths.begin(step);
        for (StepPlan.Segment s : step.segments()) device.table.reserve(s.slot(), s.start() + s.rows());
        running = step;
        int patches = device.table.patchCount();
        score = recordings.scores.stream().filter(s -> s.step().holds(step, patches)).findFirst().orElseGet(recordings.scores::getLast);
        score.step().fill(step, device.table.patches(), patches);
    }

    @Override public Logits play(int from, int to, float[] x) {
        int elements = running.rows() * model.config().dim();
        if (from > 0) {
            MemorySegment.copy(x, 0, score.stream().getSegment(), ValueLayout.JAVA_FLOAT, 0, elements);
            play(score.take());
        }
        for (int i = 0; i < device.played.size(); i++) {
            int layer = device.played.get(i);
            if (Placement.mixer(layer) < to && Placement.feedForward(layer) >= from) layer(i);
        }
        if (to > Placement.mixer(model.layers().size())) return head();
        fetch(result, device.residual().at(), x, 0, elements);
        return null;
    }

    @Override public void end(StepPlan step) {
        NativeOutput.check();
        lengths.ended(step);
    }

    /** Runs a graph of the score for the running step's rows. */
    private void play(int graph) {
        result = run(graph, bucket(running.rows(), score.step().maxRows), bucket(running.segments().size(), device.slots));
    }

    private void layer(int i) {
        LayerGroup.Place place = device.places.get(i);
        score.layer().set(0, place.layer());
        play(score.groups().get(place.group()));
    }

    /** Grids are made for a power of two of rows, so that few of them occur; the rows beyond are no-ops. */
    private static int bucket(int n, int most) {
        return Math.min(most, Integer.highestOneBit(2 * n - 1));
    }

    private Logits head() {
        int[] rows = running.outputs();
        for (int from = 0; from < rows.length; ) {
            Recordings.Head head = headFor(rows.length - from);
            int n = choose(head, rows, from);
            result = run(head.score(), bucket(n, head.maxRows()), 1);
            fetch(head, from, n);
            from += n;
        }
        return answer(rows.length);
    }

    private Logits answer(int rows) {
        return rows == 0 ? NONE : new Logits(logits, rows, model.config().vocab());
    }

    /** Brings the head's n rows of logits back, as rows {@code from} and on. */
    private void fetch(Recordings.Head head, int from, int n) {
        int vocab = model.config().vocab();
        int all = Math.multiplyExact(running.outputs().length, vocab);
        if (logits.length < all) logits = new float[all];
        fetch(result, head.logits().at(), logits, from * vocab, n * vocab);
    }

    /** The smallest head for so many rows, or the largest. */
    private Recordings.Head headFor(int rows) {
        return recordings.heads.stream().filter(h -> h.maxRows() >= rows).findFirst().orElseGet(recordings.heads::getLast);
    }

    /** Sends rows from {@code from} on to the head, as many as it takes; says how many. */
    private static int choose(Recordings.Head head, int[] rows, int from) {
        int n = Math.min(head.maxRows(), rows.length - from);
        head.outputs().set(0, n);
        for (int i = 0; i < n; i++) head.outputs().set(Recordings.OUTPUTS_AT + i, rows[from + i]);
        return n;
    }

    @Override public boolean draws(Sampling sampling) {
        return !recordings.heads.isEmpty() && Draw.serves(sampling);
    }

    @Override public int[] draw(StepPlan step, List<Wish> wishes) {
        begun(step);
        int[] ids = new int[wishes.size()];
        if (isWhole(ids.length)) {
            wish(score.head(), wishes, 0, ids.length);
            whole(false);
            for (int i = 0; i < ids.length; i++) ids[i] = score.head().drawn().get(i);
            end(step);
            return ids;
        }
        enter();
        for (int i = 0; i < device.places.size(); i++) layer(i);
        for (int from = 0; from < ids.length; ) {
            Recordings.Head head = headFor(ids.length - from);
            int n = choose(head, step.outputs(), from);
            wish(head, wishes, from, n);
            result = run(head.draw(), bucket(n, head.maxRows()), 1);
            result.transferToHost(new DataRange(head.drawn()).withSize(n));
            if (meter != null) meter.fetched(n);
            for (int i = 0; i < n; i++) ids[from + i] = head.drawn().get(i);
            from += n;
        }
        end(step);
        return ids;
    }

    private static void wish(Recordings.Head head, List<Wish> wishes, int from, int n) {
        for (int i = 0; i < n; i++) {
            Wish w = wishes.get(from + i);
            Draw.wish(head.wishes(), i, w.sampling(), w.uniform(), w.vocab());
        }
    }

    private float[] residual(int rows) {
        float[] x = new float[rows * model.config().dim()];
        fetch(result, device.residual().at(), x, 0, x.length);
        return x;
    }

    /** Brings n floats of the arena back. */
    private void fetch(TornadoExecutionResult result, int at, float[] to, int toAt, int n) {
        FloatArray arena = device.arena;
        result.transferToHost(new DataRange(arena).withOffset(at).withSize(n));
        if (meter != null) meter.fetched(n);
        MemorySegment.copy(arena.getSegment(), ValueLayout.JAVA_FLOAT, (long) at * Float.BYTES, to, toAt, n);
    }

    // ---- slots

    /** Nothing happens on the device: a segment that starts at position 0 starts from zeros. */
    @Override public void clear(int slot) {
        lengths.clear(slot);
        device.table.cut(slot, 0);
    }

    @Override public Object saveState(int slot) {
        lengths.check(slot);
        if (recordings.copy < 0) return null;
        SlotLengths.Mark mark = lengths.mark(slot);
        Integer place = freePlaces.poll();
        if (place == null) throw new IllegalStateException("all places for kept states are taken: release one first");
        copy(slot, place);
        return new Saved(mark, place);
    }

    @Override public void restoreState(int slot, int length, Object saved) {
        lengths.checkCut(slot, length);
        if (recordings.copy >= 0) {
            lengths.checkMark(slot, length, saved instanceof Saved s ? s.mark : null);
            copy(((Saved) saved).place, slot);
        }
        device.table.cut(slot, length);
        lengths.moveTo(slot, length);
    }

    @Override public void releaseState(Object saved) {
        if (saved instanceof Saved s) freePlaces.add(s.place);
    }

    private void copy(int from, int to) {
        recordings.copied.set(0, from);
        recordings.copied.set(1, to);
        run(recordings.copy, 1, 1);
    }

    @Override public Meter meter() {
        if (meter != null) throw new IllegalStateException("one meter at a time");
        meter = new StepMeter(plan, () -> meter = null);
        return meter;
    }

    @Override public Readiness readiness() {
        return new Readiness(laidOut, sent, compiler.nanos(), compiler.kernels(), compiler.tasks());
    }

    @Override public long stateBytes() {
        return stateBytes;
    }

    @Override public int slots() {
        return lengths.slots();
    }

    @Override public void close() {
        if (closed) return;
        closed = true;
        compiler.close();
        recordings.scores.forEach(s -> s.whole().close());
        try {
            plan.close();
        } catch (TornadoExecutionPlanException e) {
            throw new IllegalStateException("the device did not let go of the model: " + e.getMessage(), e);
        }
    }
}
