package squall.cpu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import squall.ops.StateSpec;
import squall.ops.StepPlan;

/**
 * Causal attention over the pages of {@link KvCache}, without ever holding all scores: keys and values are read in tiles
 * and folded into a running softmax (Milakov and Gimelshein, 2018). All query heads of a group and a few rows share one
 * reading of their tile.
 *
 * <p>The work is cut into (segment, rows, kv head) and, where that gives few pieces, along the sequence too: each piece
 * keeps (max, sum, weighted values) and the pieces are merged exactly. The cut depends on the step alone, not on the
 * number of threads, so results do not either.
 */
final class Attention {
    /** Queries (rows x heads of the group) up to which vectors run along keys, and halves are read in place. */
    private static final int FEW = 8;
    /** Pieces wanted before the sequence is cut too, and the least positions of such a piece. */
    private static final int PIECES = 64;
    private static final int SPAN = 256;

    /** One piece: queries of rows [begin, end) and positions [from, to); {@code part} of {@code parts} of its sequence. */
    private static final class Piece {
        int slot, start, begin, end, kvHead, from, to, part, parts;
    }

    private final ThreadTeam team;
    private final KvCache cache;
    private final AttentionTile[] tiles;
    private final HalfTile[] halfTiles;
    private final PanelTile[] panelTiles;
    private StepPlan cutFor;
    private StateSpec.Kv cutShape;
    private int cutHeads;
    /** Kept from step to step; the first so many are this step's. */
    private final List<Piece> pieces = new ArrayList<>();
    private int pieceCount;
    private int[] partsOfRow = new int[0];
    /** Parts of the rows before, of those with more than one. */
    private int[] partsBefore = new int[0];
    private int allParts;
    private float[] partial = new float[0];

    // of the call in progress
    private float[] y;
    private float[] q;
    private StateSpec.Kv kv;
    private int heads;
    private final ThreadTeam.RangeTask attending = this::attend;
    private final ThreadTeam.RangeTask merging = this::merge;

    Attention(ThreadTeam team, KvCache cache) {
        this.team = team;
        this.cache = cache;
        this.tiles = new AttentionTile[team.size()];
        this.halfTiles = new HalfTile[team.size()];
        this.panelTiles = new PanelTile[team.size()];
    }

    /** {@code y[h] = softmax(q[h] · K[h / group] / sqrt(headDim)) V[h / group]}; q, y: [rows, heads * headDim]. */
    void run(float[] y, float[] q, StateSpec.Kv kv, int heads, StepPlan plan) {
        cut(plan, kv, heads);
        this.y = y;
        this.q = q;
        this.kv = kv;
        this.heads = heads;
        team.forEach(pieceCount, 1, attending);
        if (allParts > 0) team.forEach(plan.rows(), 1, merging);
        this.y = null;
        this.q = null;
    }

    /** The last pieces see the most positions: they go first, so that no worker ends late with one of them. */
    private void attend(int worker, int from, int to) {
        int group = heads / kv.kvHeads();
        for (int i = from; i < to; i++) attend(worker, pieces.get(pieceCount - 1 - i), y, q, kv, heads, group);
    }

    private void merge(int worker, int from, int to) {
        for (int row = from; row < to; row++)
            for (int h = 0; partsOfRow[row] > 1 && h < heads; h++) merge(y, row, h, heads, kv.headDim());
    }

    private AttentionTile tile(int worker, int headDim) {
        if (tiles[worker] == null || tiles[worker].headDim() != headDim)
            tiles[worker] = new AttentionTile(headDim, FEW);
        return tiles[worker];
    }

    private HalfTile halfTile(int worker, int headDim) {
        if (halfTiles[worker] == null || halfTiles[worker].headDim() != headDim)
            halfTiles[worker] = new HalfTile(headDim, FEW);
        return halfTiles[worker];
    }

    private PanelTile panelTile(int worker, int headDim) {
        if (panelTiles[worker] == null || panelTiles[worker].headDim != headDim) panelTiles[worker] = new PanelTile(headDim);
        return panelTiles[worker];
    }

