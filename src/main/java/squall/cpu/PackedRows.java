package squall.cpu;

/** Rows of activations laid out for products of many rows: as {@link Panels} reads them, as {@link GroupPanels} does, or both. */
final class PackedRows {
    int rows;
    private int cols;
    private boolean inPanels;
    private boolean inLines;
    float[] panels = new float[0];
    float[] lines = new float[0];

    /** Starts with others: [rows, cols]. */
    void begin(int rows, int cols) {
        this.rows = rows;
        this.cols = cols;
        inPanels = false;
        inLines = false;
    }

    /** Makes room for what a matrix reads. */
    void fit(LaidWeight w) {
        if (w.groups() == null) {
            inPanels = true;
            int size = Panels.padded(rows) * cols;
            if (panels.length < size) panels = new float[size];
        } else {
            inLines = true;
            int size = GroupPanels.padded(rows) * GroupPanels.stride(cols);
            if (lines.length < size) lines = new float[size];
        }
    }

    /**
     * Lays out the groups begin <= g < end of {@link Panels#GROUP} rows.
     *
     * @param x     [.., cols]
     * @param index row r is row index[r] of x; null: row r
     */
    void pack(float[] x, int[] index, int begin, int end) {
        if (inPanels) Panels.pack(panels, x, index, begin, end, rows, cols);
        if (inLines) GroupPanels.pack(lines, x, index, begin * Panels.GROUP, Math.min(rows, end * Panels.GROUP), cols);
    }
}
