package squall.tornado.kernels;

import squall.sample.Sampling;
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

/**
 * The next token of each output row, chosen where the logits are: the largest logit, or temperature, top-k, top-p, min-p and a
 * draw, with the order and the ties of {@code squall.sample.Sampler}. Probabilities are float32 here and doubles there, so that
 * a draw that falls within 1e-6 of the edge between two tokens may give the other one.
 *
 * <p>Two tasks. Each slice of the vocabulary leaves its best tokens, in order; then a group for each row ranks those of all
 * slices and draws. A row's wish is {@link #WISH} floats: temperature, top-k, top-p, min-p, a uniform number from [0, 1), the
 * number of ids that may be chosen.
 */
public final class Draw {
    /** Floats of a row's wish. */
    public static final int WISH = 8;
    /** The largest top-k. */
    public static final int MOST = 64;
    private static final int TEMPERATURE = 0;
    private static final int TOP_K = 1;
    private static final int TOP_P = 2;
    private static final int MIN_P = 3;
    private static final int UNIFORM = 4;
    private static final int VOCAB = 5;
    /** Columns of a slice. */
    private static final int SLICE = 4096;
    /** Work-items of a slice where warps are cheap: it is read in sixteen turns. */
    private static final int READERS = 256;
    private static final float LARGEST = Float.MAX_VALUE;
    /** Above every id. */
    private static final int LAST_ID = Integer.MAX_VALUE;

    private Draw() {}

    /** Whether a row may be drawn here; others need their logits on the host: penalties, and draws from more than MOST tokens. */
    public static boolean serves(Sampling s) {
        boolean penalises = s.repetition() != 1 || s.presence() != 0 || s.frequency() != 0;
        return !penalises && (s.temperature() == 0 || s.topK() > 0 && s.topK() <= MOST);
    }

    /**
     * Writes down what row {@code row} wants.
     *
     * @param uniform from [0, 1)
     * @param vocab   ids from here on are never chosen
     */
    public static void wish(FloatArray wishes, int row, Sampling s, double uniform, int vocab) {
        if (!serves(s)) throw new IllegalArgumentException("the device does not draw with " + s);
        int at = row * WISH;
        wishes.set(at + TEMPERATURE, (float) s.temperature());
        wishes.set(at + TOP_K, s.temperature() == 0 ? 1 : s.topK());
        wishes.set(at + TOP_P, (float) s.topP());
        wishes.set(at + MIN_P, (float) s.minP());
        wishes.set(at + UNIFORM, (float) uniform);
        wishes.set(at + VOCAB, vocab);
    }

    /** Floats for each row that {@link #record} wants as scratch. */
    public static int scratchWidth(int vocab) {
        return 2 * MOST * slices(vocab);
    }

    private static int slices(int vocab) {
        return (vocab + SLICE - 1) / SLICE;
    }

    /**
     * {@code ids[r]} = the token of output row r; -1 if there is no finite logit or an infinite one.
     *
     * @param logits [outputs, vocab]
     * @param wishes [outputs, WISH]
     */
    public static void record(Tape tape, IntArray ids, Region logits, FloatArray wishes, Region scratch) {
        Frame f = tape.frame();
        int slices = slices(logits.width());
        int group = f.traits().group();
        if (f.traits().shape() == Traits.Shape.ROWS)
            tape.add("best", Grid.perRow(slices, 1), (g, id) -> g.task(id, Draw::kBestItem, f.context(), f.arena(), f.step(), wishes,
                    logits.at(), logits.stride(), logits.width(), scratch.at(), scratch.stride(), slices));
        else {
            int readers = f.traits().shape() == Traits.Shape.WARPS ? READERS : group;
            tape.add("best", Grid.perRow(slices, readers), (g, id) -> g.task(id, Draw::kBestGroup, f.context(), f.arena(), f.step(), wishes,
                    logits.at(), logits.stride(), logits.width(), scratch.at(), scratch.stride(), slices, readers));
        }
        tape.add("draw", Grid.perRow(1, group), (g, id) -> g.task(id, Draw::kDraw, f.context(), f.arena(), f.step(), wishes, ids,
                scratch.at(), scratch.stride(), slices, group));
    }

