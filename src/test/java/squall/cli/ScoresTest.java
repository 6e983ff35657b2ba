package squall.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import squall.engine.Logits;

class ScoresTest {

    private static Logits logits(double... probabilities) {
        float[] l = new float[probabilities.length];
        for (int i = 0; i < l.length; i++) l[i] = (float) (3 + Math.log(probabilities[i]));
        return new Logits(l, l.length / 2, 2);
    }

    @Test void perplexityIsTheGeometricMeanOfOneOverP() {
        Scores s = new Scores();
        s.add(logits(0.5, 0.5, 0.2, 0.8), null, new int[] {9, 0, 1}, 1, 2);
        assertEquals(2, s.count());
        assertEquals(Math.sqrt(1 / 0.5 * 1 / 0.8), s.perplexity(), 1e-6);
        double a = -Math.log(0.5);
        double b = -Math.log(0.8);
        double deviation = Math.sqrt(((a * a + b * b) / 2 - (a + b) * (a + b) / 4) / 1);
        assertEquals(s.perplexity() * deviation, s.perplexityError(), 1e-6);
    }

    @Test void divergenceIsFromTheReference() {
        Scores s = new Scores();
        s.add(logits(0.5, 0.5, 0.9, 0.1), logits(0.25, 0.75, 0.9, 0.1), new int[] {0, 1}, 0, 2);
        double kl = 0.25 * Math.log(0.25 / 0.5) + 0.75 * Math.log(0.75 / 0.5);
        assertEquals(kl / 2, s.divergence(), 1e-6);
        assertEquals(kl, s.largestDivergence(), 1e-6);
        assertEquals(0.5, s.agreement());
        assertEquals(Math.sqrt(1 / 0.25 * 1 / 0.1), s.referencePerplexity(), 1e-5);
    }
}
