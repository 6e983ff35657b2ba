package squall.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/**
 * Writes class files in the form in which HotSpot links them ahead of time, before the launcher makes its cache of them. A boot layer with an
 * incubator module is not archived ({@code ModuleBootstrap}), and without an archived boot layer nothing is linked: the vectors' classes
 * are put on the boot class path instead. And classes older than {@value #OLDEST_KEPT} are never archived: such libraries are written anew,
 * with the stack maps that newer ones have.
 */
final class StartJars {
    /** Class files before this version have no stack maps and are verified another way. */
    private static final int OLDEST_KEPT = ClassFile.JAVA_6_VERSION;
    private static final int WRITTEN = ClassFile.JAVA_8_VERSION;
    private static final String VECTORS = "/modules/jdk.incubator.vector";

    private final ClassFile classes = ClassFile.of(ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
            ClassFile.ClassHierarchyResolverOption.of(ClassHierarchyResolver.ofResourceParsing(StartJars.class.getClassLoader())));

    private StartJars() {}

    /** {@code boot.jar libraries.jar library.jar…}: writes the first two, from the vectors of this JDK and what is too old in the libraries. */
    public static void main(String[] arguments) throws IOException {
        List<Path> paths = Stream.of(arguments).map(Path::of).toList();
        vectors(paths.get(0));
        new StartJars().libraries(paths.get(1), paths.subList(2, paths.size()));
    }

    private static void vectors(Path jar) throws IOException {
        Path module = FileSystems.getFileSystem(URI.create("jrt:/")).getPath(VECTORS);
        try (JarOutputStream out = jar(jar); Stream<Path> files = Files.walk(module)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                String name = module.relativize(file).toString();
                if (!name.equals("module-info.class")) add(out, name, Files.readAllBytes(file));
            }
        }
    }

    private void libraries(Path jar, List<Path> libraries) throws IOException {
        try (JarOutputStream out = jar(jar)) {
            for (Path library : libraries) {
                try (JarFile in = new JarFile(library.toFile())) {
                    for (JarEntry e : in.stream().filter(e -> e.getName().endsWith(".class")).toList()) {
                        ClassModel model = classes.parse(in.getInputStream(e).readAllBytes());
                        if (model.majorVersion() < OLDEST_KEPT) add(out, e.getName(), renewed(model));
                    }
                }
            }
        }
    }

    private byte[] renewed(ClassModel model) {
        ClassTransform version = ClassTransform.dropping(ClassFileVersion.class::isInstance)
                .andThen(ClassTransform.endHandler(c -> c.withVersion(WRITTEN, 0)));
        return classes.transformClass(model, version.andThen(ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)));
    }

    /** Not compressed: it is read at every start. */
    private static JarOutputStream jar(Path path) throws IOException {
        OutputStream file = Files.newOutputStream(path);
        JarOutputStream out = new JarOutputStream(file);
        out.setLevel(0);
        return out;
    }

    private static void add(JarOutputStream out, String name, byte[] content) throws IOException {
        out.putNextEntry(new JarEntry(name));
        out.write(content);
        out.closeEntry();
    }
}
