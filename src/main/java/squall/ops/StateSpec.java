package squall.ops;

/** What a layer keeps from step to step, per sequence. The object itself is the handle of that state on a player. */
public sealed interface StateSpec {

    /** Keys (after norm and RoPE) and values of every position: 2 * kvHeads * headDim values a token, in pages. */
    record Kv(String name, int kvHeads, int headDim) implements StateSpec {
        @Override public boolean equals(Object o) { return this == o; }
        @Override public int hashCode() { return System.identityHashCode(this); }
    }

    /** Gated DeltaNet state S, float32 [valueHeads, dv, dk] (k contiguous), zero at the start of a sequence. */
    record Recurrent(String name, int valueHeads, int dk, int dv) implements StateSpec {
        @Override public boolean equals(Object o) { return this == o; }
        @Override public int hashCode() { return System.identityHashCode(this); }
    }

    /** The last {@code taps - 1} inputs of a causal convolution, float32 [taps - 1, channels], oldest first. */
    record Window(String name, int taps, int channels) implements StateSpec {
        @Override public boolean equals(Object o) { return this == o; }
        @Override public int hashCode() { return System.identityHashCode(this); }
    }

    String name();

    /** Bytes of a sequence's state that do not grow with its length. */
    default long fixedBytes() {
        return switch (this) {
            case Kv _ -> 0;
            case Recurrent r -> 4L * r.valueHeads * r.dv * r.dk;
            case Window w -> 4L * (w.taps - 1) * w.channels;
        };
    }
}
