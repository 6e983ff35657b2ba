package squall.tornado.kernels;

import squall.ops.Routing;
import squall.tornado.Chosen;
import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import squall.tornado.Traits;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Chooses the experts of each row. */
public final class Router {
    /** Where warps do it: work-items of a group, and the most experts. */
    private static final int GROUP = 256;
    private static final int WARP = 32;
    private static final int MOST = 512;
    /** What a logit that is not a number is taken for. */
    private static final float LOWEST = -Float.MAX_VALUE;

    private Router() {}

    /**
     * {@code p = softmax(logits)} over all experts, the {@code chosen.used} largest (ties: the lower index), largest first; their
     * weights divided by their sum or as they are. Logits that are not numbers give some experts and weights that are not numbers.
     *
     * @param logits [rows, experts]
     * @param scalar [rows, 1]: every row has expert number {@code experts} as its last one, with the weight sigmoid(scalar); null without
     */
    public static void record(Tape tape, Chosen chosen, Region logits, int experts, Routing.Weights kind, Region scalar) {
        int shared = scalar == null ? 0 : 1, used = chosen.used() - shared;
        if (used > experts) throw new IllegalArgumentException(used + " of " + experts + " experts cannot be chosen");
        Frame f = tape.frame();
        if (f.traits().shape() == Traits.Shape.WARPS && experts <= MOST) {
            recordWarps(tape, chosen, logits, experts, kind, scalar);
            return;
        }
        int group = f.traits().group();
        int normalised = kind == Routing.Weights.NORMALISED ? 1 : 0;
        Region weights = chosen.weights();
        tape.add("route", Grid.perRow(1, group), (g, id) -> g.task(id, Router::kRoute, f.context(), f.arena(), f.step(), chosen.ids(),
                Place.of(weights), Place.of(logits), scalar == null ? 0 : Place.of(scalar), experts, used, shared, normalised, group));
    }

    /**
     * A group for each row. The logits' order is that of p, and they are not rounded again: {@code used} times the group finds
     * the best of what is left, by a tree. An expert is left while its flag is 0, whatever its logit is, so that {@code used}
     * different ones come out in any case. Then a tree sums the exponentials.
     */
    static void kRoute(KernelContext context, FloatArray arena, IntArray step, IntArray ids, long weights, long logits, long scalar, int experts,
                       int used, int shared, int normalised, int group) {
        float[] values = context.allocateFloatLocalArray(experts);
        int[] taken = context.allocateIntLocalArray(experts);
        float[] best = context.allocateFloatLocalArray(group);
        int[] which = context.allocateIntLocalArray(group);
        int[] order = context.allocateIntLocalArray(used);
        int row = context.groupIdx;
        int lane = context.localIdx;
        int live = row < step.get(StepArray.ROWS) ? 1 : 0;
        for (int e = lane; e < live * experts; e += group) {
            values[e] = arena.get(Place.start(logits, row) + e);
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
            ids.set(row * (used + shared) + j, order[j]);
            arena.set(Place.start(weights, row) + j, TornadoMath.exp(values[order[j]] - values[order[0]]) / best[0]);
        }
        if (lane < live * shared) {
            ids.set(row * (used + shared) + used, experts);
            arena.set(Place.start(weights, row) + used, Activation.sigmoid(arena.get(Place.start(scalar, row))));
        }
    }

    private static void recordWarps(Tape tape, Chosen chosen, Region logits, int experts, Routing.Weights kind, Region scalar) {
        Frame f = tape.frame();
        int shared = scalar == null ? 0 : 1, normalised = kind == Routing.Weights.NORMALISED ? 1 : 0;
        tape.add("route", Grid.perRow(1, GROUP), (g, id) -> g.task(id, Router::kRouteWarps, f.context(), f.arena(), f.step(), chosen.ids(),
                Place.of(chosen.weights()), Place.of(logits), scalar == null ? 0 : Place.of(scalar), experts, chosen.used() - shared, shared, normalised));
    }

    /** The same by counting: the place of an expert is how many rank above it. What is not a number ranks below all that is. */
    static void kRouteWarps(KernelContext context, FloatArray arena, IntArray step, IntArray ids, long weights, long logits, long scalar,
                            int experts, int used, int shared, int normalised) {
        float[] values = context.allocateFloatLocalArray(MOST);
        float[] best = context.allocateFloatLocalArray(MOST);
        float[] parts = context.allocateFloatLocalArray(GROUP / WARP);
        int row = context.groupIdx, item = context.localIdx, live = row < step.get(StepArray.ROWS) ? 1 : 0, from = Place.start(logits, row);
        for (int e = item; e < live * experts; e += GROUP) {
            float v = arena.get(from + e);
            if (v != v) v = LOWEST;
            values[e] = TornadoMath.max(v, LOWEST);
        }
        context.localBarrier();
        for (int e = item; e < live * experts; e += GROUP) {
            float mine = values[e];
            int above = 0;
            for (int i = 0; i < experts; i++) {
                int larger = values[i] > mine ? 1 : 0, before = (values[i] == mine ? 1 : 0) & (i < e ? 1 : 0);
                above += larger | before;
            }
            if (above < used) {
                best[above] = mine;
                ids.set(row * (used + shared) + above, e);
            }
        }
        context.localBarrier();
        float sum = 0f;
        int summed = live * (normalised == 1 ? used : experts);
        for (int e = item; e < summed; e += GROUP) sum += TornadoMath.exp((normalised == 1 ? best[e] : values[e]) - best[0]);
        float part = context.simdSum(sum);
        if (item % WARP == 0) parts[item / WARP] = part;
        context.localBarrier();
        float all = (parts[0] + parts[1]) + (parts[2] + parts[3]) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
        for (int j = item; j < live * used; j += GROUP) arena.set(Place.start(weights, row) + j, TornadoMath.exp(best[j] - best[0]) / all);
        if (item < live * shared) {
            ids.set(row * (used + shared) + used, experts);
            arena.set(Place.start(weights, row) + used, Activation.sigmoid(arena.get(Place.start(scalar, row))));
        }
    }
}
