package squall.tornado;

/**
 * How many work-items a task gets: groups of {@code local}, as many as the step has rows or segments.
 *
 * @param groups groups for a step of so many rows in so many segments; at least one
 * @param local  work-items of a group
 */
public record Grid(Groups groups, int local) {

    @FunctionalInterface
    public interface Groups {
        int of(int rows, int segments);
    }

    public static Grid fixed(int groups, int local) {
        return new Grid((rows, segments) -> groups, local);
    }

    public static Grid perRow(int groups, int local) {
        return new Grid((rows, segments) -> rows * groups, local);
    }

    /** {@code groups} for each {@code tile} rows begun. */
    public static Grid perTile(int groups, int tile, int local) {
        return new Grid((rows, segments) -> (rows + tile - 1) / tile * groups, local);
    }

    public static Grid perSegment(int groups, int local) {
        return new Grid((rows, segments) -> segments * groups, local);
    }

    /** Enough groups for so many work-items a row; kernels guard the rest. */
    public static Grid itemsPerRow(int items, int local) {
        return new Grid((rows, segments) -> (int) (((long) rows * items + local - 1) / local), local);
    }
}
