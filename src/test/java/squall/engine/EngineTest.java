package squall.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import squall.engine.FakeExecutor.State;
import squall.ops.StepPlan;
import squall.sample.Sampler;
import squall.sample.Sampling;

class EngineTest {
    private static final int CONTEXT = 4096;

    private static Engine engine(FakeExecutor executor, int batch, Engine.Reuse reuse) {
        return new Engine(executor, new EngineOptions(CONTEXT, executor.slots(), batch, 1, EngineOptions.KvFormat.F32,
                EngineOptions.KvFormat.F32), FakeExecutor.VOCAB, reuse);
    }

    /** Text of token 7 is "h", and so on through the alphabet twice. */
    private static final Request.TextStream LETTERS = new Request.TextStream() {
        @Override public String add(int id) {
            return letter(id);
        }

        @Override public String end() {
            return "";
        }
    };

    private static String letter(int id) {
        return String.valueOf((char) ('a' + id % 26));
    }

    private static final class Shown implements Request.Listener {
        final StringBuilder text = new StringBuilder();
        final List<Integer> ids = new ArrayList<>();
        Sequence.End end;

        @Override public void token(int id, String more) {
            ids.add(id);
            text.append(more);
        }

        @Override public void end(Sequence.End why, String rest) {
            assertNull(end, "ends once");
            end = why;
            text.append(rest);
        }
    }

    private static Request request(int[] prompt, int stable, int max, Request.Listener listener, String... stops) {
        return new Request(prompt, stable, new Sampler(Sampling.GREEDY, 0, FakeExecutor.VOCAB, new int[0]), max, Set.of(),
                List.of(stops), LETTERS, listener);
    }

    private static Request request(int[] prompt, int max) {
        return request(prompt, 0, max, (_, _) -> {});
    }

    private static int[] prompt(Random r, int n) {
        return r.ints(n, 0, FakeExecutor.VOCAB).toArray();
    }

    private static void runAll(Engine engine) {
        int steps = 0;
        while (engine.step()) assertTrue(++steps < 10_000, "never ends");
    }

    @Property(tries = 200)
    void everySequenceGetsItsOwnAnswerWhateverSharesTheSteps(@ForAll long seed, @ForAll @IntRange(min = 1, max = 40) int batch,
            @ForAll @IntRange(min = 1, max = 4) int slots, @ForAll State state, @ForAll Engine.Reuse reuse, @ForAll boolean draws) {
        Random r = new Random(seed);
        FakeExecutor fake = new FakeExecutor(slots, batch, state);
        fake.draws = draws;
        Engine engine = engine(fake, batch, reuse);
        List<Sequence> sequences = new ArrayList<>();
        List<int[]> expected = new ArrayList<>();
        int[] common = prompt(r, 30);
        for (int i = 0; i < 10; i++) {
            int[] p = IntStream.concat(Arrays.stream(common, 0, r.nextInt(31)), r.ints(1 + r.nextInt(60), 0, FakeExecutor.VOCAB)).toArray();
            int n = 1 + r.nextInt(20);
            sequences.add(engine.submit(request(p, r.nextInt(p.length + 1), n, (_, _) -> {})));
            expected.add(FakeExecutor.answer(p, n));
            if (r.nextBoolean()) engine.step();
        }
        runAll(engine);
        for (int i = 0; i < sequences.size(); i++) {
            assertEquals(Sequence.End.LENGTH, sequences.get(i).end());
            assertArrayEquals(expected.get(i), sequences.get(i).answer());
        }
        assertEquals(draws ? sequences.stream().mapToInt(Sequence::answered).sum() : 0, fake.drawn);
    }

