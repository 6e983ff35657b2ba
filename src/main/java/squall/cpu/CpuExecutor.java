package squall.cpu;

import java.util.ArrayList;
import java.util.List;
import squall.engine.EngineOptions;
import squall.engine.Executor;
import squall.engine.Logits;
import squall.layer.Block;
import squall.model.Model;
import squall.ops.Buf;
import squall.ops.StateSpec;
import squall.ops.StepPlan;
import squall.ops.Tap;

/** Runs a model with {@link CpuOps}, its first small steps with {@link ScalarOps}. Owned by one thread, which is also worker 0 of its team. */
final class CpuExecutor implements Executor {
    private static final Logits NONE = new Logits(new float[0], 0, 0);
    /** Length of a slot whose step failed half-way. */
    private static final int BROKEN = -1;

    /** What a sequence had at {@code length}; {@code sequence} says whose it was. */
    private record Saved(int slot, long sequence, int length, float[][] states) {}

    private final Model model;
    private final EngineOptions options;
    private final ThreadTeam team;
    private final CpuOps vectors;
    private final ScalarOps scalars;
    /** Of the two, the one that plays the running step, or played the last. */
    private CpuOps ops;
    private final int[] lengths;
    private final long[] sequences;
    private boolean closed;

    CpuExecutor(Model model, EngineOptions options) {
        this.model = model;
        this.options = options;
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
        lengths = new int[options.slots()];
        sequences = new long[options.slots()];
    }

    private static List<StateSpec> state(Model model) {
        List<StateSpec> all = new ArrayList<>();
        for (Model.Layer layer : model.layers()) {
            all.addAll(layer.mixer().state());
            all.addAll(layer.feedForward().state());
        }
        return all;
    }

    /**
     * @throws IllegalArgumentException if a segment's slot does not exist, its positions do not follow what the slot has
     *                                  seen or pass the context length, or a token id is not in the vocabulary; no slot
     *                                  has changed then
     */
    @Override public Logits step(StepPlan plan, Tap tap) {
        check(plan);
        for (StepPlan.Segment s : plan.segments()) lengths[s.slot()] = BROKEN;
        Logits logits = play(plan, tap);
        for (StepPlan.Segment s : plan.segments()) lengths[s.slot()] = s.start() + s.rows();
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

    private void check(StepPlan plan) {
        if (closed) throw new IllegalStateException("the executor is closed");
        for (StepPlan.Segment s : plan.segments()) {
            checkSlot(s.slot());
            int length = lengths[s.slot()];
            if (length == BROKEN)
                throw new IllegalArgumentException("slot " + s.slot() + ": a step failed half-way; clear it before it is used again");
            if (s.start() != length)
                throw new IllegalArgumentException("slot " + s.slot() + " holds " + length + " positions, the step starts at "
                        + s.start());
            if ((long) s.start() + s.rows() > options.contextLength())
                throw new IllegalArgumentException("slot " + s.slot() + ": " + (s.start() + (long) s.rows())
                        + " positions, the context has " + options.contextLength() + "; a larger --ctx-size helps");
        }
        int vocab = model.config().vocab();
        for (int token : plan.tokens())
            if (token < 0 || token >= vocab)
                throw new IllegalArgumentException("token id " + token + " is not in the vocabulary of " + vocab);
    }

    private void checkSlot(int slot) {
        if (slot < 0 || slot >= lengths.length)
            throw new IllegalArgumentException("slot " + slot + " of " + lengths.length);
    }

    @Override public void clear(int slot) {
        checkSlot(slot);
        ops.cache().cut(slot, 0);
        ops.states().clear(slot);
        lengths[slot] = 0;
        sequences[slot]++;
    }

    @Override public Object saveState(int slot) {
        checkSlot(slot);
        if (ops.states().isEmpty()) return null;
        if (lengths[slot] == BROKEN)
            throw new IllegalArgumentException("slot " + slot + ": a step failed half-way, there is no state to keep");
        return new Saved(slot, sequences[slot], lengths[slot], ops.states().copy(slot));
    }

    /**
     * @throws IllegalArgumentException if the slot has fewer positions, or the state was kept at another length, in
     *                                  another slot or before the slot was cleared; nothing has changed then
     */
    @Override public void restoreState(int slot, int length, Object saved) {
        checkSlot(slot);
        if (length < 0 || length > lengths[slot])
            throw new IllegalArgumentException("slot " + slot + " holds " + lengths[slot] + " positions, it cannot go back to "
                    + length);
        if (!ops.states().isEmpty()) {
            if (!(saved instanceof Saved s) || s.slot != slot || s.sequence != sequences[slot] || s.length != length)
                throw new IllegalArgumentException("slot " + slot + ": not a state of this sequence at " + length + " positions");
            ops.states().restore(slot, s.states);
        }
        ops.cache().cut(slot, length);
        lengths[slot] = length;
    }

    @Override public long stateBytes() {
        return ops.states().bytes();
    }

    @Override public int slots() {
        return lengths.length;
    }

    @Override public void close() {
        if (closed) return;
        closed = true;
        ops.close();
        team.close();
    }
}