    /** 1 if a token ranks above another: a larger logit or an equal one and a lower id; an id below 0 is below everything. */
    private static int above(float v, int id, float other, int otherId) {
        int larger = v > other ? 1 : 0;
        int before = (v == other ? 1 : 0) & (id < otherId ? 1 : 0);
        int none = otherId < 0 ? 1 : 0;
        return (id >= 0 ? 1 : 0) & (none | larger | before);
    }

    /**
     * The best tokens of one slice by insertion into a short sorted list, one work-item a slice. Scratch of a slice: MOST pairs
     * (logit, id), id -1 behind the last.
     */
    static void kBestItem(KernelContext context, FloatArray arena, IntArray step, FloatArray wishes, int logits, int logitStride,
                          int width, int scratch, int scratchStride, int slices) {
        float[] best = new float[MOST];
        int[] which = new int[MOST];
        int row = context.globalIdx / slices;
        int slice = context.globalIdx % slices;
        if (row >= step.get(StepArray.ROWS)) return;
        int kept = (int) wishes.get(row * WISH + TOP_K);
        int vocab = TornadoMath.min(width, (int) wishes.get(row * WISH + VOCAB));
        int end = TornadoMath.min(vocab, (slice + 1) * SLICE);
        int from = logits + row * logitStride;
        int n = 0;
        best[0] = 0f;
        for (int i = slice * SLICE; i < end; i++) {
            float v = arena.get(from + i);
            int finite = v >= -LARGEST ? 1 : 0;
            int room = n < kept ? 1 : 0;
            int larger = v > best[TornadoMath.max(0, n - 1)] ? 1 : 0;
            if ((finite & (room | larger)) != 0) {
                n = TornadoMath.min(kept, n + 1);
                best[n - 1] = v;
                which[n - 1] = i;
                for (int p = n - 1; p > 0; p--) {
                    float above = best[p - 1];
                    int aboveId = which[p - 1];
                    float below = best[p];
                    int belowId = which[p];
                    if (below > above) {
                        best[p - 1] = below;
                        which[p - 1] = belowId;
                        best[p] = above;
                        which[p] = aboveId;
                    }
                }
            }
        }
        int to = scratch + row * scratchStride + slice * 2 * MOST;
        for (int j = 0; j < n; j++) {
            arena.set(to + 2 * j, best[j]);
            arena.set(to + 2 * j + 1, which[j]);
        }
        for (int j = n; j < kept; j++) arena.set(to + 2 * j + 1, -1f);
    }

    /**
     * The same by a group: every work-item knows the best of its columns that ranks below the last one taken; a tree finds the
     * group's, and only its owner looks for another.
     */
    static void kBestGroup(KernelContext context, FloatArray arena, IntArray step, FloatArray wishes, int logits, int logitStride,
                           int width, int scratch, int scratchStride, int slices, int group) {
        float[] best = context.allocateFloatLocalArray(group);
        int[] which = context.allocateIntLocalArray(group);
        int lane = context.localIdx;
        int row = context.groupIdx / slices;
        int slice = context.groupIdx % slices;
        int live = row < step.get(StepArray.ROWS) ? 1 : 0;
        int kept = live * (int) wishes.get(live * row * WISH + TOP_K);
        int vocab = TornadoMath.min(width, (int) wishes.get(live * row * WISH + VOCAB));
        int end = TornadoMath.min(vocab, (slice + 1) * SLICE);
        int from = logits + row * logitStride;
        int to = scratch + row * scratchStride + slice * 2 * MOST;
        float last = LARGEST;
        int lastId = -1;
        int mine = -1;
        float most = 0f;
        int look = 1;
        for (int j = 0; j < kept; j++) {
            int columns = look * end;
            if (look == 1) mine = -1;
            for (int i = slice * SLICE + lane; i < columns; i += group) {
                float v = arena.get(from + i);
                int below = (j == 0 ? 1 : 0) | above(last, lastId, v, i);
                if (((v >= -LARGEST ? 1 : 0) & below & above(v, i, most, mine)) != 0) {
                    most = v;
                    mine = i;
                }
            }
            best[lane] = most;
            which[lane] = mine;
            context.localBarrier();
            for (int half = group >> 1; half > 0; half >>= 1) {
                if (lane < half) {
                    if (above(best[lane + half], which[lane + half], best[lane], which[lane]) == 1) {
                        best[lane] = best[lane + half];
                        which[lane] = which[lane + half];
                    }
                }
                context.localBarrier();
            }
            int taken = which[0];
            look = mine == taken ? 1 : 0;
            if (taken >= 0) {
                last = best[0];
                lastId = taken;
            }
            if (lane == 0) {
                arena.set(to + 2 * j, last);
                arena.set(to + 2 * j + 1, taken);
            }
            context.localBarrier();
        }
    }

