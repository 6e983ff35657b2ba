package squall.ops;

/**
 * Heads within a row.
 *
 * @param heads  number of heads
 * @param dim    size of a head
 * @param stride elements from one head to the next
 * @param offset element where the first head starts
 */
public record HeadShape(int heads, int dim, int stride, int offset) {

    public static HeadShape packed(int heads, int dim) {
        return new HeadShape(heads, dim, dim, 0);
    }
}
