package squall.parity;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import squall.engine.Executor;
import squall.model.Model;
import squall.ops.StepPlan;

/**
 * Steps of mixed row counts for three sequences, whose states are carried from step to step: one row beside many, a slot that
 * starts again. What is compared is what each layer adds to the residual stream.
 */
final class Journey {
    static final int SLOTS = 3;
    static final int CONTEXT = 320;
    static final int BATCH = 256;
    /** Rows of each slot in each step; a negative number starts the slot again. */
    private static final int[][] LEGS = {{7, 1, 0}, {1, 64, 5}, {1, 1, 1}, {150, 2, 1}, {-3, 1, 1}, {1, 1, 1}};

    private Journey() {}

    /** What layers 0 to last - 1 added in one step, and the decode steps among them. */
    private record Step(List<float[]> added, boolean decode, int elements) {}

    /** Deviation of each layer but the last (which is seen normalised): [layer][0: a row a slot, 1: more]. */
    static Deviation[][] compare(Model model, Executor expected, Executor actual) {
        int layers = model.layers().size() - 1;
        Deviation[][] all = new Deviation[layers][];
        for (int i = 0; i < layers; i++) all[i] = new Deviation[] {new Deviation(), new Deviation()};
        Random random = new Random(2);
        int[] lengths = new int[SLOTS];
        for (int[] legs : LEGS) {
            StepPlan plan = plan(legs, lengths, random, model.config().vocab(), expected, actual);
            Step a = step(expected, plan, layers);
            Step b = step(actual, plan, layers);
            for (int i = 0; i < layers; i++) all[i][a.decode ? 0 : 1].add(a.added.get(i), b.added.get(i), a.elements);
        }
        return all;
    }

    private static StepPlan plan(int[] legs, int[] lengths, Random random, int vocab, Executor... players) {
        StepPlan.Builder plan = new StepPlan.Builder();
        for (int slot = 0; slot < SLOTS; slot++) {
            if (legs[slot] < 0) {
                for (Executor e : players) e.clear(slot);
                lengths[slot] = 0;
            }
            int rows = Math.abs(legs[slot]);
            if (rows == 0) continue;
            plan.add(slot, lengths[slot], random.ints(rows, 0, vocab).toArray(), 0, rows, StepPlan.Want.NONE);
            lengths[slot] += rows;
        }
        return plan.build();
    }

    private static Step step(Executor player, StepPlan plan, int layers) {
        List<float[]> added = new ArrayList<>();
        float[][] before = new float[1][];
        int[] elements = {0};
        player.step(plan, (point, x, rows, width) -> {
            if (point > layers) return;
            elements[0] = rows * width;
            float[] now = Arrays.copyOf(x, rows * width);
            if (point > 0) {
                float[] difference = new float[now.length];
                for (int i = 0; i < now.length; i++) difference[i] = now[i] - before[0][i];
                added.add(difference);
            }
            before[0] = now;
        });
        return new Step(added, plan.rows() == plan.segments().size(), elements[0]);
    }
}
