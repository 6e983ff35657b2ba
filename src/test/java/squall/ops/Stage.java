package squall.ops;

/** A player with its slots, as the contract sees it: numbers go in, operations run over a step, numbers come out. */
public interface Stage extends AutoCloseable {

    /** What is played: operations on the given buffers; the buffers returned are read back. */
    @FunctionalInterface
    interface Score {
        Buf[] play(Ops ops, Buf[] in);
    }

    /**
     * @param widths width of each input; {@code inputs[i]}: [plan.rows, widths[i]]
     * @return the contents of the buffers that the score returned
     */
    float[][] play(StepPlan plan, int[] widths, float[][] inputs, Score score);

    void clear(int slot);

    @Override void close();
}
