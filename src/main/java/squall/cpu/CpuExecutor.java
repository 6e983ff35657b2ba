package squall.cpu;

import java.util.ArrayList;
import java.util.List;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.Logits;
import squall.engine.SlotLengths;
import squall.layer.Block;
import squall.model.Model;
import squall.ops.Buf;
import squall.ops.StateSpec;
import squall.ops.StepPlan;
import squall.ops.Tap;

/** Runs a model with {@link CpuOps}, its first small steps with {@link ScalarOps}. Owned by one thread, which is also worker 0 of its team. */
final class CpuExecutor implements Executor {
    private static final Logits NONE = new Logits(new float[0], 0, 0);

    /** What a sequence had. */
    private record Saved(SlotLengths.Mark mark, float[][] states) {}

    private final Model model;
    private final ThreadTeam team;
    private final CpuOps vectors;
    private final ScalarOps scalars;
    /** Of the two, the one that plays the running step, or played the last. */
    private CpuOps ops;
    private final SlotLengths lengths;
    private boolean closed;

    CpuExecutor(Model model, EngineOptions options) {
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
        if (closed) throw new IllegalStateException("the executor is closed");
        lengths.begin(plan);
        Logits logits = play(plan, tap);
        lengths.ended(plan);
        return logits;
    }

    private Logits play(StepPlan plan, Tap tap) {
        ops = ScalarOps.isForStep(model.config(), plan.rows()) ? scalars : vectors;
        ops.begin(plan);
        Activation x = Activation.of(model.embedding().forward(ops));
        ops.hold();
        if (tap != null) tap.at(0, x.data, x.rows, x.width);
        int point = 1;
        for (Model.Layer layer : model.layers()) {
            run(layer.mixer(), x);
            run(layer.feedForward(), x);
            if (tap != null) {
                Activation seen = point == model.layers().size() ? normalised(x) : x;
                tap.at(point++, seen.data, seen.rows, seen.width);
                ops.endBlock();
            }
        }
        if (plan.outputs().length == 0) return NONE;
        Activation logits = Activation.of(model.head().forward(ops, x));
        return new Logits(logits.data, logits.rows, logits.width);
    }

    private void run(Block block, Buf x) {
        block.forward(ops, x);
        ops.endBlock();
    }

    private Activation normalised(Activation x) {
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
        lengths.cut(slot, length);
    }

    /** Nothing to do: a kept state is garbage when nobody holds it. */
    @Override public void releaseState(Object saved) {}

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
