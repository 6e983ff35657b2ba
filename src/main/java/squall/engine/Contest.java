package squall.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Entrants measured in turns, round after round, so that what else the machine does meets them all alike, until three in a
 * row agree. What is closer together than an entrant's own rounds are is no difference.
 */
public final class Contest {
    /** Rounds that must agree, and those after which nobody waits any longer. */
    static final int AGREEING = 3;
    public static final int MOST_ROUNDS = 12;
    /** Rounds agree when they are within this share of their median. */
    static final double CLOSE = 0.03;

    /** Times of one round, milliseconds. */
    public record Times(double token, double prompt) {}

    /** Takes part. It has been warmed: its first round counts. */
    @FunctionalInterface
    public interface Entrant {
        /** @throws RuntimeException if it cannot go on; the message is kept */
        Times round();
    }

    /**
     * What an entrant came to.
     *
     * @param times  medians of the {@value #AGREEING} rounds in a row in which all agreed best
     * @param spread of their costs: the largest less the smallest, as a share of the median
     * @param rounds it was measured in
     * @param failed why it gave up, or nothing
     */
    public record Result(Times times, double spread, int rounds, String failed) {
        static Result failure(String why) {
            return new Result(new Times(0, 0), 0, 0, why);
        }

        public boolean finished() {
            return failed.isEmpty();
        }
    }

    private final ToDoubleFunction<Times> cost;

    /** cost: what is to be as small as possible. */
    public Contest(ToDoubleFunction<Times> cost) {
        this.cost = cost;
    }

    /** afterRound: told the number of the round. */
    public List<Result> run(List<? extends Entrant> entrants, IntConsumer afterRound) {
        List<List<Times>> rounds = IntStream.range(0, entrants.size()).mapToObj(_ -> (List<Times>) new ArrayList<Times>()).toList();
        String[] failed = new String[entrants.size()];
        Arrays.fill(failed, "");
        for (int round = 0; round < MOST_ROUNDS && (round < AGREEING || worst(rounds, failed, round - AGREEING) > CLOSE); round++) {
            for (int i = 0; i < entrants.size(); i++) {
                // in turn from the other end, so that none is always after the same one
                int e = round % 2 == 0 ? i : entrants.size() - 1 - i;
                if (failed[e].isEmpty()) failed[e] = measured(entrants.get(e), rounds.get(e));
            }
            afterRound.accept(round + 1);
        }
        int done = rounds.stream().mapToInt(List::size).max().orElse(0);
        int best = IntStream.rangeClosed(0, done - AGREEING).boxed().min(Comparator.comparingDouble(at -> worst(rounds, failed, at))).orElse(0);
        return IntStream.range(0, entrants.size())
                .mapToObj(e -> failed[e].isEmpty() ? result(rounds.get(e), best) : Result.failure(failed[e])).toList();
    }

    /** Adds a round; why that was not possible, or nothing. */
    private static String measured(Entrant entrant, List<Times> rounds) {
        try {
            rounds.add(entrant.round());
            return "";
        } catch (RuntimeException e) {
            return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage().lines().findFirst().orElse("it failed");
        }
    }

    /** The largest spread of those who did not fail over the rounds from {@code at} on. */
    private double worst(List<List<Times>> rounds, String[] failed, int at) {
        return IntStream.range(0, failed.length).filter(e -> failed[e].isEmpty()).mapToDouble(e -> spread(window(rounds.get(e), at))).max().orElse(0);
    }

    private Result result(List<Times> rounds, int at) {
        List<Times> counted = window(rounds, at);
        return new Result(new Times(median(counted, Times::token), median(counted, Times::prompt)), spread(counted), rounds.size(), "");
    }

    private static List<Times> window(List<Times> rounds, int at) {
        return rounds.subList(at, at + AGREEING);
    }

    private double spread(List<Times> rounds) {
        double[] costs = rounds.stream().mapToDouble(cost).sorted().toArray();
        return (costs[costs.length - 1] - costs[0]) / median(rounds, cost);
    }

    private static double median(List<Times> rounds, ToDoubleFunction<Times> of) {
        double[] sorted = rounds.stream().mapToDouble(of).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    /**
     * The cheapest, if it is cheaper than the first by more than either's spread; else the first, or where that one failed the
     * cheapest. -1 if all failed.
     */
    public int winner(List<Result> results) {
        int best = -1;
        for (int i = 0; i < results.size(); i++)
            if (results.get(i).finished() && (best < 0 || cost.applyAsDouble(results.get(i).times) < cost.applyAsDouble(results.get(best).times))) best = i;
        if (best <= 0 || !results.getFirst().finished()) return best;
        Result usual = results.getFirst();
        double gain = 1 - cost.applyAsDouble(results.get(best).times) / cost.applyAsDouble(usual.times);
        return gain > Math.max(usual.spread, results.get(best).spread) ? best : 0;
    }
}
