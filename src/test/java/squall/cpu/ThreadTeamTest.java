package squall.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ThreadTeamTest {

    @ParameterizedTest @ValueSource(ints = {1, 2, 3, 8})
    void everyWorkerRunsOncePerRegion(int threads) {
        try (ThreadTeam team = new ThreadTeam(threads)) {
            assertEquals(threads, team.size());
            int[] calls = new int[threads];
            for (int i = 0; i < 2000; i++)
                team.run((worker, workers) -> {
                    assertEquals(threads, workers);
                    calls[worker]++;
                });
            int[] expected = new int[threads];
            Arrays.fill(expected, 2000);
            assertArrayEquals(expected, calls);
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 2, 5})
    void everyItemIsTakenOnce(int threads) {
        try (ThreadTeam team = new ThreadTeam(threads)) {
            for (int n : new int[] {0, 1, 2, 7, 64, 1000})
                for (int grain : new int[] {1, 3, 64, 2000}) {
                    int[] taken = new int[n];
                    team.forEach(n, grain, (worker, begin, end) -> {
                        assertTrue(begin < end && end <= n && end - begin <= grain);
                        for (int i = begin; i < end; i++) taken[i]++;
                    });
                    int[] expected = new int[n];
                    Arrays.fill(expected, 1);
                    assertArrayEquals(expected, taken);
                }
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 2, 5})
    void runsGrowShorterAndTakeEveryItemOnce(int threads) {
        try (ThreadTeam team = new ThreadTeam(threads)) {
            for (int n : new int[] {0, 1, 2, 7, 64, 1000})
                for (int most : new int[] {1, 3, 64, 2000}) {
                    int[] taken = new int[n];
                    int[] run = new int[n];
                    team.forEachInRuns(n, most, (worker, begin, end) -> {
                        assertTrue(begin < end && end <= n && end - begin <= most);
                        for (int i = begin; i < end; i++) {
                            taken[i]++;
                            run[i] = end - begin;
                        }
                    });
                    int[] expected = new int[n];
                    Arrays.fill(expected, 1);
                    assertArrayEquals(expected, taken);
                    for (int i = 1; i < n; i++) assertTrue(run[i] <= run[i - 1]);
                    if (n > 0) assertEquals(1, run[n - 1]);
                }
        }
    }

    @Test void whatWorkersWroteIsSeenAndWakesAfterParking() throws InterruptedException {
        try (ThreadTeam team = new ThreadTeam(3)) {
            long[] sums = new long[3];
            for (int i = 1; i <= 20; i++) {
                Thread.sleep(2); // longer than the spin: the workers are parked
                int value = i;
                team.run((worker, workers) -> sums[worker] += value);
                assertArrayEquals(new long[] {i * (i + 1) / 2, i * (i + 1) / 2, i * (i + 1) / 2}, sums);
            }
        }
    }

    @Test void callerParksUntilTheSlowestIsDone() {
        try (ThreadTeam team = new ThreadTeam(2)) {
            boolean[] done = new boolean[1];
            team.run((worker, workers) -> {
                if (worker == 0) return;
                try {
                    Thread.sleep(20);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                done[0] = true;
            });
            assertTrue(done[0]);
        }
    }

    @ParameterizedTest @ValueSource(ints = {0, 1, 2})
    void exceptionReachesTheCallerAndTheTeamStaysUsable(int thrower) {
        try (ThreadTeam team = new ThreadTeam(3)) {
            RuntimeException thrown = new RuntimeException("from " + thrower);
            for (int i = 0; i < 100; i++) {
                RuntimeException caught = assertThrows(RuntimeException.class, () -> team.run((worker, workers) -> {
                    if (worker == thrower) throw thrown;
                }));
                assertSame(thrown, caught);
                AtomicInteger calls = new AtomicInteger();
                team.run((worker, workers) -> calls.incrementAndGet());
                assertEquals(3, calls.get());
            }
        }
    }

    @Test void allFailuresAreReported() {
        try (ThreadTeam team = new ThreadTeam(4)) {
            Error error = assertThrows(Error.class, () -> team.run((worker, workers) -> {
                throw new Error("worker " + worker);
            }));
            assertEquals(3, error.getSuppressed().length);
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void nestedRegionIsRefused(int threads) {
        try (ThreadTeam team = new ThreadTeam(threads)) {
            assertThrows(IllegalStateException.class, () -> team.run((worker, workers) -> team.run((a, b) -> {})));
            assertThrows(IllegalStateException.class,
                    () -> team.forEach(9, 1, (worker, begin, end) -> team.forEach(9, 1, (a, b, c) -> {})));
            AtomicInteger calls = new AtomicInteger();
            team.run((worker, workers) -> calls.incrementAndGet());
            assertEquals(threads, calls.get());
        }
    }

    @Test void closedTeamRefusesWorkAndItsThreadsEnd() throws InterruptedException {
        ThreadTeam team = new ThreadTeam(2);
        Thread[] worker = new Thread[2];
        team.run((i, workers) -> worker[i] = Thread.currentThread());
        assertSame(Thread.currentThread(), worker[0]);
        assertTrue(worker[1].isDaemon());
        team.close();
        team.close();
        worker[1].join(10_000);
        assertTrue(!worker[1].isAlive());
        assertThrows(IllegalStateException.class, () -> team.run((i, workers) -> {}));
    }

    @Test void sizesThatMakeNoSenseAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new ThreadTeam(0));
        try (ThreadTeam team = new ThreadTeam(1)) {
            assertThrows(IllegalArgumentException.class, () -> team.forEach(1, 0, (worker, begin, end) -> {}));
            assertThrows(IllegalArgumentException.class, () -> team.forEachInRuns(1, 0, (worker, begin, end) -> {}));
        }
    }
}
