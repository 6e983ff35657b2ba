package squall.tornado.kernels;

import squall.ops.Routing;
import squall.tornado.Chosen;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Chooses the experts of each row. */
public final class Router {
    private Router() {}

    /**
     * {@code p = softmax(logits)} over all experts, the {@code chosen.used} largest (ties: the lower index), largest first; their
     * weights divided by their sum or as they are. Logits that are not numbers give some experts and weights that are not numbers.
     *
     * @param logits [rows, experts]
     */
    public static void record(Tape tape, Chosen chosen, Region logits, int experts, Routing.Weights kind) {
        if (chosen.used() > experts) throw new IllegalArgumentException(chosen.used() + " of " + experts + " experts cannot be chosen");
        Frame f = tape.frame();
        int group = f.traits().group();
        int normalised = kind == Routing.Weights.NORMALISED ? 1 : 0;
        Region weights = chosen.weights();
        tape.add("route", Grid.perRow(1, group), (g, id) -> g.task(id, Router::kRoute, f.context(), f.arena(), f.step(), chosen.ids(),
                weights.at(), weights.stride(), logits.at(), logits.stride(), experts, chosen.used(), normalised, group));
    }

    /**
     * A group for each row. The logits' order is that of p, and they are not rounded again: {@code used} times the group finds
     * the best of what is left, by a tree. An expert is left while its flag is 0, whatever its logit is, so that {@code used}
     * different ones come out in any case. Then a tree sums the exponentials.
     */
    static void kRoute(KernelContext context, FloatArray arena, IntArray step, IntArray ids, int weights, int weightStride, int logits,
                       int logitStride, int experts, int used, int normalised, int group) {
        float[] values = context.allocateFloatLocalArray(experts);
        int[] taken = context.allocateIntLocalArray(experts);
        float[] best = context.allocateFloatLocalArray(group);
        int[] which = context.allocateIntLocalArray(group);
        int[] order = context.allocateIntLocalArray(used);
        int row = context.groupIdx;
        int lane = context.localIdx;
        int live = row < step.get(StepArray.ROWS) ? 1 : 0;
        for (int e = lane; e < live * experts; e += group) {
            values[e] = arena.get(logits + row * logitStride + e);
            taken[e] = 0;
        }
        context.localBarrier();
        for (int j = 0; j < live * used; j++) {
            float most = 0f;
            int mine = experts;
            for (int e = lane; e < experts; e += group) {
                int none = mine == experts ? 1 : 0;
                int larger = values[e] > most ? 1 : 0;
                if ((1 - taken[e] & (none | larger)) != 0) {
                    most = values[e];
                    mine = e;
                }
            }
            best[lane] = most;
            which[lane] = mine;
            context.localBarrier();
            for (int half = group >> 1; half > 0; half >>= 1) {
                if (lane < half) {
                    int other = which[lane + half];
                    int there = other < experts ? 1 : 0;
                    int none = which[lane] == experts ? 1 : 0;
                    int larger = best[lane + half] > best[lane] ? 1 : 0;
                    int equal = best[lane + half] == best[lane] ? 1 : 0;
                    int lower = other < which[lane] ? 1 : 0;
                    if ((there & (none | larger | equal & lower)) != 0) {
                        best[lane] = best[lane + half];
                        which[lane] = other;
                    }
                }
                context.localBarrier();
            }
            if (lane == 0) {
                order[j] = which[0];
                taken[which[0]] = 1;
            }
            context.localBarrier();
        }
        float sum = 0f;
        for (int e = lane; e < live * experts; e += group) {
            float part = TornadoMath.exp(values[e] - values[order[0]]);
            sum += (1 - normalised | taken[e]) * part;
        }
        best[lane] = sum;
        context.localBarrier();
        for (int half = group >> 1; half > 0; half >>= 1) {
            if (lane < half) best[lane] += best[lane + half];
            context.localBarrier();
        }
        for (int j = lane; j < live * used; j += group) {
            ids.set(row * used + j, order[j]);
            arena.set(weights + row * weightStride + j, TornadoMath.exp(values[order[j]] - values[order[0]]) / best[0]);
        }
    }
}
