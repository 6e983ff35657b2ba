package squall.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The jars that the launcher's cache of classes is made with. */
class StartJarsTest {
    @TempDir Path folder;

    @Test void haveTheVectorsAndOldLibrariesInNewForm() throws IOException, URISyntaxException {
        Path boot = folder.resolve("boot.jar");
        Path old = folder.resolve("old.jar");
        Path library = Path.of(CommandLine.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        StartJars.main(new String[] {boot.toString(), old.toString(), library.toString()});
        try (JarFile vectors = new JarFile(boot.toFile()); JarFile renewed = new JarFile(old.toFile())) {
            assertNotNull(vectors.getEntry("jdk/incubator/vector/FloatVector.class"));
            assertNull(vectors.getEntry("module-info.class"));
            assertNotNull(renewed.getEntry(CommandLine.class.getName().replace('.', '/') + ".class"));
            List<JarEntry> entries = renewed.stream().toList();
            for (JarEntry e : entries) {
                var model = ClassFile.of().parse(renewed.getInputStream(e).readAllBytes());
                assertTrue(model.majorVersion() >= ClassFile.JAVA_6_VERSION, e.getName());
                assertEquals(List.of(), ClassFile.of().verify(model), e.getName());
            }
        }
    }
}
