package squall.cpu;

import squall.ops.Weight;
import squall.quant.RowGroups;

/**
 * Products with weights as they are stored. Owned by the thread that runs the step; one call at a time.
 *
 * <p>Few rows are bound by the bytes of the weights: each output is a dot product straight from the stored blocks. Many
 * rows are bound by arithmetic: a tile of the weights is decoded once into a panel that stays in the second-level cache,
 * and multiplied with all rows ({@link WeightTile}). Outputs are computed in an order that does not depend on the number
 * of threads. Scratch is kept and grows on demand: a call allocates nothing in steady state.
 */
public final class MatMul implements AutoCloseable {

    /** Rows up to which dot products from the stored blocks are faster than tiles. */
    static final int FEW_ROWS = 4;

    /** Weight bytes of one piece of work of few rows: small enough to share out, large enough to hide the sharing. */
    private static final int PIECE_BYTES = 32 << 10;
    /**
     * Pieces that one row takes at a time, side by side in two or four streams: a stream that begins anew waits for the memory
     * (measured on Zen 2, a token's products on one thread, two streams: runs of 256 KB take 7 to 10 % less time than of 32 KB in every format).
     */
    private static final int RUN = 8;

    /** Rows that are taken together where they lie in groups. */
    static final int GROUP_ROWS = RowGroups.ROWS * RowGroups.GROUPS;

    private final ThreadTeam team;
    private final WeightLayout layout;
    private final WeightTile[] tiles;
    private final FiniteMatrices finite;
    private final ExpertMatMul experts;
    private final DotInputs inputs = new DotInputs();
    private final PackedRows packed = new PackedRows();

    // of the call in progress
    private float[][] ys;
    private float[] x;
    private int rows;
    private LaidWeight[] ws = new LaidWeight[0];
    private int[] pieceRows = new int[0];
    private final ThreadTeam.RangeTask dots = this::dots;
    private final ThreadTeam.RangeTask products = this::products;
    private final ThreadTeam.RangeTask packing = this::pack;

    public MatMul(ThreadTeam team) {
        this(team, new WeightLayout(team));
    }

    MatMul(ThreadTeam team, WeightLayout layout) {
        this.team = team;
        this.layout = layout;
        tiles = new WeightTile[team.size()];
        for (int i = 0; i < tiles.length; i++) tiles[i] = new WeightTile();
        finite = new FiniteMatrices(team);
        experts = new ExpertMatMul(team, tiles, finite);
    }

    /**
     * {@code ys[i][r * ws[i].rows + o] = sum over c of ws[i][o, c] * x[r * cols + c]}, r < rows: all matrices in one
     * parallel region.
     *
     * @param ys one array for each matrix, [rows, ws[i].rows] or longer
     * @param x  [rows, cols] or longer
     * @param ws matrices with the same number of columns
     */
    public void multiply(float[][] ys, float[] x, int rows, Weight[] ws) {
        check(ys, x, rows, ws);
        if (this.ws.length < ws.length) this.ws = new LaidWeight[ws.length];
        for (int i = 0; i < ws.length; i++) this.ws[i] = layout.of(ws[i]);
        multiply(ys, x, rows, ws, rows <= FEW_ROWS);
    }

    /**
     * As {@link #multiply}, by tiles however few the rows are and from rows as they are stored: two kernels, and nothing is laid out anew.
     */
    void multiplyStored(float[][] ys, float[] x, int rows, Weight[] ws) {
        check(ys, x, rows, ws);
        if (this.ws.length < ws.length) this.ws = new LaidWeight[ws.length];
        for (int i = 0; i < ws.length; i++) this.ws[i] = LaidWeight.asStored(ws[i]);
        multiply(ys, x, rows, ws, false);
    }

