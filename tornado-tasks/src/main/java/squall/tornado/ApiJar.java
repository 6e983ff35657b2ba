package squall.tornado;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The jar of TornadoVM's API, which knows its version wherever it lies: an SDK put together by hand has no other mark.
 *
 * @param file the jar, or the folder of the checker's classes
 */
record ApiJar(Path file) {
    static final Pattern NAME = Pattern.compile("tornado-api-?(.*)\\.jar");
    private static final String UNKNOWN = "unknown";

    /** The one that this JVM has loaded; api: a class of it. */
    static ApiJar of(Class<?> api) {
        CodeSource source = api.getProtectionDomain().getCodeSource();
        try {
            return new ApiJar(source == null || source.getLocation() == null ? Path.of("") : Path.of(source.getLocation().toURI()));
        } catch (URISyntaxException e) {
            return new ApiJar(Path.of(""));
        }
    }

    /** By its name, else by its manifest, else "unknown". */
    String version() {
        Matcher named = NAME.matcher(String.valueOf(file.getFileName()));
        if (named.matches() && !named.group(1).isEmpty()) return named.group(1);
        if (!Files.isRegularFile(file)) return UNKNOWN;
        try (JarFile jar = new JarFile(file.toFile())) {
            Manifest manifest = jar.getManifest();
            String said = manifest == null ? null : manifest.getMainAttributes().getValue(Attributes.Name.IMPLEMENTATION_VERSION);
            return said == null ? UNKNOWN : said;
        } catch (IOException e) {
            return UNKNOWN;
        }
    }
}
