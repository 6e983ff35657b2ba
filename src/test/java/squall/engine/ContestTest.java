package squall.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import squall.engine.Contest.Result;
import squall.engine.Contest.Times;

class ContestTest {
    private final Contest contest = new Contest(t -> t.prompt() + 10 * t.token());
    /** Names of the entrants in the order in which they were measured. */
    private final List<String> order = new ArrayList<>();
    private int told;

    /** token: milliseconds of a token in the round that is given. */
    private Contest.Entrant entrant(String name, IntToDoubleFunction token) {
        int[] round = new int[1];
        return () -> {
            order.add(name);
            return new Times(token.applyAsDouble(round[0]++), 0);
        };
    }

    private List<Result> run(Contest.Entrant... entrants) {
        return contest.run(List.of(entrants), round -> told = round);
    }

    @Test void takesTurnsFromAlternatingEnds() {
        List<Result> results = run(entrant("a", _ -> 5), entrant("b", _ -> 4), entrant("c", _ -> 6));
        assertEquals(List.of("a", "b", "c", "c", "b", "a", "a", "b", "c"), order);
        assertEquals(new Result(new Times(4, 0), 0, 3, ""), results.get(1));
        assertEquals(3, told);
        assertEquals(1, contest.winner(results));
    }

    /** Rounds that start slowly are not counted, and more are made until three agree. */
    @Test void warmingUpIsNoDisadvantage() {
        List<Result> results = run(entrant("usual", round -> round < 4 ? 9 - round : 4), entrant("other", _ -> 4.4));
        assertEquals(4, results.getFirst().times().token());
        assertEquals(7, results.getFirst().rounds());
        assertEquals(0, results.getFirst().spread());
        assertEquals(0, contest.winner(results));
    }

    @Test void whatIsWithinTheSpreadIsNoWin() {
        double[] noise = {1.0, 1.2, 0.9, 1.1, 1.3};
        List<Result> results = run(entrant("usual", round -> 10 * noise[round % noise.length]), entrant("other", round -> 9.5 * noise[(round + 2) % noise.length]));
        assertEquals(Contest.MOST_ROUNDS, results.getFirst().rounds());
        assertTrue(results.getFirst().spread() > Contest.CLOSE, results.toString());
        assertEquals(0, contest.winner(results), results.toString());
        assertEquals(1, contest.winner(List.of(results.getFirst(), new Result(new Times(5, 0), 0.1, 3, ""))), "half the time is more than noise");
    }

    /** Of the rounds in a row those count in which all were calmest. */
    @Test void countsTheCalmestRounds() {
        List<Result> results = run(entrant("a", round -> round >= 4 && round < 7 ? 10 + 0.2 * round : 10 + round), entrant("b", _ -> 20));
        assertEquals(11.0, results.getFirst().times().token(), 0.01);
        assertTrue(results.getFirst().spread() < 0.05, results.toString());
    }

    @Test void oneThatFailsDoesNotStopTheOthers() {
        Contest.Entrant never = () -> {
            throw new IllegalStateException("CL_OUT_OF_RESOURCES\nand more");
        };
        Contest.Entrant later = entrant("later", round -> {
            if (round == 1) throw new IllegalArgumentException();
            return 1;
        });
        List<Result> results = run(never, later, entrant("good", _ -> 3));
        assertEquals("CL_OUT_OF_RESOURCES", results.get(0).failed());
        assertEquals("IllegalArgumentException", results.get(1).failed());
        assertFalse(results.get(1).finished());
        assertEquals(3, results.get(2).times().token());
        assertEquals(2, contest.winner(results), "the usual one failed");
        assertEquals(-1, contest.winner(run(never)));
    }
}
