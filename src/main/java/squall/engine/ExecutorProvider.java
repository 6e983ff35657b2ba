package squall.engine;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import squall.model.Model;
import squall.model.ModelConfig;
import squall.quant.Format;

/** A kind of device that can run a model; found with {@link java.util.ServiceLoader}. */
public interface ExecutorProvider {

    enum Type { CPU, GPU, OTHER }

    /**
     * One line of {@code squall devices}.
     *
     * @param id           the name to choose it by, such as opencl:0
     * @param alias        another such name, or the same
     * @param memoryBytes  all memory it has
     * @param fp16         whether it computes in half precision
     * @param profile      the tuning profile that would be used, or "none"
     */
    record Device(String id, String alias, String name, String backend, Type type, long memoryBytes, int computeUnits,
                  boolean fp16, String profile) {
        public boolean isCalled(String wanted) {
            return wanted.equals(id) || wanted.equals(alias);
        }
    }

    /** Short name of the kind, {@code cpu} or {@code tornado}. */
    String name();

    /** One sentence on why it cannot be used here, or null if it can. Must not touch a broken driver. */
    String whyUnavailable();

    List<Device> devices();

    /** Parts of it that cannot be used here though others can, a sentence for each. */
    default List<String> missing() {
        return List.of();
    }

    /** What it builds on, by name, for {@code squall doctor}. */
    default Map<String, String> foundations() {
        return Map.of();
    }

    /** Bytes that a model may take on the device, as much of this machine's memory included as it would take besides. */
    default long availableBytes(String device) {
        return AvailableMemory.bytes();
    }

    /** Bytes a second that the device reads from its memory, measured now; 0 where the player cannot tell. */
    default double bandwidth(String device) {
        return 0;
    }

    /** What can be chosen for the device by measuring, or null. */
    default Tuning tuning(String device) {
        return null;
    }

    /** Storage of keys and values on the device where nobody asks for one. */
    default EngineOptions.KvFormat usualKvFormat(String device) {
        return EngineOptions.KvFormat.F16;
    }

    /** Whether products on the device round their operands unless the options are precise. */
    default boolean rounds(String device) {
        return false;
    }

    /** One sentence on why this model cannot run there with these options, with the flag that would help, or null if it can. */
    default String whyRefused(ModelConfig model, String device, EngineOptions options) {
        return null;
    }

    /**
     * Told as soon as it is known which model will be put on the device: what takes long and needs no more can begin beside the rest.
     *
     * @param stored some numbers of each format of its matrices, where the file is mapped, until it is closed
     */
    default void expect(ModelConfig model, Map<Format, MemorySegment> stored) {}

    /** Plays what a process plays, for the launcher's cache of what HotSpot knows of methods. */
    default void practise() {}

    /** Puts the model on a device. */
    Executor open(Model model, String device, EngineOptions options);

    /** The same; told: how far it is, where that takes a while. */
    default Executor open(Model model, String device, EngineOptions options, Journey told) {
        return open(model, device, options);
    }

    /** Whether {@link #openPart} can be called. */
    default boolean playsParts() {
        return false;
    }

    /** Puts a part of a model on a device; part: as {@link Placement#part} gives it. */
    default PartExecutor openPart(Model part, String device, EngineOptions options) {
        throw new UnsupportedOperationException(name() + " cannot play a part of a model");
    }

    /** The same; told: how far it is, where that takes a while. */
    default PartExecutor openPart(Model part, String device, EngineOptions options, Journey told) {
        return openPart(part, device, options);
    }
}
