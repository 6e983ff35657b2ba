package squall.cpu;

import java.util.Arrays;

/**
 * The mixture of experts of a step: rows are grouped by expert, so that each chosen expert's bytes are read once, and
 * no others. Two regions: {@code h = silu(gate x) * up x} for every (row, expert) pair, then
 * {@code y = sum of weight * down h}, each output by one worker, experts in ascending order.
 */
final class ExpertMatMul {

    /** Outputs of one piece of work where no expert needs tiles: whole groups of rows. */
    private static final int DOTS_PIECE = 2 * MatMul.GROUP_ROWS;
    /** Weight bytes of an expert's matrix that are read in one run where no expert needs tiles. */
    private static final int RUN_BYTES = 256 << 10;

    private final ThreadTeam team;
    private final WeightTile[] tiles;
    private final FiniteMatrices finite;
    private final Scratch[] scratch;
    private final DotInputs inputs = new DotInputs();
    private float[] h = new float[0];
    private int[] order = new int[0];
    private int[] starts = new int[0];
    private int[] chosen = new int[0];
    private int chosenCount;
    /** Whether no expert needs tiles. */
    private boolean few;
    private int piece;

    // of the call in progress
    private float[] y;
    private float[] x;
    private int[] ids;
    private float[] weights;
    private int used;
    private int rows;
    private LaidWeight gate;
    private LaidWeight up;
    private LaidWeight down;
    private final ThreadTeam.RangeTask hidden = this::hidden;
    private final ThreadTeam.RangeTask outputs = this::outputs;

    /** What a worker needs for the rows of one expert. */
    private static final class Scratch {
        int[] index = new int[0];
        final PackedRows packed = new PackedRows();
        float[] a = new float[0];
        float[] b = new float[0];

        /** Room for {@code n} rows of {@code cols} values and {@code piece} outputs. */
        void fit(int n, int cols, int piece) {
            if (index.length < n) index = new int[n];
            packed.begin(n, cols);
            if (a.length < n * piece) {
                a = new float[n * piece];
                b = new float[n * piece];
            }
        }
    }

    ExpertMatMul(ThreadTeam team, WeightTile[] tiles, FiniteMatrices finite) {
        this.team = team;
        this.finite = finite;
        this.tiles = tiles;
        scratch = new Scratch[tiles.length];
        for (int i = 0; i < scratch.length; i++) scratch[i] = new Scratch();
    }

    void multiply(float[] y, float[] x, int rows, int[] ids, float[] weights, int used, LaidWeight gate, LaidWeight up,
                  LaidWeight down) {
        this.y = y;
        this.x = x;
        this.rows = rows;
        this.ids = ids;
        this.weights = weights;
        this.used = used;
        this.gate = gate;
        this.up = up;
        this.down = down;
        group(gate.experts().size());
        for (int j = 0; j < chosenCount; j++) if (isFew(chosen[j])) look(chosen[j]);
        few = allFew();
        piece = few ? DOTS_PIECE : Math.max(WeightTile.outputs(gate), Math.max(WeightTile.outputs(up), WeightTile.outputs(down)));
        if (h.length < rows * used * gate.weight().rows()) h = new float[rows * used * gate.weight().rows()];
        inputs.begin(x, gate.weight().cols());
        for (int p = 0; p < rows * used; p++)
            if (isFew(ids[p])) {
                inputs.lay(gate, p / used);
                inputs.lay(up, p / used);
            }
        share(chosenCount * pieces(gate.weight().rows()), gate, hidden);
        inputs.begin(h, down.weight().cols());
        for (int p = 0; p < rows * used; p++) if (isFew(ids[p])) inputs.lay(down, p);
        share(pieces(down.weight().rows()), down, outputs);
        this.y = null;
        this.x = null;
    }

    /** Pieces of tiles one by one, those of dot products in runs. */
    private void share(int pieces, LaidWeight w, ThreadTeam.RangeTask task) {
        if (few) team.forEachInRuns(pieces, (int) Math.max(1, RUN_BYTES / (piece * w.rowBytes())), task);
        else team.forEach(pieces, 1, task);
    }

    private void look(int e) {
        finite.look(gate, e);
        finite.look(up, e);
        finite.look(down, e);
    }

