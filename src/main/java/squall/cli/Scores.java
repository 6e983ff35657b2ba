package squall.cli;

import java.util.stream.IntStream;
import squall.engine.Logits;

/**
 * How well logits predict a text: {@code perplexity = exp(mean of -ln p(token))}, and their divergence from a reference's,
 * {@code KL(reference || scored) = sum p_ref (ln p_ref - ln p)}. Sums are doubles over all rows of the vocabulary.
 */
final class Scores {
    /** The loss of one position, the reference's, their divergence, and whether both have the same most probable token. */
    private record Position(double loss, double referenceLoss, double divergence, boolean same) {}

    private long count;
    private long same;
    private double loss;
    private double lossSquared;
    private double referenceLoss;
    private double divergence;
    private double divergenceSquared;
    private double largest;

    /**
     * Scores rows [0, rows) of the logits; row r predicts {@code ids[first + r]}.
     *
     * @param reference of the same shape, or null
     */
    void add(Logits logits, Logits reference, int[] ids, int first, int rows) {
        Position[] positions = IntStream.range(0, Math.max(0, rows)).parallel()
                .mapToObj(r -> position(logits, reference, r, ids[first + r])).toArray(Position[]::new);
        for (Position p : positions) {
            count++;
            loss += p.loss;
            lossSquared += p.loss * p.loss;
            referenceLoss += p.referenceLoss;
            divergence += p.divergence;
            divergenceSquared += p.divergence * p.divergence;
            largest = Math.max(largest, p.divergence);
            if (p.same) same++;
        }
    }

    private static Position position(Logits logits, Logits reference, int row, int token) {
        int at = row * logits.vocab();
        int best = largest(logits, at);
        double norm = logSum(logits, at, logits.values()[best]);
        double loss = norm - logits.values()[at + token];
        if (reference == null) return new Position(loss, 0, 0, true);
        int referenceBest = largest(reference, at);
        double referenceNorm = logSum(reference, at, reference.values()[referenceBest]);
        double sum = 0;
        for (int i = 0; i < logits.vocab(); i++) {
            double ln = reference.values()[at + i] - referenceNorm;
            sum += Math.exp(ln) * (ln - (logits.values()[at + i] - norm));
        }
        return new Position(loss, referenceNorm - reference.values()[at + token], Math.max(0, sum), best == referenceBest);
    }

    private static int largest(Logits logits, int at) {
        int best = at;
        for (int i = at + 1; i < at + logits.vocab(); i++) if (logits.values()[i] > logits.values()[best]) best = i;
        return best;
    }

    /** ln sum e^l. */
    private static double logSum(Logits logits, int at, float most) {
        double sum = 0;
        for (int i = 0; i < logits.vocab(); i++) sum += Math.exp((double) logits.values()[at + i] - most);
        return most + Math.log(sum);
    }

    long count() {
        return count;
    }

    double perplexity() {
        return Math.exp(loss / count);
    }

    /** One standard error, from the spread of the losses. */
    double perplexityError() {
        return perplexity() * error(loss, lossSquared);
    }

    double referencePerplexity() {
        return Math.exp(referenceLoss / count);
    }

    double divergence() {
        return divergence / count;
    }

    double divergenceError() {
        return error(divergence, divergenceSquared);
    }

    double largestDivergence() {
        return largest;
    }

    /** Share of positions where both have the same most probable token. */
    double agreement() {
        return (double) same / count;
    }

    private double error(double sum, double squares) {
        if (count < 2) return 0;
        double mean = sum / count;
        return Math.sqrt(Math.max(0, squares / count - mean * mean) / (count - 1));
    }
}
