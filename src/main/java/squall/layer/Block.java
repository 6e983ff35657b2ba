package squall.layer;

import java.util.List;
import squall.ops.Buf;
import squall.ops.Ops;
import squall.ops.StateSpec;

/**
 * Part of a layer that adds to the residual stream. {@code forward} branches on configuration only, never on data, so
 * that it can be recorded.
 */
public interface Block {
    /** The place of a block that another device plays. */
    Block ELSEWHERE = (ops, x) -> {};

    /** x: [rows, dim], read and added to. */
    void forward(Ops ops, Buf x);

    /** What this block keeps from step to step. */
    default List<StateSpec> state() {
        return List.of();
    }
}
