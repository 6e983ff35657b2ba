package squall.ops;

/**
 * A float32 activation [rows, width] on a player's device: an opaque handle, so that whatever a layer does with it can
 * be recorded. Valid until the end of the block that asked for it.
 */
public interface Buf {
    int width();
}
