package squall.engine;

import java.util.List;
import squall.ops.StepPlan;

/**
 * How many positions each slot of an executor holds, and the checks that every executor owes its caller. Owned by the
 * engine's thread.
 */
public final class SlotLengths {
    /** Length of a slot whose step failed half-way. */
    private static final int BROKEN = -1;

    private final int contextLength;
    private final int vocab;
    private final int[] lengths;
    private final long[] sequences;

    /** Whose state was kept, and where; an executor's saved states carry it. */
    public record Mark(int slot, long sequence, int length) {}

    public SlotLengths(EngineOptions options, int vocab) {
        this.contextLength = options.contextLength();
        this.vocab = vocab;
        this.lengths = new int[options.slots()];
        this.sequences = new long[options.slots()];
    }

    public int slots() {
        return lengths.length;
    }

    public int length(int slot) {
        return lengths[slot];
    }

    /**
     * Checks a step and marks its slots as broken until {@link #ended}.
     *
     * @throws IllegalArgumentException if a segment's slot does not exist, its positions do not follow what the slot has
     *                                  seen or pass the context length, or a token id is not in the vocabulary; no slot
     *                                  has changed then
     */
    public void begin(StepPlan plan) {
        List<StepPlan.Segment> segments = plan.segments();
        for (int i = 0; i < segments.size(); i++) {
            StepPlan.Segment s = segments.get(i);
            check(s.slot());
            int length = lengths[s.slot()];
            if (length == BROKEN)
                throw new IllegalArgumentException("slot " + s.slot() + ": a step failed half-way; clear it before it is used again");
            if (s.start() != length)
                throw new IllegalArgumentException("slot " + s.slot() + " holds " + length + " positions, the step starts at "
                        + s.start());
            if ((long) s.start() + s.rows() > contextLength)
                throw new IllegalArgumentException("slot " + s.slot() + ": " + (s.start() + (long) s.rows())
                        + " positions, the context has " + contextLength + "; a larger --ctx-size helps");
        }
        for (int token : plan.tokens())
            if (token < 0 || token >= vocab)
                throw new IllegalArgumentException("token id " + token + " is not in the vocabulary of " + vocab);
        for (int i = 0; i < segments.size(); i++) lengths[segments.get(i).slot()] = BROKEN;
    }

    /** The step is done: its slots are longer. */
    public void ended(StepPlan plan) {
        for (int i = 0; i < plan.segments().size(); i++) {
            StepPlan.Segment s = plan.segments().get(i);
            lengths[s.slot()] = s.start() + s.rows();
        }
    }

    /** @throws IllegalArgumentException if there is no such slot */
    public void check(int slot) {
        if (slot < 0 || slot >= lengths.length)
            throw new IllegalArgumentException("slot " + slot + " of " + lengths.length);
    }

    public void clear(int slot) {
        check(slot);
        lengths[slot] = 0;
        sequences[slot]++;
    }

    /** @throws IllegalArgumentException if the slot's last step failed */
    public Mark mark(int slot) {
        check(slot);
        if (lengths[slot] == BROKEN)
            throw new IllegalArgumentException("slot " + slot + ": a step failed half-way, there is no state to keep");
        return new Mark(slot, sequences[slot], lengths[slot]);
    }

    /** @throws IllegalArgumentException if the slot has fewer positions; nothing has changed then */
    public void checkCut(int slot, int length) {
        check(slot);
        if (length < 0 || length > lengths[slot])
            throw new IllegalArgumentException("slot " + slot + " holds " + lengths[slot] + " positions, it cannot go back to "
                    + length);
    }

    /**
     * @param mark of a state that is to be taken back to
     * @throws IllegalArgumentException if the state was kept at another length, in another slot or before the slot was cleared
     */
    public void checkMark(int slot, int length, Mark mark) {
        if (mark == null || mark.slot != slot || mark.sequence != sequences[slot] || mark.length != length)
            throw new IllegalArgumentException("slot " + slot + ": not a state of this sequence at " + length + " positions");
    }

    /** @throws IllegalArgumentException if a slot cannot be made that long without a step; nothing has changed then */
    public void checkSkip(int slot, int length) {
        check(slot);
        if (lengths[slot] == BROKEN || length < lengths[slot] || length > contextLength)
            throw new IllegalArgumentException("slot " + slot + " cannot be taken from " + lengths[slot] + " positions to " + length
                    + ", the context has " + contextLength);
    }

    /** Shorter or longer without a step, after {@link #checkCut} or {@link #checkSkip}. */
    public void moveTo(int slot, int length) {
        lengths[slot] = length;
    }
}
