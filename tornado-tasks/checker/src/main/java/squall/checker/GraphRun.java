package squall.checker;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import squall.checker.lint.Access;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** One graph of a plan with its arrays on the device. Every graph has copies of its own unless it consumes. */
final class GraphRun {

    private final GraphRecord graph;
    private final Map<Object, DeviceBuffer> buffers = new IdentityHashMap<>();
    private final Map<Object, Boolean> uploaded = new IdentityHashMap<>();
    /** Objects to take over, by the name of the graph that ran before. */
    private final Map<String, List<Object>> producers = new HashMap<>();
    private final List<String> lost = new ArrayList<>();
    private long bytesIn;
    private long bytesOut;

    GraphRun(GraphRecord graph) {
        this.graph = graph;
        graph.consumed().forEach((object, producer) -> producers.computeIfAbsent(producer, name -> new ArrayList<>()).add(object));
    }

    GraphRecord graph() {
        return graph;
    }

    long bytesIn() {
        return bytesIn;
    }

    long bytesOut() {
        return bytesOut;
    }

    long deviceBytes() {
        return buffers.values().stream().distinct().mapToLong(DeviceBuffer::bytes).sum();
    }

    void run(GraphRun previous, GridScheduler grids) {
        if (!lost.isEmpty()) {
            throw new CheckFailure(Fault.FREED, "graph " + graph.name() + " runs again after freeDeviceMemory, which dropped "
                    + lost + ": kernels had changed it and the host's copy is old. Bring it back before, or make a new plan");
        }
        bytesIn = 0;
        bytesOut = 0;
        takeOver(previous);
        sendInputs();
        for (GraphRecord.Task task : graph.tasks()) {
            TaskRun.run(graph, task, buffers, grids);
        }
        for (Object output : graph.outputs()) {
            bringBack(output);
        }
    }

    /**
     * Takes the arrays of the graph that ran just before. TornadoVM looks the predecessor's name up among the named
     * producers; if it is none of them, all consumed arrays are taken from it.
     */
    private void takeOver(GraphRun previous) {
        if (graph.consumed().isEmpty()) {
            return;
        }
        if (previous != null) {
            List<Object> wanted = producers.computeIfAbsent(previous.graph.name(), name -> List.copyOf(graph.consumed().keySet()));
            for (Object object : wanted) {
                DeviceBuffer buffer = previous.buffers.get(object);
                if (buffer == null || !previous.graph.stays(object)) {
                    throw new CheckFailure(Fault.TRANSFER, "graph " + graph.name() + " consumes " + graph.describe(object)
                            + ", but graph " + previous.graph.name() + ", which ran just before, "
                            + (buffer == null ? "has no such array" : "does not persist it")
                            + ": every graph between producer and consumer must consume and persist it");
                }
                buffers.put(object, buffer);
            }
        }
        for (Map.Entry<Object, String> entry : graph.consumed().entrySet()) {
            if (!buffers.containsKey(entry.getKey())) {
                throw new CheckFailure(Fault.TRANSFER, "graph " + graph.name() + " consumes " + graph.describe(entry.getKey())
                        + " from graph " + entry.getValue() + ", which did not run just before");
            }
        }
    }

    private void sendInputs() {
        for (GraphRecord.Task task : graph.tasks()) {
            for (Object argument : task.arguments()) {
                if (Views.storage(argument) != null && !graph.consumed().containsKey(argument)) {
                    buffers.computeIfAbsent(argument, a -> new DeviceBuffer(Views.storage(a), whyEmpty(a)));
                }
            }
        }
        for (Object argument : graph.listed()) {
            Integer mode = graph.inputMode(argument);
            if (mode == null || mode == DataTransferMode.UNDER_DEMAND || graph.firstAccess(argument) == Access.WRITE) {
                continue;
            }
            if (mode == DataTransferMode.EVERY_EXECUTION || uploaded.put(argument, true) == null) {
                DeviceBuffer buffer = buffers.computeIfAbsent(argument, a -> new DeviceBuffer(Views.storage(a), whyEmpty(a)));
                buffer.upload(Views.storage(argument));
                bytesIn += buffer.bytes();
            }
        }
    }

    private String whyEmpty(Object argument) {
        Integer mode = graph.inputMode(argument);
        if (mode == null) {
            return "nothing brought it to the device and no task wrote it before";
        }
        if (mode == DataTransferMode.UNDER_DEMAND) {
            return "transferToDevice under demand only allocates";
        }
        return "the first task that has it only writes it, so TornadoVM never uploads it, although transferToDevice lists it: "
                + "write every element, or read and write it in that task";
    }

    private void bringBack(Object output) {
        DeviceBuffer buffer = buffers.get(output);
        requireWhole(output, buffer);
        TornadoNativeArray host = Views.storage(output);
        buffer.download(host, 0, buffer.bytes());
        bytesOut += buffer.bytes();
    }

    private void requireWhole(Object output, DeviceBuffer buffer) {
        if (graph.inputMode(output) != null && buffer.firstEmpty() >= 0) {
            throw new CheckFailure(Fault.TRANSFER, "", 0, buffer.firstEmpty(), graph.describe(output) + " is brought back, but "
                    + buffer.emptyElements() + " elements, the first of them " + buffer.firstEmpty() + ", hold nothing: " + buffer.whyEmpty());
        }
    }

    boolean holds(Object object) {
        return buffers.containsKey(object);
    }

    /** Brings an array back that stayed on the device. */
    void fetch(Object object, long offsetBytes, long bytes) {
        if (!graph.comesBack(object)) {
            throw new CheckFailure(Fault.TRANSFER, graph.describe(object) + " is asked for, but the graph lists it neither in "
                    + "transferToHost nor in persistOnDevice");
        }
        DeviceBuffer buffer = buffers.get(object);
        long wanted = bytes < 0 ? buffer.bytes() : bytes;
        if (bytes < 0) {
            requireWhole(object, buffer);
        }
        buffer.download(Views.storage(object), offsetBytes, wanted);
        bytesOut += wanted;
    }

    void free() {
        buffers.forEach((object, buffer) -> {
            boolean wouldBeReset = graph.inputMode(object) != null && graph.inputMode(object) == DataTransferMode.FIRST_EXECUTION;
            if (buffer.changedByKernel() && (wouldBeReset || graph.consumed().containsKey(object))) {
                lost.add(graph.describe(object));
            }
        });
        buffers.clear();
        uploaded.clear();
    }

    static boolean usesContext(GraphRecord.Task task) {
        return task.arguments().stream().anyMatch(KernelContext.class::isInstance);
    }
}
