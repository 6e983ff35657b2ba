package squall.cpu;

import java.util.ArrayList;
import java.util.List;
import squall.engine.EngineOptions;
import squall.engine.Logits;
import squall.engine.PartExecutor;
import squall.engine.SlotLengths;
import squall.layer.Block;
import squall.model.Model;
import squall.ops.StateSpec;
import squall.ops.StepPlan;
import squall.ops.Tap;

/** Runs a model with {@link CpuOps}, its first small steps with {@link ScalarOps} or {@link FirstStepOps}. Owned by one thread, which is also worker 0 of its team. */
final class CpuExecutor implements PartExecutor {
    private static final Logits NONE = new Logits(new float[0], 0, 0);

    /** What a sequence had. */
    private record Saved(SlotLengths.Mark mark, float[][] states) {}

    private final Model model;
    private final ThreadTeam team;
    private final CpuOps vectors;
    private final ScalarOps scalars;
    private final FirstStepOps first;
    /** Of these, the one that plays the running step, or played the last. */
    private CpuOps ops;
    private final SlotLengths lengths;
    private final Rehearsal rehearsal;
    /** The step that is running, and its residual stream once there is one. */
    private StepPlan plan;
    private Activation x;
    private boolean begun;
    private boolean closed;

    CpuExecutor(Model model, EngineOptions options) {
        this(model, options, Rehearsal.NONE);
    }

    /** @param rehearsal of the kernels of the first step, which waits for its end */
    CpuExecutor(Model model, EngineOptions options, Rehearsal rehearsal) {
        this.rehearsal = rehearsal;
        this.model = model;
        int threads = options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
        team = new ThreadTeam(threads);
        try {
            vectors = new CpuOps(team, state(model), options.slots(), options.keyFormat(), options.valueFormat());
        } catch (RuntimeException e) {
            team.close();
            throw e;
        }
        scalars = new ScalarOps(vectors);
        first = new FirstStepOps(vectors);
        ops = vectors;
        lengths = new SlotLengths(options, model.config().vocab());
    }

    private static List<StateSpec> state(Model model) {
        List<StateSpec> all = new ArrayList<>();
        for (Model.Layer layer : model.layers()) {
            all.addAll(layer.mixer().state());
            all.addAll(layer.feedForward().state());
        }
        return all;
    }

    @Override public Logits step(StepPlan plan, Tap tap) {
        begin(plan);
        embed();
        if (tap != null) tap.at(0, x.data, x.rows, x.width);
        for (int i = 0; i < model.layers().size(); i++) {
            run(model.layers().get(i).mixer());
            run(model.layers().get(i).feedForward());
            if (tap != null) {
                Activation seen = i + 1 == model.layers().size() ? normalised() : x;
                tap.at(i + 1, seen.data, seen.rows, seen.width);
                ops.endBlock();
            }
        }
        Logits logits = head();
        end(plan);
        return logits;
    }

    @Override public void begin(StepPlan plan) {
        if (closed) throw new IllegalStateException("the executor is closed");
        lengths.begin(plan);
        this.plan = plan;
        x = null;
        ops = opsFor(plan.rows());
        ops.begin(plan);
    }

    private CpuOps opsFor(int rows) {
        boolean isFirst = !begun && rows <= FirstStepOps.MOST_ROWS && ScalarOps.isAllowed();
        begun = true;
        if (ScalarOps.isForStep(model.config(), rows)) return scalars;
        if (!isFirst) return vectors;
        rehearsal.await();
        return first;
    }

    @Override public Logits play(int from, int to, float[] stream) {
        int head = 2 * model.layers().size() + 1;
        if (from == 0) embed();
        else take(stream);
        for (int block = Math.max(1, from); block < Math.min(to, head); block++) run(model.block(block - 1));
        if (to > head) return head();
        System.arraycopy(x.data, 0, stream, 0, x.elements());
        return null;
    }

    @Override public void end(StepPlan plan) {
        lengths.ended(plan);
    }

    private void embed() {
        x = Activation.of(model.embedding().forward(ops));
        ops.hold();
    }

    private void take(float[] stream) {
        if (x == null) {
            x = ops.rows(model.config().dim());
            ops.hold();
        }
        System.arraycopy(stream, 0, x.data, 0, x.elements());
    }

    private void run(Block block) {
        block.forward(ops, x);
        ops.endBlock();
    }

    private Logits head() {
        if (plan.outputs().length == 0) return NONE;
        Activation logits = Activation.of(model.head().forward(ops, x));
        return new Logits(logits.data, logits.rows, logits.width);
    }

    private Activation normalised() {
        Activation n = ops.rows(x.width);
        ops.rmsNorm(n, x, model.head().norm());
        return n;
    }

    @Override public void clear(int slot) {
        lengths.clear(slot);
        ops.cache().cut(slot, 0);
        ops.states().clear(slot);
    }

    @Override public Object saveState(int slot) {
        lengths.check(slot);
        return ops.states().isEmpty() ? null : new Saved(lengths.mark(slot), ops.states().copy(slot));
    }

    @Override public void restoreState(int slot, int length, Object saved) {
        lengths.checkCut(slot, length);
        if (!ops.states().isEmpty()) {
            lengths.checkMark(slot, length, saved instanceof Saved s ? s.mark : null);
            ops.states().restore(slot, ((Saved) saved).states);
        }
        ops.cache().cut(slot, length);
        lengths.moveTo(slot, length);
    }

    /** Nothing to do: a kept state is garbage when nobody holds it. */
    @Override public void releaseState(Object saved) {}

    @Override public boolean skipTo(int slot, int length) {
        lengths.checkSkip(slot, length);
        ops.cache().reserve(slot, length);
        lengths.moveTo(slot, length);
        return true;
    }

    @Override public long stateBytes() {
        return ops.states().bytes();
    }

    @Override public int slots() {
        return lengths.slots();
    }

    @Override public void close() {
        if (closed) return;
        closed = true;
        ops.close();
        team.close();
    }
}