    /**
     * A group for each row. Ranks the slices' tokens as {@link #kBestGroup} does, then: weights e^((l - largest) / temperature); a
     * token stays while what ranks above it weighs less than top-p of all, and if it weighs at least min-p; the uniform number
     * times the weight of what stays is looked up along ascending ids.
     */
    static void kDraw(KernelContext context, FloatArray arena, IntArray step, FloatArray wishes, IntArray ids, int scratch,
                      int scratchStride, int slices, int group) {
        float[] best = context.allocateFloatLocalArray(group);
        int[] which = context.allocateIntLocalArray(group);
        float[] ranked = context.allocateFloatLocalArray(MOST);
        int[] tokens = context.allocateIntLocalArray(MOST);
        int lane = context.localIdx;
        int row = context.groupIdx;
        int live = row < step.get(StepArray.ROWS) ? 1 : 0;
        int wish = live * row * WISH;
        int kept = live * (int) wishes.get(wish + TOP_K);
        int from = scratch + row * scratchStride;
        int found = 0;
        float last = LARGEST;
        int lastId = -1;
        int mine = -1;
        float most = 0f;
        int look = 1;
        for (int j = 0; j < kept; j++) {
            int candidates = look * slices * kept;
            if (look == 1) mine = -1;
            for (int i = lane; i < candidates; i += group) {
                int at = from + 2 * (i / kept * MOST + i % kept);
                int token = (int) arena.get(at + 1);
                if (token >= 0) {
                    float v = arena.get(at);
                    int below = (j == 0 ? 1 : 0) | above(last, lastId, v, token);
                    if ((below & above(v, token, most, mine)) != 0) {
                        most = v;
                        mine = token;
                    }
                }
            }
            best[lane] = most;
            which[lane] = mine;
            context.localBarrier();
            for (int half = group >> 1; half > 0; half >>= 1) {
                if (lane < half) {
                    if (above(best[lane + half], which[lane + half], best[lane], which[lane]) == 1) {
                        best[lane] = best[lane + half];
                        which[lane] = which[lane + half];
                    }
                }
                context.localBarrier();
            }
            int taken = which[0];
            look = mine == taken ? 1 : 0;
            if (taken >= 0) {
                last = best[0];
                lastId = taken;
                found++;
            }
            if (lane == 0) {
                ranked[j] = last;
                tokens[j] = taken;
            }
            context.localBarrier();
        }
        float largest = found > 0 ? ranked[0] : 0f;
        int drawn = wishes.get(wish + TEMPERATURE) > 0f ? found : 0;
        context.localBarrier();
        for (int j = lane; j < drawn; j += group) ranked[j] = TornadoMath.exp((ranked[j] - largest) / wishes.get(wish + TEMPERATURE));
        context.localBarrier();
        if (lane == 0) {
            int token = found > 0 ? tokens[0] : -1;
            float all = 0f;
            for (int j = 0; j < drawn; j++) all += ranked[j];
            float wanted = wishes.get(wish + TOP_P) < 1f ? TornadoMath.max(wishes.get(wish + TOP_P) * all, 1e-30f) : 2f * all;
            float above = 0f;
            int stay = 0;
            for (int j = 0; j < drawn; j++) {
                int stays = (above < wanted ? 1 : 0) & (ranked[j] >= wishes.get(wish + MIN_P) ? 1 : 0);
                above += ranked[j] * stays;
                stay += stays;
            }
            float left = wishes.get(wish + UNIFORM) * above;
            int before = -1;
            int done = 0;
            for (int j = 0; j < stay; j++) {
                int next = LAST_ID;
                float weight = 0f;
                for (int i = 0; i < stay; i++) {
                    int closer = (tokens[i] > before ? 1 : 0) & (tokens[i] < next ? 1 : 0);
                    if (closer == 1) {
                        next = tokens[i];
                        weight = ranked[i];
                    }
                }
                before = next;
                if (done == 0) token = next;
                left -= weight;
                if (left < 0f) done = 1;
            }
            if (live == 1) ids.set(row, largest <= LARGEST ? token : -1);
        }
    }
}
