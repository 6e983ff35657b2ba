package squall.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import squall.engine.ExecutorProvider;
import squall.format.RawTensor;

/** What is measured, in llama-bench's words: build, machine and model. */
final class BenchSubject {
    private BenchSubject() {}

    /** llama-bench's fields that are the same for all tests. */
    static Map<String, Object> fields(OpenModel open, List<DeviceOptions.Choice> chosen, String commit) {
        List<ExecutorProvider.Device> devices = chosen.stream().map(DeviceOptions.Choice::description).toList();
        long params = open.tensors().stream().mapToLong(RawTensor::elements).sum();
        Map<String, Object> about = new LinkedHashMap<>();
        about.put("build_commit", commit);
        about.put("build_number", 0);
        about.put("cpu_info", names(devices.stream().filter(d -> d.id().equals("cpu")), ExecutorProvider.Device::name));
        about.put("gpu_info", names(devices.stream().filter(d -> !d.id().equals("cpu")), ExecutorProvider.Device::name));
        about.put("backends", names(devices.stream(), d -> d.id().equals("cpu") ? "CPU" : d.backend()));
        about.put("model_filename", open.file().path().toString());
        about.put("model_type", open.config().arch() + " " + count(params) + " " + format(open.tensors()));
        about.put("model_size", open.weightBytes());
        about.put("model_n_params", params);
        return about;
    }

    private static String names(Stream<ExecutorProvider.Device> devices, Function<ExecutorProvider.Device, String> name) {
        return devices.map(name).collect(Collectors.joining(", "));
    }

    /** The format that most bytes are in. */
    private static String format(List<RawTensor> tensors) {
        return tensors.stream().collect(Collectors.groupingBy(t -> t.format().name(), Collectors.summingLong(t -> t.data().byteSize())))
                .entrySet().stream().max(Comparator.comparingLong(Map.Entry::getValue)).orElseThrow().getKey();
    }

    /** 11571760 -> {@code 11.57 M}. */
    static String count(long params) {
        return params >= 1_000_000_000L ? String.format(Locale.ROOT, "%.2f B", params / 1e9)
                : String.format(Locale.ROOT, "%.2f M", params / 1e6);
    }

    /** The checkout's commit where Squall runs from one. */
    static String commit() {
        String home = System.getProperty("squall.home");
        if (home == null) return "unknown";
        try {
            Path git = Path.of(home, ".git");
            if (Files.isRegularFile(git)) git = Path.of(Files.readString(git).strip().substring("gitdir: ".length()));
            String head = Files.readString(git.resolve("HEAD")).strip();
            if (!head.startsWith("ref: ")) return head.substring(0, 8);
            String branch = head.substring("ref: ".length());
            Path common = git.resolve("commondir");
            if (Files.exists(common)) git = git.resolve(Files.readString(common).strip());
            return Files.readString(git.resolve(branch)).substring(0, 8);
        } catch (IOException | IndexOutOfBoundsException e) {
            return "unknown";
        }
    }
}
