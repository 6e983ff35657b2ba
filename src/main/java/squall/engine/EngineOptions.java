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
 */
public record EngineOptions(int contextLength, int slots, int batch, int threads, KvFormat keyFormat, KvFormat valueFormat) {

    /** With {@code usual} for formats that nobody asked for. */
    public EngineOptions orUsual(KvFormat usual) {
        return new EngineOptions(contextLength, slots, batch, threads, keyFormat == null ? usual : keyFormat,
                valueFormat == null ? usual : valueFormat);
    }

    public EngineOptions withContext(int length) {
        return new EngineOptions(length, slots, batch, threads, keyFormat, valueFormat);
    }

    public enum KvFormat {
        F32, F16, Q8_0;

        /** Bytes of {@code n} values; n is a multiple of 32 for Q8_0. */
        public long bytes(long n) {
            return switch (this) { case F32 -> 4 * n; case F16 -> 2 * n; case Q8_0 -> n / 32 * 34; };
        }
    }
}