    /** Whether an expert's rows are taken by dot products. */
    private boolean isFew(int e) {
        return starts[e + 1] - starts[e] <= MatMul.FEW_ROWS;
    }

    private boolean allFew() {
        for (int j = 0; j < chosenCount; j++) if (!isFew(chosen[j])) return false;
        return true;
    }

    private int pieces(int outputs) {
        return (outputs + piece - 1) / piece;
    }

    /** Sorts the pairs by expert (stable): expert e has the pairs order[starts[e] .. starts[e + 1]]. */
    private void group(int experts) {
        int pairs = rows * used;
        if (order.length < pairs) order = new int[pairs];
        if (starts.length < experts + 1) {
            starts = new int[experts + 1];
            chosen = new int[experts];
        }
        Arrays.fill(starts, 0, experts + 1, 0);
        for (int p = 0; p < pairs; p++) starts[ids[p]]++;
        int sum = 0;
        chosenCount = 0;
        for (int e = 0; e < experts; e++) {
            if (starts[e] > 0) chosen[chosenCount++] = e;
            sum += starts[e];
            starts[e] = sum;
        }
        starts[experts] = sum;
        for (int p = pairs - 1; p >= 0; p--) order[--starts[ids[p]]] = p;
    }

    /** Pieces of one expert that follow each other are one. */
    private void hidden(int worker, int begin, int end) {
        int rows = gate.weight().rows(), pieces = pieces(rows);
        int n;
        for (int i = begin; i < end; i += n) {
            int at = i % pieces;
            n = Math.min(end - i, pieces - at);
            hidden(tiles[worker], scratch[worker], chosen[i / pieces], at * piece, Math.min(rows, (at + n) * piece));
        }
    }

    private void hidden(WeightTile tile, Scratch s, int e, int first, int last) {
        int n = starts[e + 1] - starts[e];
        int size = last - first;
        s.fit(n, gate.weight().cols(), size);
        for (int i = 0; i < n; i++) s.index[i] = order[starts[e] + i] / used;
        if (isFew(e)) {
            for (int i = 0; i < n; i++) {
                tile.dots(s.a, i * size, gate, e, finite.together(gate.weight(), e), first, last, inputs, s.index[i]);
                tile.dots(s.b, i * size, up, e, finite.together(up.weight(), e), first, last, inputs, s.index[i]);
            }
        } else {
            s.packed.fit(gate);
            s.packed.fit(up);
            s.packed.pack(x, s.index, 0, Panels.groups(n));
            tile.multiply(s.a, 0, size, gate, e, first, last, s.packed);
            tile.multiply(s.b, 0, size, up, e, first, last, s.packed);
        }
        for (int i = 0; i < n; i++) {
            int at = order[starts[e] + i] * gate.weight().rows() + first;
            RowKernels.siluMul(s.a, s.b, i * size, (i + 1) * size);
            System.arraycopy(s.a, i * size, h, at, size);
        }
    }

    private void outputs(int worker, int begin, int end) {
        outputs(tiles[worker], scratch[worker], begin * piece, Math.min(down.weight().rows(), end * piece));
    }

    private void outputs(WeightTile tile, Scratch s, int first, int last) {
        int width = down.weight().rows();
        int size = last - first;
        for (int r = 0; r < rows; r++) Arrays.fill(y, r * width + first, r * width + last, 0);
        for (int j = 0; j < chosenCount; j++) {
            int e = chosen[j];
            int n = starts[e + 1] - starts[e];
            s.fit(n, down.weight().cols(), size);
            if (isFew(e)) {
                int together = finite.together(down.weight(), e);
                for (int i = 0; i < n; i++) tile.dots(s.a, i * size, down, e, together, first, last, inputs, order[starts[e] + i]);
            } else {
                System.arraycopy(order, starts[e], s.index, 0, n);
                s.packed.fit(down);
                s.packed.pack(h, s.index, 0, Panels.groups(n));
                tile.multiply(s.a, 0, size, down, e, first, last, s.packed);
            }
            for (int i = 0; i < n; i++) {
                int p = order[starts[e] + i];
                RowKernels.addScaled(y, p / used * width + first, s.a, i * size, size, weights[p]);
            }
        }
    }
}
