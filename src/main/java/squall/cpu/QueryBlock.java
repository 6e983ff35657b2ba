package squall.cpu;

/** Queries of one worker that take in keys and values tile by tile, and the running softmax of what they have seen. */
sealed interface QueryBlock permits AttentionTile, PanelTile {
    /** Most positions taken in at once. */
    int positions();

    /** Starts with n queries that have seen nothing. */
    void begin(int n);

    /** The i-th query: headDim numbers of q from {@code at} on. */
    void query(int i, float[] q, int at);

    /** {@code y = o / l} of query i. */
    void finish(int i, float[] y, int at);

    /** {@code [o: headDim | m | l]} of query i, for a later merge. */
    void keep(int i, float[] partial, int at);
}
