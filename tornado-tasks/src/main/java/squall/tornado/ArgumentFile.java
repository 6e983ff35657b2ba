package squall.tornado;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The JVM's flags for running with an SDK: those of the SDK's own argument file without the backends that cannot start here,
 * and those that Squall adds. The launcher runs {@link #main} before it starts the JVM that will hold TornadoVM.
 */
final class ArgumentFile {
    /** Where the SDK is that this JVM was started with. */
    static final String SDK = "squall.tornado.sdk";
    /** Why backends are not used, "name: sentence" with {@link #BETWEEN} between them. */
    static final String REFUSED = "squall.tornado.refused";
    static final String BETWEEN = " / ";
    /** Where the flags were written. */
    static final String PLACE = "squall.tornado.arguments";
    /**
     * A kernel that does not compile is an error and no reason to run the Java method once; short event lists (a hundred times
     * less host time a step than the default); room for 256 tasks a graph; kernels of any size (a helper that a kernel calls must
     * be inlined, by default up to 600 nodes); no search of tasks for reductions to rewrite, which none is; large arrays sent by way of a
     * few pinned buffers and not pinned as a whole, which takes longer than to send them (H200: 10.0 and 14.6 in place of 6.4 GB/s, 4B BF16 and
     * 35B-A3B Q4_K); no limit on memory besides the memory plan; and what {@link NativeOutput} needs.
     */
    static final List<String> FLAGS = List.of("-Dtornado.recover.bailout=false", "-Dtornado.max.events=64",
            "-Dtornado.tvm.maxbytecodesize=1048576", "-Dtornado.compiler.fullInlining=True", "-Dtornado.experimental.reduce=False", "-Dtornado.staged.transfers=True",
            "-Dtornado.cuda.host.pinning=false",
            "-Dtornado.device.memory=1024GB", "--add-opens", "java.base/java.io=ALL-UNNAMED");

    private ArgumentFile() {}

    /** Writes the file into the directory args[0], or among the temporary files, and prints its path. */
    public static void main(String[] args) throws IOException {
        Sdk sdk = Sdk.find(System.getenv(), Path.of(System.getProperty("user.home")));
        if (sdk == null) return;
        Map<String, String> refused = new LinkedHashMap<>();
        for (String backend : sdk.backends()) {
            String why = Driver.whyUnusable(sdk, backend);
            if (why != null) refused.put(backend, why);
        }
        System.out.println(write(lines(sdk, refused), Path.of(args[0])));
    }

    /** refused: backends to leave out and why. Without any backend left TornadoVM is not started. */
    static List<String> lines(Sdk sdk, Map<String, String> refused) {
        List<String> lines = new ArrayList<>();
        if (!refused.keySet().containsAll(sdk.backends())) {
            for (String line : sdk.arguments()) {
                String kept = without(sdk, refused.keySet().stream().toList(), line.strip());
                if (!kept.isEmpty() && !kept.startsWith("#")) lines.add(kept);
            }
            lines.addAll(FLAGS);
        }
        lines.add(property(SDK, sdk.home().toString()));
        lines.add(property(REFUSED, refused.entrySet().stream().map(e -> e.getKey() + ": " + e.getValue())
                .collect(Collectors.joining(BETWEEN))));
        return lines;
    }

    private static String property(String name, String value) {
        return "\"-D" + name + "=" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    /** A line of the SDK's file without the backends; modules are named by jar, since a folder would bring them back. */
    private static String without(Sdk sdk, List<String> backends, String line) {
        if (line.startsWith("--module-path")) return "--module-path\n\"" + modulePath(sdk, backends) + "\"";
        String kept = line;
        for (String backend : backends) {
            String module = "tornado.drivers." + backend;
            kept = kept.replaceAll("," + module + "(?=,|$)", "").replaceAll("=" + module + ",", "=");
            if (kept.endsWith("=" + module) || kept.contains(module + "/") || kept.contains("=" + module + "=")) return "";
        }
        return kept;
    }

    private static String modulePath(Sdk sdk, List<String> backends) {
        Path folder = sdk.home().resolve("share/java/tornado");
        try (Stream<Path> jars = Files.list(folder)) {
            return jars.filter(j -> backends.stream().noneMatch(b -> j.getFileName().toString().startsWith("tornado-drivers-" + b + "-")))
                    .map(Path::toString).filter(j -> j.endsWith(".jar")).sorted().collect(Collectors.joining(File.pathSeparator));
        } catch (IOException e) {
            throw new UncheckedIOException(folder + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Written beside and moved into place: another start may be reading. */
    private static Path write(List<String> lines, Path folder) throws IOException {
        boolean kept = Files.isWritable(folder);
        Path written = Files.createTempFile(kept ? folder : Path.of(System.getProperty("java.io.tmpdir")), "device", ".args");
        Path place = kept ? folder.resolve("device.args") : written;
        lines.add(property(PLACE, place.toString()));
        Files.write(written, lines);
        return kept ? Files.move(written, place, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE) : place;
    }
}
