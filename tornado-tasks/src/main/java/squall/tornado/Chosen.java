package squall.tornado;

import squall.ops.Routing;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The experts of each row: ids in {@code ids[r * used + j]}, weights in the arena's region [rows, used].
 */
public record Chosen(IntArray ids, Region weights, int used) implements Routing {}