    /** The pieces of a step: the same for every layer of one shape. */
    private void cut(StepPlan plan, StateSpec.Kv kv, int heads) {
        boolean same = plan == cutFor && heads == cutHeads && cutShape.kvHeads() == kv.kvHeads()
                && cutShape.headDim() == kv.headDim();
        if (same) return;
        int queries = PanelTile.queries(kv.headDim());
        int rowsOfPiece = queries / (heads / kv.kvHeads());
        if (rowsOfPiece == 0)
            throw new IllegalArgumentException(kv.name() + ": more than " + queries + " query heads share a key head");
        pieceCount = 0;
        if (partsOfRow.length < plan.rows()) {
            partsOfRow = new int[plan.rows()];
            partsBefore = new int[plan.rows()];
        }
        allParts = 0;
        for (int segment = 0; segment < plan.segments().size(); segment++) {
            StepPlan.Segment s = plan.segments().get(segment);
            int blocks = (s.rows() + rowsOfPiece - 1) / rowsOfPiece;
            int wanted = (PIECES + blocks * kv.kvHeads() - 1) / (blocks * kv.kvHeads());
            for (int begin = s.begin(); begin < s.end(); begin += rowsOfPiece) {
                int end = Math.min(s.end(), begin + rowsOfPiece);
                int length = s.start() + end - s.begin();
                int parts = Math.clamp(length / SPAN, 1, wanted);
                int span = (length / parts + KvCache.PAGE) / KvCache.PAGE * KvCache.PAGE;
                parts = (length + span - 1) / span;
                for (int row = begin; row < end; row++) {
                    partsOfRow[row] = parts;
                    partsBefore[row] = allParts;
                    if (parts > 1) allParts += parts;
                }
                for (int h = 0; h < kv.kvHeads(); h++)
                    for (int i = 0; i < parts; i++) {
                        Piece p = piece(s, begin, end, h);
                        p.from = i * span;
                        p.to = Math.min(length, (i + 1) * span);
                        p.part = i;
                        p.parts = parts;
                    }
            }
        }
        int kept = Math.multiplyExact(allParts, heads * (kv.headDim() + 2));
        if (partial.length < kept) partial = new float[kept];
        cutFor = plan;
        cutShape = kv;
        cutHeads = heads;
    }

    /** The next piece; its positions are still to be set. */
    private Piece piece(StepPlan.Segment s, int begin, int end, int kvHead) {
        if (pieceCount == pieces.size()) pieces.add(new Piece());
        Piece p = pieces.get(pieceCount++);
        p.slot = s.slot();
        p.start = s.start() - s.begin();
        p.begin = begin;
        p.end = end;
        p.kvHead = kvHead;
        return p;
    }

    private void attend(int worker, Piece p, float[] y, float[] q, StateSpec.Kv kv, int heads, int group) {
        int dim = kv.headDim();
        int rows = p.end - p.begin;
        boolean few = rows * group <= FEW;
        QueryBlock tile = !few ? panelTile(worker, dim)
                : cache.isHalf() && HalfTile.fits(dim) ? halfTile(worker, dim) : tile(worker, dim);
        tile.begin(rows * group);
        for (int r = 0; r < rows; r++)
            for (int g = 0; g < group; g++)
                tile.query(r * group + g, q, ((p.begin + r) * heads + p.kvHead * group + g) * dim);
        for (int from = p.from; from < p.to; from += tile.positions())
            fold(tile, p, from, Math.min(tile.positions(), p.to - from), group);
        for (int r = 0; r < rows; r++)
            for (int g = 0; g < group; g++) {
                int head = p.kvHead * group + g;
                if (p.parts == 1) tile.finish(r * group + g, y, ((p.begin + r) * heads + head) * dim);
                else tile.keep(r * group + g, partial, partialAt(p.begin + r, head, p.part, heads, dim));
            }
    }

    /** Positions [from, from + n) of a piece. */
    private void fold(QueryBlock block, Piece p, int from, int n, int group) {
        int first = p.start + p.begin - from;
        switch (block) {
            case HalfTile half -> cache.fold(half, kv, p.slot, p.kvHead, from, n, first, group);
            case PanelTile tile -> {
                cache.keys(kv, p.slot, p.kvHead, from, n, tile.keys, tile.headDim);
                cache.values(kv, p.slot, p.kvHead, from, n, tile.strips, tile.positions());
                tile.fold(first, group, n);
            }
            case AttentionTile tile -> {
                cache.keys(kv, p.slot, p.kvHead, from, n, tile.keys, tile.stride);
                cache.values(kv, p.slot, p.kvHead, from, n, tile.values, tile.positions);
                tile.fold(first, group, n);
            }
        }
    }

    private int partialAt(int row, int head, int part, int heads, int dim) {
        return (partsBefore[row] * heads + head * partsOfRow[row] + part) * (dim + 2);
    }

    /** {@code y = sum_i e^(m_i - m) o_i / sum_i e^(m_i - m) l_i}, m = max m_i. A part: [o: dim | m | l]. */
    private void merge(float[] y, int row, int head, int heads, int dim) {
        int at = partialAt(row, head, 0, heads, dim);
        int out = (row * heads + head) * dim;
        int parts = partsOfRow[row];
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < parts; i++) max = Math.max(max, partial[at + i * (dim + 2) + dim]);
        double sum = 0;
        for (int i = 0; i < parts; i++) {
            int part = at + i * (dim + 2);
            sum += Math.exp(partial[part + dim] - max) * partial[part + dim + 1];
        }
        Arrays.fill(y, out, out + dim, 0);
        for (int i = 0; i < parts; i++) {
            int part = at + i * (dim + 2);
            RowKernels.addScaled(y, out, partial, part, dim, (float) (Math.exp(partial[part + dim] - max) / sum));
        }
    }
}
