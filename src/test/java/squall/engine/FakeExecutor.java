package squall.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import squall.ops.StepPlan;
import squall.ops.Tap;
import squall.sample.Sampling;
import squall.sample.Wish;

/**
 * A model whose next token is a hash of everything before it, so that one wrong, missing or foreign token changes all that
 * follows. It checks how the engine uses it.
 */
final class FakeExecutor implements Executor {
    static final int VOCAB = 50;

    enum State { RECURRENT, NONE }

    private final State state;
    private final int batch;
    private final List<List<Integer>> kv = new ArrayList<>();
    private final long[] hash;
    final List<StepPlan> steps = new ArrayList<>();
    final List<Integer> cleared = new ArrayList<>();
    int restored;
    private int kept;
    boolean broken;
    boolean draws;
    int drawn;
    boolean closed;

    FakeExecutor(int slots, int batch, State state) {
        this.state = state;
        this.batch = batch;
        this.hash = new long[slots];
        for (int i = 0; i < slots; i++) kv.add(new ArrayList<>());
    }

    @Override public Logits step(StepPlan plan, Tap tap) {
        if (broken) throw new IllegalStateException("the device is gone");
        assertTrue(plan.rows() <= batch, plan.rows() + " rows");
        steps.add(plan);
        float[] logits = new float[plan.outputs().length * VOCAB];
        int wanted = 0;
        for (StepPlan.Segment s : plan.segments()) {
            assertEquals(kv.get(s.slot()).size(), s.start(), "positions of a slot follow each other");
            for (int r = s.begin(); r < s.end(); r++) {
                kv.get(s.slot()).add(plan.tokens()[r]);
                hash[s.slot()] = mix(hash[s.slot()], plan.tokens()[r]);
                if (wanted < plan.outputs().length && plan.outputs()[wanted] == r)
                    logits[wanted++ * VOCAB + next(hash[s.slot()])] = 1;
            }
        }
        return new Logits(logits, plan.outputs().length, VOCAB);
    }

    @Override public boolean draws(Sampling sampling) {
        return draws && sampling.temperature() == 0;
    }

    @Override public int[] draw(StepPlan plan, List<Wish> wishes) {
        assertEquals(plan.outputs().length, wishes.size());
        float[] logits = step(plan, null).values();
        int[] ids = new int[wishes.size()];
        for (int i = 0; i < ids.length; i++)
            for (int id = 0; id < VOCAB; id++) if (logits[i * VOCAB + id] > 0) ids[i] = id;
        drawn += ids.length;
        return ids;
    }

    private static long mix(long hash, int token) {
        return (hash ^ token + 1) * 0x9E3779B97F4A7C15L;
    }

    private static int next(long hash) {
        return (int) Long.remainderUnsigned(hash >>> 7, VOCAB);
    }

    /** The first {@code n} tokens of the answer by the definition. */
    static int[] answer(int[] prompt, int n) {
        long h = 0;
        for (int id : prompt) h = mix(h, id);
        int[] answer = new int[n];
        for (int i = 0; i < n; i++) {
            answer[i] = next(h);
            h = mix(h, answer[i]);
        }
        return answer;
    }

    @Override public void clear(int slot) {
        kv.get(slot).clear();
        hash[slot] = 0;
        cleared.add(slot);
    }

    @Override public Object saveState(int slot) {
        if (state == State.NONE) return null;
        kept++;
        assertTrue(kept <= KEPT_STATES * hash.length, "states that are kept at a time");
        return hash[slot];
    }

    @Override public void releaseState(Object saved) {
        if (saved != null) kept--;
    }

    @Override public void restoreState(int slot, int length, Object saved) {
        List<Integer> ids = kv.get(slot);
        assertTrue(length <= ids.size());
        ids.subList(length, ids.size()).clear();
        long h = 0;
        for (int id : ids) h = mix(h, id);
        hash[slot] = state == State.NONE ? h : (Long) saved;
        assertEquals(h, hash[slot], "the state belongs to this length");
        restored++;
    }

    @Override public long stateBytes() {
        return state == State.NONE ? 0 : Long.BYTES;
    }

    @Override public int slots() {
        return hash.length;
    }

    @Override public void close() {
        closed = true;
    }
}
