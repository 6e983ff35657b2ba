package squall.tornado.kernels;

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

/**
 * The choices of all rows, of which choice {@code row * used + j} is the row's j-th expert, in order by expert, each expert's cut
 * into tiles of {@value #TILE} at most and of about one size; and the sum of what comes of them.
 * <pre>
 * numbers of choices in order [maxRows * used] | tiles: expert, place of the first choice in order, choices [maxTiles][3]
 * </pre>
 * There are {@code choices / TILE + experts} tiles in any case, whatever the rows choose: with {@code b} choices before them those of expert
 * e begin with number {@code b / TILE + e}, which leaves none of them less room than they need; what is left over is empty.
 */
public final class ExpertOrder {
    static final int TILE = 64;
    static final int SHIFT = 6;
    /** Ints of a tile. */
    static final int RECORD = 3;
    private static final int GROUP = 256;

    private ExpertOrder() {}

    /** Puts the choices in order; {@code experts}: how many there are, {@code hidden}: units of each. */
    public static void record(Tape tape, Chosen chosen, int experts, int hidden) {
        Frame f = tape.frame();
        int used = chosen.used(), tilesAt = Math.multiplyExact(f.maxRows(), used);
        f.scratch().needChoices(tilesAt + RECORD * tiles(f.maxRows(), used, experts), Math.multiplyExact(tilesAt, hidden));
        tape.add("groupExperts", Grid.fixed(experts, GROUP), (g, id) -> g.task(id, ExpertOrder::kOrder, f.context(), f.step(), chosen.ids(),
                f.scratch().choices(), experts, used, tilesAt));
    }

    /** How many tiles there are. */
    static int tiles(int rows, int used, int experts) {
        return rows * used / TILE + experts;
    }

    /** {@code y[r] += sum over j < used of parts[r][j]} */
    static void recordSum(Tape tape, Region y, Region parts, int used) {
        Frame f = tape.frame();
        int groups = (y.width() + GROUP - 1) / GROUP;
        tape.add("sumExperts", Grid.perRow(groups, GROUP), (g, id) -> g.task(id, ExpertOrder::kSum, f.context(), f.arena(), f.step(), Place.of(y),
                Place.of(parts), y.width(), used, groups));
    }

    /** A group for each expert: it counts the choices of lesser experts and its own, and puts its own behind those. */
    static void kOrder(KernelContext context, IntArray step, IntArray ids, IntArray choices, int experts, int used, int tilesAt) {
        int[] lesser = context.allocateIntLocalArray(GROUP);
        int[] equal = context.allocateIntLocalArray(GROUP);
        int expert = context.groupIdx, item = context.localIdx, all = step.get(StepArray.ROWS) * used, below = 0, mine = 0;
        for (int i = item; i < all; i += GROUP) {
            int id = ids.get(i);
            below += id < expert ? 1 : 0;
            mine += id == expert ? 1 : 0;
        }
        lesser[item] = below;
        equal[item] = mine;
        context.localBarrier();
        int start = 0, total = 0, to = 0;
        for (int i = 0; i < GROUP; i++) {
            start += lesser[i];
            to += i < item ? equal[i] : 0;
            total += equal[i];
        }
        to += start;
        for (int i = item; i < all; i += GROUP) {
            int own = ids.get(i) == expert ? 1 : 0;
            if (own == 1) choices.set(to, i);
            to += own;
        }
        int tiles = total + TILE - 1 >> SHIFT, each = tiles > 0 ? ((total + tiles - 1) / tiles + 15) >> 4 << 4 : 0;
        int first = (start >> SHIFT) + expert, last = (start + total >> SHIFT) + expert;
        for (int i = first + item; i <= last; i += GROUP) {
            int before = (i - first) * each, at = tilesAt + RECORD * i;
            choices.set(at, expert);
            choices.set(at + 1, start + before);
            choices.set(at + 2, i - first < tiles ? TornadoMath.min(each, total - before) : 0);
        }
    }

    /** A work-item for each number of y. */
    static void kSum(KernelContext context, FloatArray arena, IntArray step, long y, long parts, int dim, int used, int groups) {
        int row = context.groupIdx / groups, i = context.groupIdx % groups * GROUP + context.localIdx;
        int mine = row < step.get(StepArray.ROWS) && i < dim ? used : 0, from = Place.start(parts, row) + i;
        float sum = 0f;
        for (int j = 0; j < mine; j++) sum += arena.get(from + j * dim);
        if (mine > 0) arena.set(Place.start(y, row) + i, arena.get(Place.start(y, row) + i) + sum);
    }
}