    @Property(tries = 100)
    void aConversationIsReusedUpToItsStableBoundary(@ForAll long seed, @ForAll State state,
            @ForAll @IntRange(min = 1, max = 70) int batch) {
        Random r = new Random(seed);
        FakeExecutor fake = new FakeExecutor(1, batch, state);
        Engine engine = engine(fake, batch, Engine.Reuse.ON);
        int[] history = prompt(r, 20);
        for (int turn = 0; turn < 6; turn++) {
            // the generation prompt is not part of the next turn's history
            int[] asked = IntStream.concat(Arrays.stream(history), IntStream.of(1, 2, 3)).toArray();
            Sequence s = engine.submit(request(asked, history.length, 9, (_, _) -> {}));
            engine.run(s);
            assertArrayEquals(FakeExecutor.answer(asked, 9), s.answer());
            int common = turn == 0 ? 0 : history.length - 15;
            assertTrue(s.timings().cachedTokens() >= common, "turn " + turn + " found " + s.timings());
            assertEquals(asked.length, s.timings().cachedTokens() + s.timings().promptTokens());
            int[] next = Arrays.copyOf(history, history.length + 15);
            for (int i = history.length; i < next.length; i++) next[i] = 4 + r.nextInt(40);
            history = next;
        }
        assertEquals(List.of(), fake.cleared);
    }

    @Test void theSamePromptAgainKeepsAllButItsLastToken() {
        FakeExecutor fake = new FakeExecutor(1, 64, State.NONE);
        Engine engine = engine(fake, 64, Engine.Reuse.ON);
        int[] p = prompt(new Random(1), 40);
        for (int cached : new int[] {0, 39}) {
            Sequence s = engine.submit(request(p, 5));
            engine.run(s);
            assertEquals(cached, s.timings().cachedTokens());
            assertArrayEquals(FakeExecutor.answer(p, 5), s.answer());
        }
    }

    @Test void aForkOfTheConversationGoesBackToAnEarlierCheckpoint() {
        FakeExecutor fake = new FakeExecutor(1, 16, State.RECURRENT);
        Engine engine = engine(fake, 16, Engine.Reuse.ON);
        int[] first = prompt(new Random(2), 20);
        int[] second = IntStream.concat(Arrays.stream(first), IntStream.range(0, 20)).toArray();
        int[] fork = IntStream.concat(Arrays.stream(first), IntStream.range(10, 40)).toArray();
        for (int[] p : List.of(first, second, fork)) engine.run(engine.submit(request(p, p.length - 2, 4, (_, _) -> {})));
        Sequence again = engine.submit(request(fork, fork.length - 2, 4, (_, _) -> {}));
        engine.run(again);
        assertEquals(fork.length - 2, again.timings().cachedTokens());
        assertArrayEquals(FakeExecutor.answer(fork, 4), again.answer());
        assertEquals(3, fake.restored);
        assertEquals(2, again.timings().checkpoints(), "the fork's and the common one");
    }

    @Test void reuseOffClearsForEverySequence() {
        FakeExecutor fake = new FakeExecutor(1, 64, State.RECURRENT);
        Engine engine = engine(fake, 64, Engine.Reuse.OFF);
        int[] p = prompt(new Random(3), 10);
        for (int i = 0; i < 3; i++) {
            Sequence s = engine.submit(request(p, 8, 3, (_, _) -> {}));
            engine.run(s);
            assertEquals(0, s.timings().cachedTokens());
        }
        assertEquals(List.of(0, 0, 0), fake.cleared);
    }

    @Test void decodesShareEveryStepWithPiecesOfPrompts() {
        FakeExecutor fake = new FakeExecutor(3, 8, State.RECURRENT);
        Engine engine = engine(fake, 8, Engine.Reuse.ON);
        Random r = new Random(4);
        Sequence talking = engine.submit(request(prompt(r, 3), 40));
        engine.step();
        Sequence slow = engine.submit(request(prompt(r, 70), 5));
        Sequence quick = engine.submit(request(prompt(r, 9), 5));
        int before = talking.answered();
        int steps = 0;
        while (quick.answered() == 0) {
            engine.step();
            steps++;
        }
        assertEquals(before + steps, talking.answered(), "a token for the one that decodes in each step");
        assertEquals(4, steps, "two prompts take turns: 7 rows of the long one, 7 + 2 of the short one");
        assertEquals(0, slow.answered());
        StepPlan first = fake.steps.get(1);
        assertEquals(List.of(1, 7), first.segments().stream().map(StepPlan.Segment::rows).toList());
        assertArrayEquals(new int[] {0}, first.outputs(), "no logits in the middle of a prompt");
        runAll(engine);
    }

