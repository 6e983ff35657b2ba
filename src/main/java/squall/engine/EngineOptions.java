package squall.engine;

/**
 * How an engine is set up.
 *
 * @param contextLength positions a slot may hold
 * @param slots         sequences at a time
 * @param batch         most rows of a step
 * @param threads       CPU threads; 0: as many as the machine has
 * @param keyFormat     storage of keys in the KV cache; null until the device is known
 * @param valueFormat   storage of values in the KV cache; null until the device is known
 * @param precise       whether products keep float32 operands where the device has faster, less exact ones
 */
public record EngineOptions(int contextLength, int slots, int batch, int threads, KvFormat keyFormat, KvFormat valueFormat,
                            boolean precise) {

    /** Precise ones. */
    public EngineOptions(int contextLength, int slots, int batch, int threads, KvFormat keyFormat, KvFormat valueFormat) {
        this(contextLength, slots, batch, threads, keyFormat, valueFormat, true);
    }

    /** With {@code usual}, or float32 for precise ones, in place of formats that nobody asked for. */
    public EngineOptions orUsual(KvFormat usual) {
        KvFormat settled = precise ? KvFormat.F32 : usual;
        return new EngineOptions(contextLength, slots, batch, threads, keyFormat == null ? settled : keyFormat,
                valueFormat == null ? settled : valueFormat, precise);
    }

    public EngineOptions withContext(int length) {
        return new EngineOptions(length, slots, batch, threads, keyFormat, valueFormat, precise);
    }

    public EngineOptions withPrecise(boolean wanted) {
        return new EngineOptions(contextLength, slots, batch, threads, keyFormat, valueFormat, wanted);
    }

    /** With keys and values in that format. */
    public EngineOptions withKept(KvFormat format) {
        return new EngineOptions(contextLength, slots, batch, threads, format, format, precise);
    }

    public enum KvFormat {
        F32, F16, Q8_0;

        /** Bytes of {@code n} values; n is a multiple of 32 for Q8_0. */
        public long bytes(long n) {
            return switch (this) { case F32 -> 4 * n; case F16 -> 2 * n; case Q8_0 -> n / 32 * 34; };
        }
    }
}
