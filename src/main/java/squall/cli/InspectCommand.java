package squall.cli;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import squall.engine.AvailableMemory;
import squall.engine.EngineOptions;
import squall.engine.MemoryPlan;
import squall.format.RawTensor;
import squall.quant.Format;

/** {@code squall inspect}: metadata, tensors, formats, sizes, and the memory that a context length needs. */
@Command(name = "inspect", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Shows what is in a model file, and the memory that it needs for a context length.")
final class InspectCommand implements Callable<Integer> {
    private static final int SHOWN = 100;
    private static final int SHOWN_ITEMS = 4;

    private final Streams streams;

    @Mixin private ModelOptions model;

    @Option(names = "--tensors", description = "List every tensor, also those that are not used.")
    private boolean tensors;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    InspectCommand(Streams streams) {
        this.streams = streams;
    }

    /** What the tensors of one format come to. */
    private record Share(int tensors, long parameters, long bytes) {
        Share plus(RawTensor t) {
            return new Share(tensors + 1, parameters + t.elements(), bytes + t.data().byteSize());
        }
    }

    @Override public Integer call() {
        EngineOptions asked = model.engine(1, EngineOptions.KvFormat.F16);
        try (OpenModel open = OpenModel.open(model.path())) {
            long available = AvailableMemory.bytes();
            int context = MemoryPlan.contextLength(open.config(), asked.contextLength(), open.weightBytes(), asked, available);
            MemoryPlan plan = MemoryPlan.of(open.config(), open.weightBytes(), asked.withContext(context));
            if (json) streams.println(Json.write(document(open, plan, available)));
            else print(open, plan, available);
        }
        return Squall.DONE;
    }

    private void print(OpenModel open, MemoryPlan plan, long available) {
        streams.println("file:        " + open.file().path() + " (" + open.file().container() + ", "
                + open.file().tensors().size() + " tensors, " + open.tensors().size() + " used)");
        streams.println("model:       " + open.config().name() + " (" + open.config().arch() + "), " + parameters(open)
                + " parameters, made for " + open.config().contextLength() + " positions");
        streams.println("\nmetadata");
        open.file().metadata().forEach((key, value) -> streams.println("  " + key + " = " + shown(value)));
        streams.println("\nformats");
        shares(open).forEach((format, s) -> streams.println("  %-8s %5d tensors %16d parameters %10s"
                .formatted(format, s.tensors, s.parameters, Bytes.text(s.bytes))));
        if (tensors) {
            streams.println("\ntensors");
            open.file().tensors().values().forEach(t -> streams.println("  %-8s %-22s %10s  %s".formatted(t.format(),
                    shape(t), Bytes.text(t.data().byteSize()), t.name())));
        }
        streams.println("\nmemory");
        Plan.memory(plan).lines().forEach(line -> streams.println("  " + line));
        streams.println("  available:   " + Bytes.text(available));
    }

    private Map<String, Object> document(OpenModel open, MemoryPlan plan, long available) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("path", open.file().path().toString());
        all.put("container", open.file().container());
        all.put("name", open.config().name());
        all.put("architecture", open.config().arch());
        all.put("parameters", parameters(open));
        all.put("config", open.config());
        all.put("metadata", open.file().metadata());
        all.put("formats", shares(open));
        if (tensors) {
            List<Map<String, Object>> list = new ArrayList<>();
            for (RawTensor t : open.file().tensors().values()) {
                Map<String, Object> one = new LinkedHashMap<>();
                one.put("name", t.name());
                one.put("format", t.format());
                one.put("shape", t.shape());
                one.put("bytes", t.data().byteSize());
                one.put("file", t.file());
                list.add(one);
            }
            all.put("tensors", list);
        }
        all.put("memory", plan);
        all.put("available", available);
        return all;
    }

    private static Map<Format, Share> shares(OpenModel open) {
        Map<Format, Share> shares = new EnumMap<>(Format.class);
        for (RawTensor t : open.tensors())
            shares.merge(t.format(), new Share(1, t.elements(), t.data().byteSize()), (s, _) -> s.plus(t));
        return shares;
    }

    private static long parameters(OpenModel open) {
        return open.tensors().stream().mapToLong(RawTensor::elements).sum();
    }

    private static String shape(RawTensor t) {
        StringBuilder text = new StringBuilder("[");
        for (long d : t.shape()) text.append(text.length() > 1 ? ", " : "").append(d);
        return text.append(']').toString();
    }

    /** A value on one line: long texts and lists are cut, and say how long they are. */
    private static String shown(Object value) {
        if (value instanceof List<?> list && list.size() > 2 * SHOWN_ITEMS)
            return line(list.subList(0, SHOWN_ITEMS)) + " … " + list.size() + " in all";
        return line(value);
    }

    private static String line(Object value) {
        String text = value instanceof MemorySegment s ? s.byteSize() + " bytes" : String.valueOf(value);
        text = text.replace("\n", "\\n").replace("\r", "\\r");
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + " … " + text.length() + " characters";
    }
}
