package squall.checker;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.reflect.AccessFlag;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Everything public that the checker declares in TornadoVM's packages is there in an SDK too, where one is installed. */
class ApiSignaturesTest {

    private static final Path OURS = Path.of("target/classes");
    private static final String PACKAGE = "uk/ac/manchester/tornado/";

    @ParameterizedTest
    @ValueSource(strings = {"api", "runtime"})
    void nothingPublicIsOursAlone(String module) throws IOException {
        Optional<Path> sdk = sdk(module);
        assumeTrue(sdk.isPresent(), "no TornadoVM SDK: TORNADOVM_HOME is not set and SDKMAN has none");
        try (FileSystem jar = FileSystems.newFileSystem(sdk.get()); Stream<Path> classes = Files.walk(OURS.resolve(PACKAGE + module))) {
            List<String> missing = new ArrayList<>();
            for (Path path : classes.filter(p -> p.toString().endsWith(".class")).toList()) {
                compare(path, jar.getPath(OURS.relativize(path).toString()), missing);
            }
            assertEquals(List.of(), missing);
        }
    }

    private static void compare(Path ours, Path theirs, List<String> missing) throws IOException {
        ClassModel mine = ClassFile.of().parse(ours);
        if (!mine.flags().has(AccessFlag.PUBLIC)) {
            return;
        }
        if (!Files.exists(theirs)) {
            missing.add(theirs.toString());
            return;
        }
        ClassModel real = ClassFile.of().parse(theirs);
        members(mine).stream().filter(member -> !members(real).contains(member) && !inherited(real, theirs, member))
                .forEach(member -> missing.add(theirs + " " + member));
    }

    private static boolean inherited(ClassModel type, Path file, String member) {
        String parent = type.superclass().map(c -> c.asInternalName()).orElse("");
        Path path = file.getFileSystem().getPath(parent + ".class");
        if (!parent.startsWith(PACKAGE) || !Files.exists(path)) {
            return false;
        }
        try {
            ClassModel model = ClassFile.of().parse(path);
            return members(model).contains(member) || inherited(model, path, member);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Set<String> members(ClassModel type) {
        Set<String> names = new HashSet<>();
        type.methods().stream().filter(m -> m.flags().has(AccessFlag.PUBLIC) && !m.flags().has(AccessFlag.SYNTHETIC))
                .forEach(m -> names.add(m.methodName().stringValue() + m.methodType().stringValue()));
        type.fields().stream().filter(f -> f.flags().has(AccessFlag.PUBLIC))
                .forEach(f -> names.add(f.fieldName().stringValue() + " " + f.fieldType().stringValue()));
        return names;
    }

    private static Optional<Path> sdk(String module) throws IOException {
        String home = System.getenv("TORNADOVM_HOME");
        Path root = home == null ? Path.of(System.getProperty("user.home"), ".sdkman/candidates/tornadovm/current") : Path.of(home);
        if (!Files.isDirectory(root)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(p -> p.getFileName().toString().matches("tornado-" + module + "-[0-9].*\\.jar")).findFirst();
        }
    }
}
