package squall.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/**
 * What one slot holds, token for token, and the places it can be taken back to. A new prompt that shares a prefix with it
 * starts at the deepest such place. KV can be cut at any position; recurrent state only at a {@link Checkpoint} or where it
 * stands. Owned by the engine's thread.
 */
final class PrefixReuse {
    private final Executor executor;
    private final int slot;
    private final boolean recurrent;
    private int[] ids = new int[64];
    private int length;
    /** The oldest goes first. Each is a copy of the recurrent state (18 to 180 MiB). */
    private final List<Checkpoint> checkpoints = new ArrayList<>();

    PrefixReuse(Executor executor, int slot) {
        this.executor = executor;
        this.slot = slot;
        this.recurrent = executor.stateBytes() > 0;
    }

    int length() {
        return length;
    }

    int checkpoints() {
        return checkpoints.size();
    }

    /** Tokens of the prompt that need no work here; always fewer than all, since the last one gives the logits. */
    int reusable(int[] prompt) {
        int shared = shared(prompt);
        if (!recurrent || shared == length) return shared;
        Checkpoint deepest = deepest(shared);
        return deepest == null ? 0 : deepest.length();
    }

    private int shared(int[] prompt) {
        int most = Math.min(length, prompt.length - 1);
        int different = Arrays.mismatch(ids, 0, most, prompt, 0, most);
        return different < 0 ? most : different;
    }

    private Checkpoint deepest(int shared) {
        Checkpoint best = null;
        for (Checkpoint c : checkpoints) if (c.length() <= shared && (best == null || c.length() > best.length())) best = c;
        return best;
    }

    /** Takes the slot back to what the prompt shares with it and returns its new length. */
    int rewind(int[] prompt) {
        int shared = reusable(prompt);
        if (shared == 0) {
            if (length > 0) forget();
        } else if (shared < length) {
            executor.restoreState(slot, shared, recurrent ? deepest(shared).state() : null);
            length = shared;
            drop(c -> c.length() > shared);
        }
        return length;
    }

    /** Clears the slot: a recycled one must never show an earlier sequence. */
    void forget() {
        executor.clear(slot);
        length = 0;
        drop(c -> true);
    }

    private void drop(Predicate<Checkpoint> which) {
        checkpoints.removeIf(c -> {
            boolean goes = which.test(c);
            if (goes) executor.releaseState(c.state());
            return goes;
        });
    }

    /** Notes tokens {@code all[from, to)} that a step has put into the slot. */
    void append(int[] all, int from, int to) {
        int n = to - from;
        if (length + n > ids.length) ids = Arrays.copyOf(ids, Math.max(2 * ids.length, length + n));
        System.arraycopy(all, from, ids, length, n);
        length += n;
    }

    /** Keeps the present place. Without recurrent state there is nothing to keep: any place can be returned to. */
    void checkpoint() {
        if (!recurrent || length == 0) return;
        drop(c -> c.length() == length);
        if (checkpoints.size() == Executor.KEPT_STATES) executor.releaseState(checkpoints.removeFirst().state());
        checkpoints.add(new Checkpoint(length, executor.saveState(slot)));
    }
}
