package squall.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import squall.sample.Wish;

/**
 * Runs sequences on an executor. One thread owns it with all slots: whoever calls {@link #step} or {@link #run}, or the
 * engine's own after {@link #start}. {@link #submit} is for any thread.
 *
 * <p>What a step does beside the executor is loops, not streams: their objects go away only where the compiler has seen through
 * all of them, and what it sees depends on what else the process and the machine do.
 */
public final class Engine implements AutoCloseable {

    /** Whether a prompt may start from what its slot still holds of an earlier one. */
    public enum Reuse { ON, OFF }

    private final Executor executor;
    private final int contextLength;
    private final int vocab;
    private final Reuse reuse;
    private final Scheduler scheduler;
    private final Place[] places;
    private final List<Scheduler.Turn> running = new ArrayList<>();
    private final Queue<Sequence> waiting = new ConcurrentLinkedQueue<>();
    private volatile boolean closed;
    private volatile Thread own;

    /** A slot and what it holds. */
    private static final class Place {
        final PrefixReuse held;
        boolean taken;
        long lastUsed;

        Place(PrefixReuse held) {
            this.held = held;
        }
    }

    private long admitted;

    /** The engine closes the executor. vocab: rows of the model's head. */
    public Engine(Executor executor, EngineOptions options, int vocab, Reuse reuse) {
        this.executor = executor;
        this.contextLength = options.contextLength();
        this.vocab = vocab;
        this.reuse = reuse;
        this.scheduler = new Scheduler(options.batch());
        this.places = new Place[executor.slots()];
        for (int i = 0; i < places.length; i++) places[i] = new Place(new PrefixReuse(executor, i));
    }

    public Executor executor() {
        return executor;
    }

    /**
     * Queues a request.
     *
     * @throws IllegalArgumentException if the prompt does not fit into the context or has an id outside of the vocabulary
     */
    public Sequence submit(Request request) {
        int n = request.prompt().length;
        if (n >= contextLength)
            throw new IllegalArgumentException("the prompt has " + n + " tokens and the context holds " + contextLength
                    + ", with room for one of the answer at least; a larger --ctx-size helps, up to what the model was made for");
        for (int id : request.prompt())
            if (id < 0 || id >= vocab)
                throw new IllegalArgumentException("token id " + id + " is outside of the vocabulary of " + vocab);
        Sequence sequence = new Sequence(request, contextLength);
        waiting.add(sequence);
        Thread thread = own;
        if (thread != null) LockSupport.unpark(thread);
        return sequence;
    }

    /** Steps until the sequence has ended. */
    public void run(Sequence sequence) {
        while (sequence.end() == null)
            if (!step()) throw new IllegalStateException("the sequence is not this engine's");
        if (sequence.failure() != null) throw sequence.failure();
    }

    /** One step of everything that runs; false if there is nothing to do. */
    public boolean step() {
        cancelWhereAsked();
        admit();
        if (running.isEmpty()) return false;
        Scheduler.Plan plan = scheduler.plan(running);
        try {
            if (executorDraws(plan)) {
                int[] ids = executor.draw(plan.step(), wishes(plan));
                advance(plan, (s, row) -> s.take(ids[row]));
            } else {
                Logits logits = executor.step(plan.step(), null);
                advance(plan, (s, row) -> s.choose(logits.values(), Math.multiplyExact(row, logits.vocab())));
            }
        } catch (RuntimeException e) {
            failAll(e);
            return true;
        }
        release();
        return true;
    }

    /** Whether the step brings tokens, and the executor may choose each of them. */
    private boolean executorDraws(Scheduler.Plan plan) {
        boolean wanted = false;
        for (Scheduler.Piece piece : plan.pieces()) {
            if (!piece.wantsLogits()) continue;
            if (!piece.sequence().drawnBy(executor)) return false;
            wanted = true;
        }
        return wanted;
    }

    private static List<Wish> wishes(Scheduler.Plan plan) {
        List<Wish> wishes = new ArrayList<>(plan.pieces().size());
        for (Scheduler.Piece piece : plan.pieces()) if (piece.wantsLogits()) wishes.add(piece.sequence().wish());
        return wishes;
    }

    @FunctionalInterface
    private interface Choice {
        /** row: of those that wanted logits. */
        void make(Sequence sequence, int row);
    }

    /** A listener that throws ends its own sequence and no other. */
    private static void advance(Scheduler.Plan plan, Choice choice) {
        int row = 0;
        for (Scheduler.Piece piece : plan.pieces()) {
            Sequence s = piece.sequence();
            int at = piece.wantsLogits() ? row++ : -1;
            try {
                s.advance(piece.rows());
                if (at >= 0) choice.make(s, at);
            } catch (RuntimeException e) {
                s.fail(e);
            }
        }
    }

    private void failAll(RuntimeException e) {
        for (Scheduler.Turn t : running) {
            t.sequence.fail(e);
            places[t.slot].held.forget();
        }
        release();
    }

    private void cancelWhereAsked() {
        for (Sequence s : waiting)
            if (s.wantsCancel() && waiting.remove(s)) s.finish(Sequence.End.CANCELLED);
        for (Scheduler.Turn t : running) if (t.sequence.wantsCancel()) t.sequence.finish(Sequence.End.CANCELLED);
        release();
    }

    private void release() {
        running.removeIf(t -> {
            boolean ended = t.sequence.end() != null;
            if (ended) places[t.slot].taken = false;
            return ended;
        });
    }

    /** Gives waiting sequences, first come first served, the free slot that has most of their prompt. */
    private void admit() {
        for (Sequence s; (s = waiting.peek()) != null; waiting.remove()) {
            int best = -1;
            for (int i = 0; i < places.length; i++)
                if (!places[i].taken && (best < 0 || better(places[i], places[best], s.prompt()))) best = i;
            if (best < 0) return;
            Place place = places[best];
            place.taken = true;
            place.lastUsed = admitted++;
            if (reuse == Reuse.OFF) place.held.forget();
            s.start(place.held);
            running.add(new Scheduler.Turn(s, best));
        }
    }

    private static boolean better(Place a, Place b, int[] prompt) {
        int x = a.held.reusable(prompt);
        int y = b.held.reusable(prompt);
        return x != y ? x > y : a.lastUsed < b.lastUsed;
    }

    /** Runs the engine in a thread of its own until it is closed. */
    public Thread start() {
        Thread thread = new Thread(this::serve, "squall-engine");
        thread.setDaemon(true);
        own = thread;
        thread.start();
        return thread;
    }

    private void serve() {
        while (!closed) if (!step()) LockSupport.parkNanos(this, 100_000_000L);
        for (Sequence s : waiting) s.cancel();
        for (Scheduler.Turn t : running) t.sequence.cancel();
        cancelWhereAsked();
    }

    /** Ends what runs and closes the executor. */
    @Override public void close() {
        closed = true;
        Thread thread = own;
        if (thread != null && thread != Thread.currentThread()) {
            LockSupport.unpark(thread);
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        executor.close();
    }
}
