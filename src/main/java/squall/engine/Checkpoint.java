package squall.engine;

/**
 * A place a slot can be taken back to: its first {@code length} tokens and the recurrent state after them. KV entries
 * need no copy, they are cut.
 *
 * @param state what {@link Executor#saveState} gave
 */
record Checkpoint(int length, Object state) {}
