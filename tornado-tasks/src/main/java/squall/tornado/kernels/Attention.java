package squall.tornado.kernels;

import squall.tornado.Frame;
import squall.tornado.Grid;
import squall.tornado.Pages;
import squall.tornado.Region;
import squall.tornado.StepArray;
import squall.tornado.Tape;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Causal attention over keys and values in pages. */
public final class Attention {
    /** The largest head that fits the kernels. */
    public static final int MAX_HEAD_DIM = 256;

    private Attention() {}

    /** Writes k and v of each row at its position of its slot. k, v: [rows, kvHeads * headDim]. */
    public static void append(Tape tape, Region k, Region v, Pages pages) {
        Frame f = tape.frame();
        int width = pages.kvHeads() * pages.headDim();
        tape.add("appendKv", Grid.itemsPerRow(width, f.traits().group()), (g, id) -> g.task(id, Attention::kAppend, f.context(), f.arena(),
                f.step(), f.rowsAt(), f.layer(), pages.keys(), pages.values(), pages.table(), pages.pagesPerSlot(), pages.layerStride(),
                k.at(), k.stride(), v.at(), v.stride(), width));
    }

    static void kAppend(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray keys,
                        FloatArray values, IntArray table, int pagesPerSlot, int layerStride, int k, int kStride, int v, int vStride,
                        int width) {
        int row = context.globalIdx / width;
        int i = context.globalIdx % width;
        if (row < step.get(StepArray.ROWS)) {
            int record = rowsAt + StepArray.RECORD * row;
            int position = step.get(record + StepArray.POSITION);
            int page = table.get(step.get(record + StepArray.SLOT) * pagesPerSlot + (position >> Pages.SHIFT));
            int at = layer.get(0) * layerStride + (page * Pages.SIZE + (position & (Pages.SIZE - 1))) * width + i;
            keys.set(at, arena.get(k + row * kStride + i));
            values.set(at, arena.get(v + row * vStride + i));
        }
    }

    /**
     * {@code y[h] = softmax(q[h] K / sqrt(headDim)) V} over positions 0 .. the row's own of its slot; head h reads kv head
     * {@code h / (heads / kvHeads)}. q, y: [rows, heads * headDim].
     *
     * @param partial scratch, see {@code partialWidth}
     */
    public static void record(Tape tape, Region y, Region q, Pages pages, int heads, Region partial) {
        if (pages.headDim() > MAX_HEAD_DIM)
            throw new IllegalArgumentException("heads of " + pages.headDim() + " elements: attention takes at most " + MAX_HEAD_DIM);
        Frame f = tape.frame();
        int group = f.traits().group();
        tape.add("attention", Grid.perRow(heads, group), (g, id) -> g.task(id, Attention::kAttendRow, f.context(), f.arena(), f.step(),
                f.rowsAt(), f.layer(), pages.keys(), pages.values(), pages.table(), pages.pagesPerSlot(), pages.layerStride(),
                y.at(), y.stride(), q.at(), q.stride(), heads, heads / pages.kvHeads(), pages.headDim(), group));
    }

    /**
     * A group for each head of a row; positions in tiles of one a work-item, folded into a running softmax (Milakov and
     * Gimelshein, 2018): with m the largest score so far, l the sum of e^(score - m) and o the weighted sum of values, a tile with
     * larger m' first scales l and o by e^(m - m').
     */
    static void kAttendRow(KernelContext context, FloatArray arena, IntArray step, int rowsAt, IntArray layer, FloatArray keys,
                           FloatArray values, IntArray table, int pagesPerSlot, int layerStride, int y, int yStride, int q, int qStride,
                           int heads, int sharing, int dim, int group) {
        float[] query = context.allocateFloatLocalArray(dim);
        float[] weights = context.allocateFloatLocalArray(group);
        float[] tree = context.allocateFloatLocalArray(group);
        int[] places = context.allocateIntLocalArray(group);
        float[] sums = new float[8];
        int row = context.groupIdx / heads;
        int head = context.groupIdx % heads;
        int lane = context.localIdx;
        if (row >= step.get(StepArray.ROWS)) return;
        int record = rowsAt + StepArray.RECORD * row;
        int length = step.get(record + StepArray.POSITION) + 1;
        int pages = step.get(record + StepArray.SLOT) * pagesPerSlot;
        int width = heads / sharing * dim;
        int base = layer.get(0) * layerStride + head / sharing * dim;
        float unit = 1f / TornadoMath.sqrt((float) dim);
        for (int i = lane; i < dim; i += group) query[i] = arena.get(q + row * qStride + head * dim + i) * unit;
        for (int i = 0; i < 8; i++) sums[i] = 0f;
        float max = -3e38f;
        float sum = 0f;
        context.localBarrier();
        for (int from = 0; from < length; from += group) {
            int position = from + lane;
            float score = -3e38f;
            if (position < length) {
                int at = base + (table.get(pages + (position >> Pages.SHIFT)) * Pages.SIZE + (position & (Pages.SIZE - 1))) * width;
                score = 0f;
                for (int i = 0; i < dim; i++) score += query[i] * keys.get(at + i);
                places[lane] = at;
            }
            tree[lane] = score;
            context.localBarrier();
            for (int half = group >> 1; half > 0; half >>= 1) {
                if (lane < half) tree[lane] = TornadoMath.max(tree[lane], tree[lane + half]);
                context.localBarrier();
            }
            float larger = TornadoMath.max(max, tree[0]);
            float shrink = TornadoMath.exp(max - larger);
            weights[lane] = TornadoMath.exp(score - larger);
            context.localBarrier();
            tree[lane] = weights[lane];
            context.localBarrier();
            for (int half = group >> 1; half > 0; half >>= 1) {
                if (lane < half) tree[lane] += tree[lane + half];
                context.localBarrier();
            }
            sum = sum * shrink + tree[0];
            max = larger;
            int many = TornadoMath.min(group, length - from);
            int turn = 0;
            for (int i = lane; i < dim; i += group) {
                float o = sums[turn] * shrink;
                for (int p = 0; p < many; p++) o += weights[p] * values.get(places[p] + i);
                sums[turn] = o;
                turn++;
            }
            context.localBarrier();
        }
        int turn = 0;
        for (int i = lane; i < dim; i += group) {
            arena.set(y + row * yStride + head * dim + i, sums[turn] / sum);
            turn++;
        }
    }
}
