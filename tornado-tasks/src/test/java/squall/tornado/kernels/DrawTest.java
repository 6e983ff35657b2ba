package squall.tornado.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import squall.sample.Sampler;
import squall.sample.Sampling;
import squall.tornado.Region;
import squall.tornado.Rig;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Draws on the device against the host's sampler, with the same random numbers. */
class DrawTest {
    private static final int ROWS = 8;

    private static double pick(Rig rig, double... values) {
        return values[rig.random.nextInt(values.length)];
    }

    private static Sampling sampling(Rig rig) {
        double temperature = pick(rig, 0, 0.3, 0.7, 1, 2.5);
        int topK = (int) pick(rig, 1, 2, 20, 40, 64);
        return new Sampling(1, 0, 0, temperature, topK, pick(rig, 1, 0.95, 0.5, 0.05, 0), pick(rig, 0, 0, 0.01, 0.3, 1));
    }

    @ParameterizedTest @EnumSource void asTheHostDoes(Traits.Shape shape) {
        Rig rig = new Rig(1, 0, new Traits(shape, 64, false));
        for (int width : new int[] {3, 70, 5000, 9001}) {
            for (int round = 0; round < 5; round++) compare(rig, width, round);
        }
    }

    /** Every other round has few different logits, so that there are ties, and logits that nobody may choose. */
    private static void compare(Rig rig, int width, int round) {
        rig.few().afresh();
        int vocab = width - rig.random.nextInt(3);
        int[] rows = new int[ROWS];
        rig.outputs(rows);
        Region logits = rig.region(width);
        Region scratch = rig.region(Draw.scratchWidth(width));
        FloatArray wishes = new FloatArray(ROWS * Draw.WISH);
        wishes.init(0f);
        int[] expected = new int[ROWS];
        for (int r = 0; r < ROWS; r++) {
            float[] values = new float[width];
            for (int i = 0; i < width; i++) {
                double v = 3 * rig.random.nextGaussian();
                if (round % 2 == 1) v = rig.random.nextInt(50) == 0 ? Float.NEGATIVE_INFINITY : Math.rint(v);
                values[i] = (float) v;
                rig.set(logits, r, i, values[i]);
            }
            if (round == 1) values[0] = set(rig, logits, r, 0, 1f);
            Sampling s = sampling(rig);
            int seed = rig.random.nextInt();
            Draw.wish(wishes, r, s, new Sampler(s, seed, vocab, new int[0]).wish().uniform(), vocab);
            expected[r] = new Sampler(s, seed, vocab, new int[0]).next(values, 0);
        }
        IntArray ids = new IntArray(ROWS);
        ids.init(-7);
        rig.changing(ids).play(tape -> Draw.record(tape, ids, logits, wishes, scratch), wishes);
        for (int r = 0; r < ROWS; r++) assertEquals(expected[r], ids.get(r), "width " + width + ", round " + round + ", row " + r);
        rig.scratch(scratch);
        rig.nothingElseChanged();
    }

    private static float set(Rig rig, Region logits, int row, int i, float value) {
        rig.set(logits, row, i, value);
        return value;
    }

    @ParameterizedTest @EnumSource void nothingToChoose(Traits.Shape shape) {
        Rig rig = new Rig(2, 0, new Traits(shape, 64, false)).few();
        rig.outputs(0, 0);
        int width = 4100;
        Region logits = rig.region(width);
        Region scratch = rig.region(Draw.scratchWidth(width));
        for (int i = 0; i < width; i++) {
            rig.set(logits, 0, i, Float.NEGATIVE_INFINITY);
            rig.set(logits, 1, i, i == 77 ? Float.POSITIVE_INFINITY : 0f);
        }
        FloatArray wishes = new FloatArray(8 * Draw.WISH);
        wishes.init(0f);
        for (int r = 0; r < 2; r++) Draw.wish(wishes, r, new Sampling(1, 0, 0, 1, 5, 0.9, 0.1), 0.5, width);
        IntArray ids = IntArray.fromElements(-7, -7, -7);
        rig.changing(ids).play(tape -> Draw.record(tape, ids, logits, wishes, scratch), wishes);
        assertEquals(-1, ids.get(0));
        assertEquals(-1, ids.get(1));
        assertEquals(-7, ids.get(2));
    }

    @Test void whatItDoesNotServe() {
        assertTrue(Draw.serves(Sampling.GREEDY));
        assertFalse(Draw.serves(new Sampling(1, 0, 0, 1, 0, 0.9, 0)));
        assertFalse(Draw.serves(new Sampling(1, 0, 0, 1, 65, 0.9, 0)));
        assertFalse(Draw.serves(new Sampling(1.1, 0, 0, 0, 20, 1, 0)));
        assertFalse(Draw.serves(new Sampling(1, 0.5, 0, 1, 20, 1, 0)));
    }
}
