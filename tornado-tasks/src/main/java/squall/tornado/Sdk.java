package squall.tornado;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A TornadoVM SDK on this machine, known by its argument file. Nothing here touches TornadoVM or a driver.
 *
 * @param home where it is
 */
record Sdk(Path home) {
    /** Where it may be, in words. */
    static final String PLACES = "TORNADOVM_HOME or ~/.sdkman/candidates/tornadovm/current";
    private static final Pattern BACKEND = Pattern.compile("tornado\\.drivers\\.(\\w+)");

    /** The one of TORNADOVM_HOME, else SDKMAN's, else null. */
    static Sdk find(Map<String, String> environment, Path userHome) {
        List<Path> places = new ArrayList<>();
        if (isNamed(environment, "TORNADOVM_HOME")) places.add(Path.of(environment.get("TORNADOVM_HOME")));
        Path sdkman = isNamed(environment, "SDKMAN_DIR") ? Path.of(environment.get("SDKMAN_DIR")) : userHome.resolve(".sdkman");
        places.add(sdkman.resolve("candidates/tornadovm/current"));
        return places.stream().map(Sdk::new).filter(s -> Files.isReadable(s.argumentFile())).findFirst().orElse(null);
    }

    private static boolean isNamed(Map<String, String> environment, String variable) {
        return !environment.getOrDefault(variable, "").isBlank();
    }

    /** The JVM's flags for all of the SDK's backends. */
    Path argumentFile() {
        return home.resolve("tornado-argfile");
    }

    List<String> arguments() {
        try {
            return Files.readAllLines(argumentFile());
        } catch (IOException e) {
            throw new UncheckedIOException(argumentFile() + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** That of the API's jar. */
    String version() {
        try (Stream<Path> jars = Files.list(home.resolve("share/java/tornado"))) {
            return jars.filter(j -> ApiJar.NAME.matcher(j.getFileName().toString()).matches()).findFirst().map(j -> new ApiJar(j).version())
                    .orElse("of an unknown version");
        } catch (IOException e) {
            return "of an unknown version";
        }
    }

    /** Short names of the backends that the argument file starts: opencl, cuda … */
    List<String> backends() {
        LinkedHashSet<String> names = new LinkedHashSet<>();
        for (String line : arguments()) {
            if (!line.startsWith("--add-modules")) continue;
            for (Matcher m = BACKEND.matcher(line); m.find();)
                if (!m.group(1).equals("common")) names.add(m.group(1));
        }
        return List.copyOf(names);
    }

    Path library(String backend) {
        return home.resolve("lib").resolve(System.mapLibraryName("tornado-" + backend));
    }
}