    /** The matrices as products read them are there. */
    private void multiply(float[][] ys, float[] x, int rows, Weight[] ws, boolean few) {
        this.ys = ys;
        this.x = x;
        this.rows = rows;
        if (pieceRows.length < ws.length) pieceRows = new int[ws.length];
        int pieces = 0;
        for (int i = 0; i < ws.length; i++) {
            pieceRows[i] = few ? dotRows(this.ws[i]) : WeightTile.outputs(this.ws[i]);
            pieces += pieces(i);
        }
        if (few) {
            inputs.begin(x, ws[0].cols());
            for (int i = 0; i < ws.length; i++) {
                finite.look(this.ws[i], 0);
                for (int r = 0; r < rows; r++) inputs.lay(this.ws[i], r);
            }
            // several rows read a piece again while it is in the second-level cache
            team.forEachInRuns(pieces, rows == 1 ? RUN : 1, dots);
        } else {
            packed.begin(rows, ws[0].cols());
            for (int i = 0; i < ws.length; i++) packed.fit(this.ws[i]);
            team.forEach(Panels.groups(rows), 1, packing);
            team.forEach(pieces, 1, products);
        }
        this.ys = null;
        this.x = null;
    }

    /**
     * {@code y[r] = sum over j < used of weights[r, j] * down_e(silu(gate_e x[r]) * up_e x[r])}, e = ids[r, j].
     *
     * @param y       [rows, down.rows]
     * @param x       [rows, gate.cols]
     * @param ids     [rows, used], experts of each row
     * @param weights [rows, used]
     */
    public void experts(float[] y, float[] x, int rows, int[] ids, float[] weights, int used,
                        Weight gate, Weight up, Weight down) {
        experts.multiply(y, x, rows, ids, weights, used, layout.of(gate), layout.of(up), layout.of(down));
    }

    /** As {@link #experts}, from rows as they are stored. */
    void expertsStored(float[] y, float[] x, int rows, int[] ids, float[] weights, int used, Weight gate, Weight up, Weight down) {
        experts.multiply(y, x, rows, ids, weights, used, LaidWeight.asStored(gate), LaidWeight.asStored(up), LaidWeight.asStored(down));
    }

    private static void check(float[][] ys, float[] x, int rows, Weight[] ws) {
        if (ys.length != ws.length || ws.length == 0)
            throw new IllegalArgumentException(ys.length + " results for " + ws.length + " matrices");
        for (int i = 0; i < ws.length; i++) {
            Weight w = ws[i];
            if (w.cols() != ws[0].cols() || (long) rows * w.cols() > x.length || (long) rows * w.rows() > ys[i].length)
                throw new IllegalArgumentException(w.name() + ": [" + w.rows() + ", " + w.cols() + "] times " + rows
                        + " rows does not fit arrays of " + x.length + " and " + ys[i].length);
        }
    }

    /** A multiple of what a dot product takes together: the same rows wherever a piece ends. */
    private static int dotRows(LaidWeight l) {
        int rows = (int) (PIECE_BYTES / l.rowBytes());
        return l.groups() == null ? Math.max(8, rows / 4 * 4) : Math.max(GROUP_ROWS, rows / GROUP_ROWS * GROUP_ROWS);
    }

    private int pieces(int i) {
        return (ws[i].weight().rows() + pieceRows[i] - 1) / pieceRows[i];
    }

    private void pack(int worker, int begin, int end) {
        packed.pack(x, null, begin, end);
    }

    /** Pieces of one matrix that follow each other are one. */
    private void dots(int worker, int begin, int end) {
        int n;
        for (int piece = begin; piece < end; piece += n) {
            int at = piece;
            int i = 0;
            while (at >= pieces(i)) at -= pieces(i++);
            n = Math.min(end - piece, pieces(i) - at);
            LaidWeight w = ws[i];
            int outputs = w.weight().rows();
            int first = at * pieceRows[i];
            int last = Math.min(outputs, (at + n) * pieceRows[i]);
            int together = finite.together(w.weight(), 0);
            for (int r = 0; r < rows; r++) tiles[worker].dots(ys[i], r * outputs + first, w, 0, together, first, last, inputs, r);
        }
    }

    private void products(int worker, int begin, int end) {
        for (int piece = begin; piece < end; piece++) {
            int at = piece;
            int i = 0;
            while (at >= pieces(i)) at -= pieces(i++);
            LaidWeight w = ws[i];
            int outputs = w.weight().rows();
            int first = at * pieceRows[i];
            int last = Math.min(outputs, first + pieceRows[i]);
            tiles[worker].multiply(ys[i], first, outputs, w, 0, first, last, packed);
        }
    }

    /** Gives back the memory of matrices that were laid out anew. */
    @Override public void close() {
        layout.close();
    }
}
