package squall.engine;

import java.util.Arrays;
import squall.sample.Sampler;
import squall.sample.Wish;

/**
 * One prompt and its answer on the way through the engine. The engine's thread owns it; {@link #cancel}, {@link #end} and
 * the counts may be used from any.
 */
public final class Sequence {

    public enum End {
        /** a stop token or stop string */
        STOP,
        /** the most tokens asked for, or the context is full */
        LENGTH, CANCELLED,
        /** the step failed; {@link Sequence#failure} has the reason */
        FAILED
    }

    /** Tokens between checkpoints in a long prompt, whatever the batch, so that reuse does not depend on it. */
    static final int GRID = 8192;

    private final Request request;
    private final StopStrings stops;
    private final int contextLength;
    private int[] ids;            // the prompt, then the answer
    private int known;            // of ids
    private int done;             // ids that the slot holds
    private PrefixReuse slot;
    private long started;
    private long firstToken;
    private long ended;
    private int cached;
    private RuntimeException failure;
    private volatile int answered;
    private volatile int chosen;  // the stop token counts too
    private volatile boolean cancelled;
    private volatile End end;

    Sequence(Request request, int contextLength) {
        this.request = request;
        this.contextLength = contextLength;
        this.stops = new StopStrings(request.stopStrings());
        this.ids = Arrays.copyOf(request.prompt(), request.prompt().length + 64);
        this.known = request.prompt().length;
        this.started = System.nanoTime();
        request.sampler().prompt(request.prompt());
    }

    /** Asks for the end at the next step. */
    public void cancel() {
        cancelled = true;
    }

    /** Why it ended; null while it runs. */
    public End end() {
        return end;
    }

    /** What made it fail; null unless {@link End#FAILED}. */
    public RuntimeException failure() {
        return failure;
    }

    /** Ids of the answer so far, stop token excluded. */
    public int[] answer() {
        return Arrays.copyOfRange(ids, promptLength(), known);
    }

    public int answered() {
        return answered;
    }

    /** What it took, for the timing lines; valid at any time. */
    public Timings timings() {
        long now = end == null ? System.nanoTime() : ended;
        long first = firstToken == 0 ? now : firstToken;
        return new Timings(cached, promptLength() - cached, first - started, Math.max(0, chosen - 1), firstToken == 0 ? 0 : now - first,
                slot == null ? 0 : slot.checkpoints());
    }

    /**
     * @param cachedTokens     prompt tokens found in the slot
     * @param promptTokens     prompt tokens computed
     * @param promptNanos      until the first token was chosen
     * @param generatedTokens  tokens chosen after the first, the stop token included: one step each
     * @param generatedNanos   from the first token to the end
     * @param checkpoints      places the slot can be taken back to
     */
    public record Timings(int cachedTokens, int promptTokens, long promptNanos, int generatedTokens, long generatedNanos,
                          int checkpoints) {

        /** Both together, with the checkpoints of the later. */
        public Timings and(Timings later) {
            return new Timings(cachedTokens + later.cachedTokens, promptTokens + later.promptTokens,
                    promptNanos + later.promptNanos, generatedTokens + later.generatedTokens,
                    generatedNanos + later.generatedNanos, later.checkpoints);
        }
    }

    public int promptLength() {
        return request.prompt().length;
    }

    int[] prompt() {
        return request.prompt();
    }

    PrefixReuse slot() {
        return slot;
    }

    /** Takes a place; the slot is at the part of the prompt that it already had. */
    void start(PrefixReuse place) {
        slot = place;
        cached = place.rewind(request.prompt());
        done = cached;
        started = System.nanoTime();
    }

    int[] ids() {
        return ids;
    }

    /** Tokens that the slot holds: how far the prompt has been read. */
    public int done() {
        return done;
    }

    /** Tokens that are known and not in the slot. */
    int pending() {
        return known - done;
    }

    boolean decoding() {
        return done >= promptLength();
    }

    /** Tokens up to the next place where a checkpoint is wanted: the stable boundary and every {@link #GRID} of the prompt. */
    int untilBoundary() {
        if (decoding()) return 1;
        int stable = request.stableLength();
        int grid = GRID - done % GRID;
        return done < stable ? Math.min(stable - done, grid) : grid;
    }

    /** The slot has taken {@code rows} more tokens. */
    void advance(int rows) {
        slot.append(ids, done, done + rows);
        done += rows;
        if (done == request.stableLength() || done < promptLength() && done % GRID == 0) slot.checkpoint();
    }

    boolean wantsCancel() {
        return cancelled;
    }

    /** Chooses the next token and hands it on. */
    void choose(float[] logits, int at) {
        take(request.sampler().next(logits, at));
    }

    /** Whether an executor may choose its tokens. */
    boolean drawnBy(Executor executor) {
        return executor.draws(request.sampler().sampling()) && request.sampler().masksLastIds();
    }

    Wish wish() {
        return request.sampler().wish();
    }

    /** Hands on a token that was chosen. */
    void take(int id) {
        if (id < 0) throw new IllegalStateException(Sampler.NOTHING_TO_CHOOSE);
        chosen++;
        if (firstToken == 0) firstToken = System.nanoTime();
        if (request.stopIds().contains(id)) {
            finish(End.STOP);
            return;
        }
        if (known == ids.length) ids = Arrays.copyOf(ids, 2 * known);
        ids[known++] = id;
        answered++;
        String text = stops.add(request.text().add(id));
        request.listener().token(id, text);
        if (stops.stopped()) finish(End.STOP);
        else if (answered == request.maxTokens() || known >= contextLength) finish(End.LENGTH);
    }

    void finish(End why) {
        if (end != null) return;
        ended = System.nanoTime();
        if (firstToken == 0) firstToken = ended;
        String rest = stops.stopped() ? "" : stops.add(request.text().end());
        if (!stops.stopped()) rest += stops.rest();
        end = why;
        request.listener().end(why, rest);
    }

    void fail(RuntimeException reason) {
        if (end != null) return;
        failure = reason;
        ended = System.nanoTime();
        end = End.FAILED;
        request.listener().end(End.FAILED, "");
    }
}
