package squall.engine;

import java.util.List;

/** Counts what the steps of an executor cost while it is open; they are slower then. Owned by the executor's thread. */
public interface Meter extends AutoCloseable {

    /**
     * What one task of a layer type cost.
     *
     * @param part  layer type, or another part of a step: embedding, head
     * @param task  operation, with its number among the part's tasks
     * @param runs  how often it ran
     * @param nanos time on the device
     * @param bytes that it must read and write at least: its weights and states, not activations
     */
    record Cost(String part, String task, int runs, long nanos, long bytes) {}

    /**
     * Since the meter was opened or last taken.
     *
     * @param bytesUp   to the device, as its runtime counts them
     * @param bytesDown from the device
     */
    record Reading(List<Cost> costs, long bytesUp, long bytesDown) {
        public long nanos() {
            return costs.stream().mapToLong(Cost::nanos).sum();
        }
    }

    Reading take();

    @Override void close();
}