    @Test void moreAnswersThanRowsTakeTurns() {
        FakeExecutor fake = new FakeExecutor(5, 2, State.NONE);
        Engine engine = engine(fake, 2, Engine.Reuse.ON);
        List<Sequence> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) all.add(engine.submit(request(new int[] {i}, 100)));
        for (int i = 0; i < 100; i++) engine.step();
        List<Integer> answered = all.stream().map(Sequence::answered).toList();
        for (int n : answered) assertTrue(Math.abs(n - 40) <= 2, "40 each expected, found " + answered);
    }

    @Test void stopTokenEndsTheAnswerAndIsNotPartOfIt() {
        int[] p = {5, 6, 7};
        int[] answer = FakeExecutor.answer(p, 10);
        int stop = answer[6];
        int n = 0;
        while (answer[n] != stop) n++;
        Engine engine = engine(new FakeExecutor(1, 8, State.NONE), 8, Engine.Reuse.ON);
        Shown shown = new Shown();
        Sequence s = engine.submit(new Request(p, 0, new Sampler(Sampling.GREEDY, 0, FakeExecutor.VOCAB, new int[0]), 10,
                Set.of(stop), List.of(), LETTERS, shown));
        engine.run(s);
        assertArrayEquals(Arrays.copyOf(answer, n), s.answer());
        assertEquals(Sequence.End.STOP, shown.end);
        assertEquals(n, s.timings().generatedTokens(), "a step for each token after the first, and one for the stop token");
    }

    @Test void stopStringsAreFoundAcrossTokens() {
        int[] p = {11, 3};
        StringBuilder whole = new StringBuilder();
        for (int id : FakeExecutor.answer(p, 30)) whole.append(letter(id));
        String stop = whole.substring(10, 14);
        Engine engine = engine(new FakeExecutor(1, 8, State.NONE), 8, Engine.Reuse.ON);
        Shown shown = new Shown();
        Sequence s = engine.submit(request(p, 0, 30, shown, "never here", stop));
        engine.run(s);
        assertEquals(whole.substring(0, whole.indexOf(stop)), shown.text.toString());
        assertEquals(Sequence.End.STOP, s.end());

        Shown all = new Shown();
        engine.run(engine.submit(request(p, 0, 30, all, whole.substring(28) + "!")));
        assertEquals(whole.toString(), all.text.toString(), "what was held back comes at the end");
        assertEquals(Sequence.End.LENGTH, all.end);
    }

    @Test void cancelEndsOneSequenceAndFreesItsSlot() {
        FakeExecutor fake = new FakeExecutor(1, 8, State.RECURRENT);
        Engine engine = engine(fake, 8, Engine.Reuse.ON);
        Sequence runs = engine.submit(request(new int[] {1}, 1000));
        Sequence waits = engine.submit(request(new int[] {2}, 1000));
        Sequence last = engine.submit(request(new int[] {3}, 3));
        for (int i = 0; i < 5; i++) engine.step();
        runs.cancel();
        waits.cancel();
        engine.run(last);
        assertEquals(Sequence.End.CANCELLED, runs.end());
        assertEquals(5, runs.answered());
        assertEquals(Sequence.End.CANCELLED, waits.end());
        assertArrayEquals(FakeExecutor.answer(new int[] {3}, 3), last.answer());
        assertEquals(List.of(0), fake.cleared, "a recycled slot is cleared");
    }

    @Test void theContextIsNeverExceeded() {
        Engine engine = engine(new FakeExecutor(1, 512, State.NONE), 512, Engine.Reuse.ON);
        assertThrows(IllegalArgumentException.class, () -> engine.submit(request(new int[CONTEXT], 1)));
        Sequence s = engine.submit(request(new int[CONTEXT - 3], Request.UNTIL_FULL));
        engine.run(s);
        assertEquals(Sequence.End.LENGTH, s.end());
        assertEquals(3, s.answered());
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> engine.submit(request(new int[] {FakeExecutor.VOCAB}, 1)));
        assertTrue(e.getMessage().contains("vocabulary of 50"), e.getMessage());
    }

    @Test void aFailedStepEndsWhatRanAndTheNextStartsClean() {
        FakeExecutor fake = new FakeExecutor(2, 8, State.RECURRENT);
        Engine engine = engine(fake, 8, Engine.Reuse.ON);
        Sequence s = engine.submit(request(new int[] {1, 2}, 100));
        engine.step();
        fake.broken = true;
        RuntimeException e = assertThrows(IllegalStateException.class, () -> engine.run(s));
        assertSame(e, s.failure());
        fake.broken = false;
        Sequence next = engine.submit(request(new int[] {1, 2}, 4));
        engine.run(next);
        assertArrayEquals(FakeExecutor.answer(new int[] {1, 2}, 4), next.answer());
    }

    @Test void aListenerThatThrowsEndsItsOwnSequenceOnly() {
        Engine engine = engine(new FakeExecutor(2, 8, State.NONE), 8, Engine.Reuse.ON);
        Sequence bad = engine.submit(request(new int[] {1}, 0, 9, (_, _) -> {
            throw new IllegalStateException("gone");
        }));
        Sequence good = engine.submit(request(new int[] {2}, 9));
        engine.run(good);
        assertEquals(Sequence.End.FAILED, bad.end());
        assertArrayEquals(FakeExecutor.answer(new int[] {2}, 9), good.answer());
    }

    @Test void itsOwnThreadServesManySubmitters() throws Exception {
        FakeExecutor fake = new FakeExecutor(3, 16, State.RECURRENT);
        Engine engine = engine(fake, 16, Engine.Reuse.ON);
        engine.start();
        CountDownLatch ended = new CountDownLatch(8);
        List<Sequence> all = new ArrayList<>();
        for (int i = 0; i < 8; i++)
            all.add(engine.submit(request(new int[] {i, i + 1}, 0, 50, new Request.Listener() {
                @Override public void token(int id, String text) {}

                @Override public void end(Sequence.End why, String text) {
                    ended.countDown();
                }
            })));
        assertTrue(ended.await(20, TimeUnit.SECONDS));
        for (int i = 0; i < 8; i++) assertArrayEquals(FakeExecutor.answer(new int[] {i, i + 1}, 50), all.get(i).answer());
        Sequence endless = engine.submit(request(new int[] {9}, Request.UNTIL_FULL));
        engine.close();
        assertTrue(fake.closed);
        assertFalse(endless.end() == null);
    }

    @Test void longPromptsLeaveCheckpointsOnAFixedGridWhateverTheBatch() {
        int[] p = prompt(new Random(5), 2 * Sequence.GRID + 100);
        int[] fork = Arrays.copyOf(p, 2 * Sequence.GRID + 50);
        fork[2 * Sequence.GRID + 20] ^= 1;
        for (int batch : new int[] {100, 512, 3 * Sequence.GRID}) {
            FakeExecutor fake = new FakeExecutor(1, batch, State.RECURRENT);
            Engine engine = new Engine(fake, new EngineOptions(40_000, 1, batch, 1, EngineOptions.KvFormat.F32,
                    EngineOptions.KvFormat.F32), FakeExecutor.VOCAB, Engine.Reuse.ON);
            engine.run(engine.submit(request(p, 2)));
            Sequence s = engine.submit(request(fork, 2));
            engine.run(s);
            assertEquals(2 * Sequence.GRID, s.timings().cachedTokens());
            assertArrayEquals(FakeExecutor.answer(fork, 2), s.answer());
        }
    }
}
