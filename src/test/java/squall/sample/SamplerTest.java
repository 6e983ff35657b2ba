package squall.sample;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.TreeSet;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class SamplerTest {

    /** The rule as a sentence after the other, with a full sort and doubles. */
    private static final class Definition {
        final Sampling s;
        final SplitMix64 random;
        final int[] masked;
        final List<Integer> prompt;
        final List<Integer> answer = new ArrayList<>();
        boolean close;   // a cut fell so near a sum that the order of adding decides

        Definition(Sampling s, long seed, int[] masked, List<Integer> prompt) {
            this.s = s;
            this.random = new SplitMix64(seed);
            this.masked = masked;
            this.prompt = prompt;
        }

        /** @throws NoSuchElementException if there is nothing to choose from */
        int next(float[] logits) {
            float[] l = penalised(logits);
            List<Integer> rank = new ArrayList<>();
            for (int i = 0; i < l.length; i++) if (!Float.isNaN(l[i]) && l[i] != Float.NEGATIVE_INFINITY) rank.add(i);
            rank.sort(Comparator.<Integer>comparingDouble(i -> -(l[i] + 0.0)).thenComparing(i -> i));
            int chosen = s.temperature() == 0 ? rank.getFirst() : draw(l, rank);
            answer.add(chosen);
            return chosen;
        }

        private float[] penalised(float[] logits) {
            float[] l = logits.clone();
            TreeSet<Integer> seen = new TreeSet<>(prompt);
            seen.addAll(answer);
            for (int id : seen) {
                l[id] = l[id] > 0 ? l[id] / (float) s.repetition() : l[id] * (float) s.repetition();
                long times = answer.stream().filter(a -> a == id).count();
                if (times > 0) l[id] -= (float) (s.presence() + times * s.frequency());
            }
            for (int id : masked) l[id] = Float.NEGATIVE_INFINITY;
            return l;
        }

        private int draw(float[] l, List<Integer> rank) {
            double[] w = new double[l.length];
            float most = l[rank.getFirst()];
            for (int i : rank) w[i] = Math.exp(((double) l[i] - most) / s.temperature());
            List<Integer> kept = s.topK() == 0 ? rank : rank.subList(0, Math.min(s.topK(), rank.size()));
            if (s.topP() < 1) {
                double mass = kept.stream().mapToDouble(i -> w[i]).sum();
                double above = 0;
                int n = 0;
                while (n < kept.size() && (n == 0 || above < s.topP() * mass)) {
                    above += w[kept.get(n++)];
                    close |= Math.abs(above - s.topP() * mass) < 1e-12 * mass;
                }
                kept = kept.subList(0, n);
            }
            List<Integer> byId = kept.stream().filter(i -> w[i] >= s.minP()).sorted().toList();
            double at = random.nextDouble() * byId.stream().mapToDouble(i -> w[i]).sum();
            for (int i : byId) {
                at -= w[i];
                close |= Math.abs(at) < 1e-12;
                if (at < 0) return i;
            }
            return byId.getLast();
        }
    }

    @Provide Arbitrary<Sampling> samplings() {
        return Combinators.combine(
                Arbitraries.of(1.0, 1.1, 0.5, 2.0), Arbitraries.of(0.0, 1.5, -1.0), Arbitraries.of(0.0, 0.3),
                Arbitraries.of(0.0, 0.05, 0.6, 1.0, 3.0), Arbitraries.of(0, 1, 2, 5, 20, 1000),
                Arbitraries.of(0.0, 0.01, 0.5, 0.8, 0.95, 1.0), Arbitraries.of(0.0, 0.05, 0.5, 1.0)).as(Sampling::new);
    }

    @Property(tries = 3000)
    void equalsTheDefinition(@ForAll("samplings") Sampling sampling, @ForAll long seed) {
        Random r = new Random(seed);
        int vocab = 1 + r.nextInt(r.nextBoolean() ? 8 : 300);
        int[] masked = r.ints(0, vocab).limit(r.nextInt(vocab)).distinct().limit(vocab - 1).toArray();
        List<Integer> prompt = r.ints(0, vocab).limit(r.nextInt(10)).boxed().toList();
        Definition definition = new Definition(sampling, seed, masked, prompt);
        Sampler sampler = new Sampler(sampling, seed, vocab, masked);
        sampler.prompt(prompt.stream().mapToInt(i -> i).toArray());
        for (int step = 0; step < 12; step++) {
            float[] logits = logits(r, vocab);
            int expected;
            try {
                expected = definition.next(logits);
            } catch (NoSuchElementException everyFiniteOneIsMasked) {
                assertThrows(IllegalStateException.class, () -> sampler.next(logits, 0));
                return;
            }
            if (definition.close) return;
            assertEquals(expected, sampler.next(logits, 0), () -> sampling + " vocab " + vocab);
        }
    }

    /** Smooth, tied, with signed zeros, or with some at minus infinity or NaN; one at least is finite, which may be masked. */
    private static float[] logits(Random r, int vocab) {
        float[] l = new float[vocab];
        int kind = r.nextInt(4);
        for (int i = 0; i < vocab; i++)
            l[i] = switch (kind) {
                case 0 -> (float) (4 * r.nextGaussian());
                case 1 -> r.nextInt(3) - 1;
                case 2 -> r.nextInt(2) == 0 ? 0f : -0f;
                default -> i % 3 == 1 ? Float.NEGATIVE_INFINITY : i % 5 == 1 ? Float.NaN : r.nextInt(7);
            };
        if (kind == 3) for (int i = 0; i < vocab; i++) if (i % 3 == 1) l[i] = r.nextInt(4);
        return l;
    }

    @Test void tiesGoToTheLowerId() {
        float[] logits = {1, 3, 3, 3, 0};
        assertEquals(1, new Sampler(Sampling.GREEDY, 0, 5, new int[0]).next(logits, 0));
        assertEquals(2, new Sampler(Sampling.GREEDY, 0, 5, new int[] {1}).next(logits, 0));
        Sampler two = new Sampler(new Sampling(1, 0, 0, 1, 2, 1, 0), 7, 5, new int[0]);
        TreeSet<Integer> chosen = new TreeSet<>();
        for (int i = 0; i < 100; i++) chosen.add(two.next(logits, 0));
        assertEquals(List.of(1, 2), List.copyOf(chosen));
    }

    @Test void allMaskedButOne() {
        int[] masked = {0, 1, 2, 4};
        for (Sampling s : List.of(Sampling.GREEDY, new Sampling(1.3, 1, 1, 1, 0, 0.9, 0), new Sampling(1, 0, 0, 2, 3, 1, 0.2)))
            assertEquals(3, new Sampler(s, 1, 5, masked).next(new float[] {9, 9, 9, -40, 9}, 0));
    }

    @Test void nothingToChooseIsAnError() {
        Sampler sampler = new Sampler(Sampling.GREEDY, 1, 2, new int[] {0});
        assertThrows(IllegalStateException.class, () -> sampler.next(new float[] {1, Float.NaN}, 0));
        assertThrows(IllegalStateException.class, () -> sampler.next(new float[] {1, Float.POSITIVE_INFINITY}, 0));
    }

    @Test void readsItsOwnRowAndLeavesItAlone() {
        float[] rows = {0, 1, 2, 2, 1, 0};
        Sampler sampler = new Sampler(new Sampling(2, 1, 1, 0, 0, 1, 0), 1, 3, new int[0]);
        assertEquals(2, sampler.next(rows, 0));
        assertEquals(0, sampler.next(rows, 3));
        assertArrayEquals(new float[] {0, 1, 2, 2, 1, 0}, rows);
    }

    @Test void drawsWithTheProbabilities() {
        float[] logits = {(float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.2)};
        Sampler sampler = new Sampler(new Sampling(1, 0, 0, 1, 0, 1, 0), 42, 3, new int[0]);
        int[] times = new int[3];
        int n = 20_000;
        for (int i = 0; i < n; i++) times[sampler.next(logits, 0)]++;
        for (int i = 0; i < 3; i++) {
            double p = Math.exp(logits[i]);
            assertTrue(Math.abs(times[i] - n * p) < 4 * Math.sqrt(n * p * (1 - p)), "id " + i + " chosen " + times[i] + " times");
        }
    }

    @Test void theGeneratorIsTheOneNamed() {
        SplitMix64 random = new SplitMix64(1234567);
        assertEquals(6457827717110365317L, random.next());
        assertEquals(3203168211198807973L, random.next());
        assertEquals(-8629252141511181193L, random.next());
    }

    @Test void rangesAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> new Sampling(0, 0, 0, 1, 0, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new Sampling(1, 0, 0, Double.NaN, 0, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new Sampling(1, 0, 0, 1, -1, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new Sampling(1, 0, 0, 1, 0, 1.01, 0));
        assertThrows(IllegalArgumentException.class, () -> new Sampling(1, 0, 0, 1, 0, 1, -0.1));
    }
}
